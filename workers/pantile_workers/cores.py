"""Cores: how long a network's threads hold theirs while they wait for one another."""

import os

_SPINS = "5000"
"""About 0.1 ms. GNU OpenMP's own choice is 300,000, some 6 ms after each of a network's 250 operations a batch: on two
cores that other work wanted as well (load average 6) that cost 1.1 to 2.3 s a batch, against 0.6 s with this."""


def share_cores() -> None:
    """Has them give their core to whoever wants it after a moment, unless the environment says how they are to wait.

    To be called before torch is imported, as OpenMP reads the environment once.
    """
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", _SPINS)

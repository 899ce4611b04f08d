"""A network's threads wait as they are told, which OpenMP itself is asked for."""

import os
import subprocess
import sys

import pytest

SHOW = "from pantile_workers.process import share_cores; share_cores(); import torch"


@pytest.mark.skipif(sys.platform != "linux", reason="needs GNU OpenMP, which torch has on Linux")
@pytest.mark.parametrize(
    ("given", "expected"),
    [({}, "5000"), ({"GOMP_SPINCOUNT": "70"}, "70"), ({"OMP_WAIT_POLICY": "PASSIVE"}, "0")],
    ids=["by itself", "spins given", "policy given"],
)
def test_threads_soon_give_their_core_away(given: dict[str, str], expected: str) -> None:
    mine = {name: value for name, value in os.environ.items() if not name.startswith(("OMP_", "GOMP_"))}

    shown = subprocess.run(
        [sys.executable, "-c", SHOW],
        env=mine | {"OMP_DISPLAY_ENV": "verbose"} | given,
        capture_output=True,
        text=True,
        check=True,
    ).stderr

    assert f"GOMP_SPINCOUNT = '{expected}'" in shown

"""Each cause by which work fails or comes back has a remedy of its own."""

from collections.abc import Iterator

import pytest

from pantile.domain import errors
from pantile.domain.errors import JobFailed, PantileError
from pantile.domain.jobs import Cause
from pantile.domain.remedies import REMEDIES, UNKNOWN, find_remedy
from pantile_workers.fetching import AddressDown


def children(error: type[PantileError]) -> Iterator[type[PantileError]]:
    for child in error.__subclasses__():
        yield child
        yield from children(child)


AROUND_THE_WORK = (
    errors.DatabaseDown,
    errors.BrokerDown,
    errors.ObjectStoreDown,
    errors.ObjectRefused,
    errors.ObjectMissing,
    errors.ObjectCorrupt,
    errors.PyramidBroken,
    errors.LeaseLost,
    errors.CaseWithdrawn,
    AddressDown,
)


@pytest.mark.parametrize("cause", [*(each.__name__ for each in (*children(JobFailed), *AROUND_THE_WORK)), *Cause])
def test_each_cause_has_its_remedy(cause: str) -> None:
    assert find_remedy(cause) != UNKNOWN


def test_each_remedy_is_sentences() -> None:
    for remedy in (*REMEDIES.values(), UNKNOWN):
        assert remedy[0].isupper(), remedy
        assert remedy.endswith("."), remedy


def test_what_is_not_known_is_said_to_be() -> None:
    assert find_remedy("ZeroDivisionError") == UNKNOWN

"""The coordinator dies at its work, or there are two of it: messages go out late or twice, and nothing is lost."""

import signal

import pytest

from tests.faults.invariants import Expected, check_invariants
from tests.faults.rig import Rig, second_coordinator

long = pytest.mark.long


@long
def test_a_coordinator_may_be_killed_while_a_cohort_is_submitted(rig: Rig, expected: Expected) -> None:
    pid = rig.signal("coordinator", signal.SIGKILL)
    submitted = rig.submit()

    rig.await_restart("coordinator", pid)
    check_invariants(rig, submitted, expected)


def test_a_coordinator_may_be_killed_between_sending_messages_and_noting_them(rig: Rig, expected: Expected) -> None:
    rig.arm("publish", "die", times=2)
    submitted = rig.submit()

    rig.await_sprung("publish", times=2)
    check_invariants(rig, submitted, expected)

    assert {attempt["outcome"] for attempt in rig.attempts(submitted)} == {"succeeded"}


@long
def test_two_coordinators_do_no_work_twice(rig: Rig, expected: Expected) -> None:
    with rig.running(second_coordinator()):
        submitted = rig.submit()
        check_invariants(rig, submitted, expected)

    assert len(rig.attempts(submitted)) == submitted.jobs

"""Job states and the ways between them."""

import pytest

from pantile.domain.errors import TransitionRefused
from pantile.domain.jobs import MAX_RETRY_DELAY_S, TERMINAL, JobState, check_transition, retry_delay_s


def test_a_succeeded_job_stays_succeeded() -> None:
    for target in JobState:
        with pytest.raises(TransitionRefused):
            check_transition(JobState.SUCCEEDED, target)


def test_only_an_operator_leads_out_of_a_terminal_state_and_only_to_waiting() -> None:
    for source in TERMINAL - {JobState.SUCCEEDED}:
        check_transition(source, JobState.WAITING)
        with pytest.raises(TransitionRefused, match=f"{source} to running"):
            check_transition(source, JobState.RUNNING)


def test_the_wait_doubles_up_to_a_limit() -> None:
    assert [retry_delay_s(attempt) for attempt in (1, 2, 3)] == [5, 10, 20]
    assert retry_delay_s(50) == MAX_RETRY_DELAY_S

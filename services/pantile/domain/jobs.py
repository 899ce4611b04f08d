"""Jobs: their states, the ways between them, and how an attempt can end."""

from enum import StrEnum

from pantile.domain.errors import TransitionRefused


class JobState(StrEnum):
    """Where a job stands. That a message is out for it is not a state but `published_at`."""

    WAITING = "waiting"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


TERMINAL = frozenset({JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED})

_WAYS = {
    JobState.WAITING: {JobState.RUNNING, JobState.CANCELLED, JobState.FAILED},
    JobState.RUNNING: {JobState.SUCCEEDED, JobState.FAILED, JobState.WAITING, JobState.CANCELLED},
    JobState.SUCCEEDED: set(),
    JobState.FAILED: {JobState.WAITING},
    JobState.CANCELLED: {JobState.WAITING},
}


def check_transition(source: JobState, target: JobState) -> None:
    """Raises `TransitionRefused` where a job has no way from `source` to `target`."""
    if target not in _WAYS[source]:
        raise TransitionRefused(f"{source} to {target}")


class AttemptOutcome(StrEnum):
    """How one attempt at a job ended."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    RETURNED = "returned"
    LEASE_ENDED = "lease_ended"
    CANCELLED = "cancelled"


class ChoreKind(StrEnum):
    """Leased work that is not a job: what an imaging worker does for one ROI or one class map."""

    INGEST = "ingest"
    OVERLAY = "overlay"


RETRY_DELAY_S = 5.0
"""Wait before the second attempt; doubled for each further one."""

MAX_RETRY_DELAY_S = 300.0


def retry_delay_s(attempt: int) -> float:
    """Seconds that work waits after its `attempt`-th attempt (from 1) went wrong."""
    return float(min(MAX_RETRY_DELAY_S, RETRY_DELAY_S * 2 ** max(0, attempt - 1)))

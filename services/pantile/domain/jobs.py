"""Jobs: their states, how an attempt can end, and the waits between attempts."""

from enum import StrEnum


class JobState(StrEnum):
    """Where a job stands. That a message is out for it is not a state but `published_at`."""

    WAITING = "waiting"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


TERMINAL = frozenset({JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED})
"""The states that a job leaves only by an operator's retry or a new submission, if at all."""


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
    COMPARE = "compare"


RETRY_DELAY_S = 5.0
"""Wait before the second attempt; doubled for each further one."""

MAX_RETRY_DELAY_S = 300.0

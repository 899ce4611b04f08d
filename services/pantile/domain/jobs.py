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


class Cause(StrEnum):
    """Why an attempt ended, beside the errors, by whose class's name the others are called."""

    LEASE_ENDED = "LeaseEnded"
    DEADLINE_PASSED = "DeadlinePassed"
    MEMORY_SHORT = "MemoryShort"


class ChoreKind(StrEnum):
    """Leased work that is not a job: what imaging and evaluate workers do for an ROI, class map, slide or study."""

    INGEST = "ingest"
    OVERLAY = "overlay"
    COMPARE = "compare"
    PYRAMID = "pyramid"
    INSPECT = "inspect"
    SLIDE_PYRAMID = "slide-pyramid"
    EVALUATE = "evaluate"
    REPORT = "report"


EVALUATE_CHORES = (ChoreKind.EVALUATE, ChoreKind.REPORT)
"""The chores of evaluate workers."""

IMAGING_CHORES = tuple(kind for kind in ChoreKind if kind not in EVALUATE_CHORES)
"""The chores of imaging workers."""


RETRY_DELAY_S = 5.0
"""Wait before the second attempt; doubled for each further one."""

MAX_RETRY_DELAY_S = 300.0

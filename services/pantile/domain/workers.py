"""Workers: the kinds there are, and what an operator is told of one."""

from enum import StrEnum


class WorkerKind(StrEnum):
    """What a worker process does."""

    SEGMENT = "segment"
    IMAGING = "imaging"
    EVALUATE = "evaluate"
    TRAIN = "train"


class WorkerState(StrEnum):
    """How a worker is."""

    IDLE = "idle"
    BUSY = "busy"
    DRAINING = "draining"
    DRAINED = "drained"
    SILENT = "silent"


BEAT_S = 5.0
"""How often a worker tells of itself."""

SILENT_AFTER_S = 30.0
"""A worker that has told nothing for so long is silent: it has died, hangs, or does not reach the database."""

FORGOTTEN_AFTER_S = 3600.0
"""A worker that has been silent for so long is not listed any more."""


def state_of(*, silent_s: float, is_drain_asked: bool, is_consuming: bool, is_busy: bool) -> WorkerState:
    """How a worker is that was last heard of `silent_s` ago."""
    if silent_s > SILENT_AFTER_S:
        return WorkerState.SILENT
    if is_drain_asked:
        return WorkerState.DRAINING if is_consuming or is_busy else WorkerState.DRAINED
    return WorkerState.BUSY if is_busy else WorkerState.IDLE

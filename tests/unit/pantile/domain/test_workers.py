"""How a worker is follows from what was last heard of it."""

import pytest

from pantile.domain.workers import SILENT_AFTER_S, WorkerState, state_of


@pytest.mark.parametrize(
    ("silent_s", "is_drain_asked", "is_consuming", "is_busy", "state"),
    [
        (0, False, True, False, WorkerState.IDLE),
        (0, False, True, True, WorkerState.BUSY),
        (0, True, True, False, WorkerState.DRAINING),
        (0, True, False, True, WorkerState.DRAINING),
        (0, True, False, False, WorkerState.DRAINED),
        (SILENT_AFTER_S + 1, False, True, True, WorkerState.SILENT),
        (SILENT_AFTER_S + 1, True, False, False, WorkerState.SILENT),
    ],
)
def test_a_worker_s_state(
    silent_s: float, is_drain_asked: bool, is_consuming: bool, is_busy: bool, state: WorkerState
) -> None:
    found = state_of(silent_s=silent_s, is_drain_asked=is_drain_asked, is_consuming=is_consuming, is_busy=is_busy)

    assert found is state

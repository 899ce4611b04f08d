"""One thin task a message. Nothing but our own error leaves a task: what else escapes stops a Celery worker for good.

A `MemoryError`, `SystemExit` or other `BaseException` that reaches Celery 5.7 kills the worker on some pools and blocks
the slot for ever on others (celery#10462), so it is caught here and nowhere else.
"""

from collections.abc import Callable
from typing import Any

from celery import Celery

from pantile.domain.messages import (
    CompareSegmenters,
    IngestRoi,
    Message,
    RenderOverlay,
    SegmentRoi,
    TrainSegmenter,
    read_message,
)
from pantile.logs import log
from pantile_workers.chores import compare_segmenters, ingest_roi, render_one_overlay
from pantile_workers.leasing import NotDone
from pantile_workers.runtime import Runtime
from pantile_workers.segmenting import segment_roi


def register_tasks(app: Celery, runtime: Runtime) -> None:
    """Gives the application one task for each message."""
    _register(app, SegmentRoi, lambda message: segment_roi(runtime, message))
    _register(app, IngestRoi, lambda message: ingest_roi(runtime, message))
    _register(app, RenderOverlay, lambda message: render_one_overlay(runtime, message))
    _register(app, CompareSegmenters, lambda message: compare_segmenters(runtime, message))

    _register(app, TrainSegmenter, lambda message: _train(runtime, message))


def _train(runtime: Runtime, message: TrainSegmenter) -> str:
    # Only a train worker gets this message, and torch takes the others seconds to import.
    from pantile_workers.trainings import train_segmenter  # noqa: PLC0415

    return train_segmenter(runtime, message)


def _register(app: Celery, kind: type[Message], use_case: Callable[[Any], str]) -> None:
    @app.task(name=kind.TASK, acks_late=True, ignore_result=True)  # type: ignore[untyped-decorator]  # celery has no types
    def task(**kwargs: Any) -> str:
        try:
            return use_case(read_message(kind, kwargs))
        except NotDone:
            raise
        except BaseException as error:  # noqa: BLE001 — see the module
            log.error("task went wrong", task=kind.TASK, kwargs=kwargs, exc_info=error)
            raise NotDone(f"{type(error).__name__}: {error}") from None

"""One thin task a message. Nothing but our own error leaves a task: what else escapes stops a Celery worker for good.

A `MemoryError`, `SystemExit` or other `BaseException` that reaches Celery 5.7 kills the worker on some pools and blocks
the slot for ever on others (celery#10462), so it is caught here and nowhere else.
"""

from collections.abc import Callable
from typing import Any

from celery import Celery

from pantile.domain.messages import (
    CompareSegmenters,
    EvaluateRoi,
    IngestRoi,
    InspectSlide,
    MakePyramid,
    MakeReport,
    MakeSlidePyramid,
    Message,
    MessageTooNew,
    RenderOverlay,
    SegmentRoi,
    TrainSegmenter,
    read_message,
)
from pantile.logs import log
from pantile.metrics import TASK_SECONDS, TASKS
from pantile_workers.chores import (
    compare_segmenters,
    ingest_roi,
    inspect_one_slide,
    make_one_pyramid,
    make_one_slide_pyramid,
    render_one_overlay,
)
from pantile_workers.evaluating import evaluate_roi
from pantile_workers.leasing import NotDone
from pantile_workers.reporting import make_report
from pantile_workers.runtime import Runtime
from pantile_workers.segmenting import segment_roi

_TOO_NEW_PAUSE_S = 2.0
"""Keeps a worker that is too old from emptying the queue before those that understand its messages come to them. The
rows stay as they are, and the coordinator sends for them again."""


def register_tasks(app: Celery, runtime: Runtime) -> None:
    """Gives the application one task for each message."""
    _register(app, runtime, SegmentRoi, lambda message: segment_roi(runtime, message))
    _register(app, runtime, IngestRoi, lambda message: ingest_roi(runtime, message))
    _register(app, runtime, RenderOverlay, lambda message: render_one_overlay(runtime, message))
    _register(app, runtime, CompareSegmenters, lambda message: compare_segmenters(runtime, message))
    _register(app, runtime, InspectSlide, lambda message: inspect_one_slide(runtime, message))
    _register(app, runtime, MakeSlidePyramid, lambda message: make_one_slide_pyramid(runtime, message))
    _register(app, runtime, MakePyramid, lambda message: make_one_pyramid(runtime, message))
    _register(app, runtime, EvaluateRoi, lambda message: evaluate_roi(runtime, message))
    _register(app, runtime, MakeReport, lambda message: make_report(runtime, message))
    _register(app, runtime, TrainSegmenter, lambda message: _train(runtime, message))


def _train(runtime: Runtime, message: TrainSegmenter) -> str:
    # Only a train worker gets this message, and torch takes the others seconds to import.
    from pantile_workers.trainings import train_segmenter  # noqa: PLC0415

    return train_segmenter(runtime, message)


def _register(app: Celery, runtime: Runtime, kind: type[Message], use_case: Callable[[Any], str]) -> None:
    @app.task(name=kind.TASK, acks_late=True, ignore_result=True)  # type: ignore[untyped-decorator]  # celery has no types
    def task(**kwargs: Any) -> str:
        result = "done"
        try:
            with TASK_SECONDS.labels(kind.TASK).time():
                return use_case(read_message(kind, kwargs))
        except NotDone:
            result = "not done"
            raise
        except MessageTooNew as error:
            result = "too new"
            log.warning("message left to newer workers", task=kind.TASK, kwargs=kwargs, error=str(error))
            runtime.stopping.wait(_TOO_NEW_PAUSE_S)
            return "left to newer workers"
        except BaseException as error:  # noqa: BLE001 — see the module
            result = "went wrong"
            log.error("task went wrong", task=kind.TASK, kwargs=kwargs, exc_info=error)
            raise NotDone(f"{type(error).__name__}: {error}") from None
        finally:
            TASKS.labels(kind.TASK, result).inc()

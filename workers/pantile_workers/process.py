"""A worker process: Celery's thread pool around one runtime, its heartbeat, its readiness and its end.

Threads, not processes: one CUDA context, one decode for an ROI's segmenters, and stages that overlap. On SIGTERM Celery
stops consuming and waits for running tasks; what is not done within the drain time is given back at once, and the
process ends. A thread cannot be stopped, so a task that hangs ends the whole process as well.
"""

import faulthandler
import os
import threading
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from celery.signals import setup_logging, worker_ready, worker_shutting_down

from pantile.domain.errors import PantileError
from pantile.domain.jobs import Cause
from pantile.domain.workers import WorkerKind
from pantile.logs import configure_logs, log
from pantile.metrics import WORKER, serve_metrics
from pantile.queue import EVALUATE_QUEUES, IMAGING_QUEUES, SEGMENT_QUEUES, TRAIN_QUEUES, make_celery
from pantile.settings import Settings
from pantile_workers.cores import share_cores
from pantile_workers.measuring import measure_worker
from pantile_workers.presence import Presence
from pantile_workers.runtime import Runtime
from pantile_workers.tasks import register_tasks

_WARM_UP_DELAY_S = 3.0
"""Leaves the processor to what starts beside this worker; a job that comes sooner loads for itself."""

_EXIT_DRAINED = 75
"""EX_TEMPFAIL: stopped with work given back; a supervisor may start another."""

_EXIT_HUNG = 70
"""EX_SOFTWARE: ended by itself because a task hung; a supervisor is to start another."""

_LOOK_S = 1.0


def run_segment_worker(settings: Settings) -> None:
    """Runs a segment worker until it is told to stop."""
    _run(settings, kind=WorkerKind.SEGMENT, queues=SEGMENT_QUEUES, needs_engine=True)


def run_imaging_worker(settings: Settings, *, evaluates: bool = False) -> None:
    """Runs an imaging worker until it is told to stop; with `evaluates` it does an evaluate worker's work as well."""
    _run(settings, kind=WorkerKind.IMAGING, queues=(*IMAGING_QUEUES, *EVALUATE_QUEUES) if evaluates else IMAGING_QUEUES)


def run_evaluate_worker(settings: Settings) -> None:
    """Runs an evaluate worker until it is told to stop."""
    _run(settings, kind=WorkerKind.EVALUATE, queues=EVALUATE_QUEUES)


def run_train_worker(settings: Settings) -> None:
    """Runs a train worker until it is told to stop: one training at a time, slice by slice."""
    _run(settings.model_copy(update={"worker_threads": 1}), kind=WorkerKind.TRAIN, queues=TRAIN_QUEUES)


def _run(settings: Settings, *, kind: WorkerKind, queues: Sequence[str], needs_engine: bool = False) -> None:
    share_cores()
    setup_logging.connect(_keep_our_logs)
    configure_logs(settings)
    serve_metrics(settings, service=kind)
    runtime = Runtime(settings, kind=kind)
    WORKER.ask(partial(measure_worker, runtime))
    app = make_celery(settings)
    register_tasks(app, runtime)
    ready = _ReadyFile()
    warm_up = _WarmUp(runtime)
    presence = Presence(runtime, kind=kind, queues=queues)
    drain = _Drain(runtime, presence)
    worker_ready.connect(ready.touch)
    worker_ready.connect(presence.begin)
    if needs_engine:
        worker_ready.connect(warm_up.begin)
    worker_shutting_down.connect(drain.begin)
    deadline = _Deadline(runtime)
    with runtime:
        deadline.begin()
        try:
            app.worker_main(_arguments(settings, name=runtime.name, queues=queues))
        finally:
            presence.end()


def _arguments(settings: Settings, *, name: str, queues: Sequence[str]) -> list[str]:
    return [
        "worker",
        "--pool=threads",
        f"--concurrency={settings.worker_threads}",
        f"--queues={','.join(queues)}",
        f"--hostname={name}",
        "--task-events",
        "--without-gossip",
        "--without-mingle",
        f"--loglevel={settings.log_level}",
    ]


def _keep_our_logs(**_: Any) -> None:
    """Stands in Celery's way, which would configure logging by itself."""


class _ReadyFile:
    """The file that tells a supervisor that this worker consumes."""

    def __init__(self) -> None:
        self._path = os.environ.get("PANTILE_READY_FILE")

    def touch(self, **_: Any) -> None:
        log.info("worker ready")
        if self._path:
            Path(self._path).touch()


class _WarmUp:
    """Loads what the first job needs, beside a worker that is already taking messages."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    def begin(self, **_: Any) -> None:
        timer = threading.Timer(_WARM_UP_DELAY_S, self._load)
        timer.daemon = True
        timer.start()

    def _load(self) -> None:
        log.info("engine ready", device=str(self._runtime.engine.device))


class _Drain:
    """Gives running tasks the drain time, then gives their work back and ends the process."""

    def __init__(self, runtime: Runtime, presence: Presence) -> None:
        self._runtime = runtime
        self._presence = presence

    def begin(self, **_: Any) -> None:
        log.info("worker stopping", drain_s=self._runtime.settings.drain_s)
        self._runtime.stopping.set()
        timer = threading.Timer(self._runtime.settings.drain_s, self._end)
        timer.daemon = True
        timer.start()

    def _end(self) -> None:
        try:
            log.warning("work given back", rows=self._runtime.leases.release_all())
        except PantileError as error:
            log.warning("work not given back", error=str(error))
        self._presence.end()
        os._exit(_EXIT_DRAINED)


class _Deadline:
    """Ends the process when any piece of work takes longer than the deadline, with everything given back.

    The stacks of all threads go to standard error, so that the log says where it hung.
    """

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    def begin(self) -> None:
        threading.Thread(target=self._watch, name="deadline", daemon=True).start()

    def _watch(self) -> None:
        while self._runtime.leases.longest_s() < self._runtime.settings.job_deadline_s:
            time.sleep(_LOOK_S)
        faulthandler.dump_traceback()
        try:
            cause = f"The work did not end within {self._runtime.settings.job_deadline_s:g} s"
            log.error("task hangs", rows=self._runtime.leases.abandon(kind=Cause.DEADLINE_PASSED, cause=cause))
        except PantileError as error:
            log.error("task hangs; work not given back", error=str(error))
        os._exit(_EXIT_HUNG)

"""The coordinator's process: dispatches as soon as work is announced, reconciles at intervals, outlives outages."""

import threading
import time
from collections.abc import Callable

from pantile.catalog.courses import Mark, mark_now
from pantile.catalog.database import Connection, Database, await_work
from pantile.coordinator.dispatch import Dispatched, dispatch
from pantile.coordinator.measuring import measure
from pantile.coordinator.pausing import pause_failing
from pantile.coordinator.reconcile import reconcile
from pantile.coordinator.sweep import sweep
from pantile.domain.cohorts import FailureLimit
from pantile.domain.errors import ServiceDown
from pantile.logs import log
from pantile.metrics import MESSAGES_SENT, ROUND_AT, ROUND_SECONDS, serve_metrics
from pantile.objects import ObjectStore
from pantile.queue import Sender
from pantile.settings import Settings

_OUTAGE_PAUSE_S = 1.0


def run_coordinator(settings: Settings, *, stop: threading.Event, on_ready: Callable[[], None]) -> None:
    """Runs until `stop` is set; calls `on_ready` after the first whole round.

    Servers that are down are waited for: their return finds the coordinator where it was.
    """
    serve_metrics(settings, service="coordinator")
    database = Database.from_settings(settings, connections=3, application="pantile coordinator")
    sender = Sender(settings)
    # A thread of its own: a large bucket takes minutes, and dispatch does not wait for it.
    threading.Thread(target=_sweep_until, args=(settings, database, stop), name="sweeper", daemon=True).start()
    if settings.traces_endpoint:
        threading.Thread(target=_trace_until, args=(settings, database, stop), name="tracer", daemon=True).start()
    try:
        while not stop.is_set():
            try:
                with database.listening() as connection:
                    _serve(settings, database, sender, connection, stop=stop, on_ready=on_ready)
            except ServiceDown as error:
                log.warning("server down", error=str(error))
                stop.wait(_OUTAGE_PAUSE_S)
    finally:
        sender.close()
        database.close()


def _serve(
    settings: Settings,
    database: Database,
    sender: Sender,
    connection: Connection,
    *,
    stop: threading.Event,
    on_ready: Callable[[], None],
) -> None:
    reconciled_at = -float("inf")
    while not stop.is_set():
        if time.monotonic() - reconciled_at >= settings.reconcile_interval_s:
            with ROUND_SECONDS.labels("reconcile").time():
                reconcile(database, sender, stale_s=settings.hint_stale_s)
                pause_failing(database, _failure_limit(settings))
            if settings.metrics_port:
                with ROUND_SECONDS.labels("measure").time():
                    measure(database, sender)
            reconciled_at = time.monotonic()
        with ROUND_SECONDS.labels("dispatch").time():
            sent = dispatch(database, sender, most_queued=settings.most_queued)
        if sent != Dispatched():
            log.info("messages sent", jobs=sent.jobs, chores=sent.chores, trainings=sent.trainings)
            _count(sent)
        ROUND_AT.set_to_current_time()
        on_ready()
        await_work(connection, timeout_s=settings.dispatch_interval_s)


def _count(sent: Dispatched) -> None:
    for work, number in (("job", sent.jobs), ("chore", sent.chores), ("training", sent.trainings)):
        MESSAGES_SENT.labels(work).inc(number)


def _failure_limit(settings: Settings) -> FailureLimit:
    return FailureLimit(
        first_jobs=settings.pause_first_jobs, first_share=settings.pause_first_share, share=settings.pause_share
    )


def _sweep_until(settings: Settings, database: Database, stop: threading.Event) -> None:
    objects = ObjectStore.from_settings(settings)
    while not stop.wait(settings.sweep_interval_s):
        try:
            sweep(database, objects, age_s=settings.sweep_age_s)
        except ServiceDown as error:
            log.warning("bucket not swept", error=str(error))


def _trace_until(settings: Settings, database: Database, stop: threading.Event) -> None:
    from pantile.coordinator.tracing import trace_ended  # noqa: PLC0415 — OpenTelemetry only where traces are wanted
    from pantile.traces import Tracer  # noqa: PLC0415

    tracer = Tracer.from_settings(settings)
    mark: Mark | None = None
    while not stop.wait(settings.reconcile_interval_s):
        try:
            if mark is None:
                with database.transaction() as connection:
                    mark = mark_now(connection)
            mark = trace_ended(database, tracer, mark)
        except ServiceDown as error:
            log.warning("jobs not traced", error=str(error))
    tracer.close()

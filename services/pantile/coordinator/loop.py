"""The coordinator's process: dispatches as soon as work is announced, reconciles at intervals, outlives outages."""

import threading
import time
from collections.abc import Callable

from pantile.catalog.database import Connection, Database, await_work
from pantile.coordinator.dispatch import dispatch
from pantile.coordinator.reconcile import reconcile
from pantile.domain.errors import ServiceDown
from pantile.logs import log
from pantile.queue import Sender
from pantile.settings import Settings

_OUTAGE_PAUSE_S = 1.0


def run_coordinator(settings: Settings, *, stop: threading.Event, on_ready: Callable[[], None]) -> None:
    """Runs until `stop` is set; calls `on_ready` after the first whole round.

    Servers that are down are waited for: their return finds the coordinator where it was.
    """
    database = Database.from_settings(settings, connections=2, application="pantile coordinator")
    sender = Sender(settings)
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
            reconcile(database, sender)
            reconciled_at = time.monotonic()
        sent = dispatch(database, sender, stale_s=settings.hint_stale_s)
        if sent.jobs or sent.chores:
            log.info("messages sent", jobs=sent.jobs, chores=sent.chores)
        on_ready()
        await_work(connection, timeout_s=settings.dispatch_interval_s)

"""A worker's presence: it tells the catalog every few seconds that it is there, and hears whether it is to drain.

Draining is asked for in the catalog, not by Celery's remote control, whose messages are lost where a worker is not
listening just then. A drained worker keeps its place on the queue's side, consumes nothing, and may be stopped.
"""

import os
import socket
import threading
from collections.abc import Sequence
from typing import Any

from celery.worker.state import reserved_requests

from pantile import __version__
from pantile.catalog import workers
from pantile.catalog.workers import WorkerFacts
from pantile.domain.errors import PantileError
from pantile.domain.workers import BEAT_S, WorkerKind
from pantile.logs import log
from pantile_workers.runtime import Runtime


class Presence:
    """Tells of a worker from one thread, and begins and ends its drain."""

    def __init__(self, runtime: Runtime, *, kind: WorkerKind, queues: Sequence[str]) -> None:
        self._runtime = runtime
        self._facts = WorkerFacts(
            name=runtime.name,
            kind=kind,
            host=socket.gethostname(),
            pid=os.getpid(),
            queues=tuple(queues),
            threads=runtime.settings.worker_threads,
            version=__version__,
        )
        self._consumer: Any = None
        self._is_consuming = True
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._tell_until_stopped, name="presence", daemon=True)

    def begin(self, sender: Any, **_: Any) -> None:
        """Starts telling; Celery's signal `worker_ready` calls it with its consumer."""
        # The signal comes again after each new connection to the broker, with the same consumer.
        self._consumer = sender
        if not self._thread.is_alive():
            self._thread.start()

    def end(self) -> None:
        """Stops telling, and takes the worker off the list."""
        self._stopped.set()
        try:
            with self._runtime.database.transaction() as connection:
                workers.remove_worker(connection, self._facts.name)
        except PantileError as error:
            log.warning("worker not taken off the list", error=str(error))

    def _tell_until_stopped(self) -> None:
        while not self._stopped.is_set():
            try:
                self._tell()
            except PantileError as error:
                log.warning("worker's presence not told", error=str(error))
            self._stopped.wait(BEAT_S)

    def _tell(self) -> None:
        with self._runtime.database.transaction() as connection:
            drain = workers.tell_worker(
                connection,
                self._facts,
                device=self._runtime.device_name,
                tasks=len(reserved_requests),
                is_consuming=self._is_consuming,
            )
        if drain is self._is_consuming:
            # The consumer belongs to Celery's own thread. Asked again at each beat until it has been done.
            self._consumer.call_soon(self._stop_consuming if drain else self._consume)

    def _stop_consuming(self) -> None:
        for queue in self._facts.queues:
            self._consumer.cancel_task_queue(queue)
        self._is_consuming = False
        log.info("worker draining")

    def _consume(self) -> None:
        for queue in self._facts.queues:
            self._consumer.add_task_queue(queue)
        self._is_consuming = True
        log.info("worker takes work again")

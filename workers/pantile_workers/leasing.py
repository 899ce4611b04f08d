"""How a worker holds work: leases kept alive by one heartbeat, suspects done in solitude, and every end recorded."""

import errno
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from traceback import clear_frames
from typing import TypeVar

from pantile.catalog import leases, rois, slides
from pantile.catalog.database import Database
from pantile.catalog.leases import WORK_OF, Lease
from pantile.domain.errors import DatabaseDown, JobFailed, LeaseLost, PantileError, ServiceDown
from pantile.domain.jobs import Cause
from pantile.logs import log
from pantile.metrics import NOT_DONE

Done = TypeVar("Done")

_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EMFILE, errno.ENFILE})
"""What an operating system says when this worker's disk is full or it may open no more files."""

_NO_MEMORY = ("out of memory", "allocate memory", "creating thread", "start new thread")
"""How torch, libvips, glib and Python say that memory does not suffice where they have no class of error for it."""


class Solitude:
    """Lets any number of tasks run together, or one alone. One that waits to be alone holds newcomers back."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._together = 0
        self._alone = False
        self._waiting_alone = 0

    @contextmanager
    def together(self) -> Iterator[None]:
        """Runs beside others."""
        with self._changed:
            self._changed.wait_for(lambda: not self._alone and not self._waiting_alone)
            self._together += 1
        try:
            yield
        finally:
            with self._changed:
                self._together -= 1
                self._changed.notify_all()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Runs with nothing beside it."""
        with self._changed:
            self._waiting_alone += 1
            try:
                self._changed.wait_for(lambda: not self._alone and not self._together)
            finally:
                self._waiting_alone -= 1
            self._alone = True
        try:
            yield
        finally:
            with self._changed:
                self._alone = False
                self._changed.notify_all()


class LeaseKeeper:
    """Renews, from one thread, all leases that this process holds, three times within their length."""

    def __init__(self, database: Database, *, lease_s: float) -> None:
        self.database = database
        self._lease_s = lease_s
        self._held: set[Lease] = set()
        self._begun: dict[Lease, float] = {}
        self._guard = threading.Lock()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._renew_until_stopped, name="lease keeper", daemon=True)

    def start(self) -> None:
        """Starts the heartbeat."""
        self._thread.start()

    def stop(self) -> None:
        """Ends the heartbeat; leases that are still held run out."""
        self._stopped.set()

    @contextmanager
    def holding(self, held: list[Lease]) -> Iterator[None]:
        """Keeps these leases alive inside the block."""
        with self._guard:
            self._held.update(held)
        try:
            yield
        finally:
            for lease in held:
                self.drop(lease)

    def drop(self, lease: Lease) -> None:
        """Stops renewing a lease: its work has ended."""
        with self._guard:
            self._held.discard(lease)

    def check(self, lease: Lease) -> None:
        """Raises `LeaseLost` when the last heartbeat found that the lease is not ours any more."""
        with self._guard:
            if lease not in self._held:
                raise LeaseLost(f"{lease.table} {lease.row_id}")

    @contextmanager
    def working(self, lease: Lease) -> Iterator[None]:
        """Notes that the work of a lease is under way inside the block."""
        with self._guard:
            self._begun[lease] = time.monotonic()
        try:
            yield
        finally:
            with self._guard:
                del self._begun[lease]

    def count_held(self) -> int:
        """How many rows this process holds."""
        with self._guard:
            return len(self._held)

    def advance(self, lease: Lease) -> None:
        """Notes that long work has come a step further, so that its deadline counts anew; raises as `check` does."""
        self.check(lease)
        with self._guard:
            if lease in self._begun:
                self._begun[lease] = time.monotonic()

    def longest_s(self) -> float:
        """How long the work that began first of all that is under way has taken so far, in seconds."""
        with self._guard:
            now = time.monotonic()
            return now - min(self._begun.values(), default=now)

    def abandon(self, *, kind: str, cause: str) -> int:
        """Ends all leases of a worker that cannot go on: what is under way is suspect, the rest is given back."""
        with self._guard:
            under_way = list(self._begun)
        with self.database.transaction() as connection:
            suspects = leases.suspect(connection, under_way, kind=kind, cause=cause)
        return suspects + self.release_all()

    def release_all(self) -> int:
        """Gives back, without charge, all that is held; for a worker that has to stop now."""
        with self._guard:
            held = list(self._held)
            self._held.clear()
        with self.database.transaction() as connection:
            return sum(
                leases.release(connection, table, [lease.token for lease in held if lease.table == table])
                for table in leases.TABLES
            )

    def _renew_until_stopped(self) -> None:
        while not self._stopped.wait(self._lease_s / 3):
            try:
                self._renew()
            except DatabaseDown as error:
                log.warning("leases not renewed", error=str(error))

    def _renew(self) -> None:
        for table in leases.TABLES:
            with self._guard:
                held = [lease for lease in self._held if lease.table == table]
            if not held:
                continue
            tokens = {lease.token for lease in held}
            with self.database.transaction() as connection:
                kept = leases.renew(connection, table, list(tokens), lease_s=self._lease_s)
            for lease in held:
                if lease.row_id not in kept:
                    log.warning("lease lost", table=table, row_id=lease.row_id)
                    self.drop(lease)


class NotDone(PantileError):
    """The work was not done; its row in the catalog says what follows."""


def attempt(keeper: LeaseKeeper, lease: Lease, work: Callable[[], Done]) -> Done:
    """Does held work, whose row is ended by the work itself, or here when it goes wrong.

    Raises:
        NotDone: the work went wrong and its row says so: failed with its sentence after a `JobFailed`; given back
            uncharged when a server is down or the worker's disk is full; as a suspect when memory does not suffice,
            since others may have taken it; else given back charged, so that an input that always breaks the work
            fails in the end.
        DatabaseDown: not even that could be recorded; the lease will end.
    """
    try:
        with keeper.working(lease):
            return work()
    except Exception as error:  # noqa: BLE001 — the outermost loop around any piece of work: every end is recorded
        sentence = _end_badly(keeper.database, lease, error)
    raise NotDone(sentence)


def _end_badly(database: Database, lease: Lease, error: Exception) -> str:
    kind = type(error).__name__
    sentence = str(error) if isinstance(error, PantileError) else f"{kind}: {error}"
    with database.transaction() as connection:
        if _lacks_memory(error):
            cause = f"The memory did not suffice ({sentence})"
            held, outcome = bool(leases.suspect(connection, [lease], kind=Cause.MEMORY_SHORT, cause=cause)), "suspect"
        elif isinstance(error, JobFailed):
            held, outcome = leases.fail(connection, lease, kind=kind, sentence=sentence), "failed"
        else:
            charge = not (isinstance(error, (ServiceDown, LeaseLost)) or _lacks_room(error))
            held = leases.give_back(connection, lease, kind=kind, sentence=sentence, charge=charge)
            outcome = "given back, charged" if charge else "given back"
        rois.refuse_failed_ingests(connection)
        slides.refuse_failed_inspections(connection)
    NOT_DONE.labels(WORK_OF[lease.table], outcome if held else "lost", kind).inc()
    trace = None if isinstance(error, PantileError) else error
    log.warning("work not done", table=lease.table, row_id=lease.row_id, error=sentence, held=held, exc_info=trace)
    # An error keeps all that its work had in hand until it is collected as garbage: gigabytes, where memory ran out.
    clear_frames(error.__traceback__)
    return sentence


def _lacks_memory(error: Exception) -> bool:
    return isinstance(error, MemoryError) or any(sign in str(error).lower() for sign in _NO_MEMORY)


def _lacks_room(error: Exception) -> bool:
    return isinstance(error, OSError) and error.errno in _NO_ROOM

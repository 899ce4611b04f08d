"""Progress as server-sent events: a cohort's standing whenever it changes, until it is settled.

The format is that of the HTML standard, section 9.2 (server-sent events).
"""

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial

import anyio
import anyio.to_thread

from pantile.catalog.cohorts import find_cohort
from pantile.catalog.database import Database
from pantile.coordinator.progress import measure_progress
from pantile.domain.errors import ServiceDown
from pantile.logs import log
from pantile.schemas.cohorts import CohortOut
from pantile.web.answers import cohort_out

EVENT_STREAM = "text/event-stream"

POLL_S = 1.0
HEARTBEAT_S = 15.0
ADMISSION_S = 15.0
"""How long a stream goes on after the token or the session behind it has ended."""

_RECONNECT = "retry: 2000\n\n"
_HEARTBEAT = ": still here\n\n"


def read_progress(database: Database, cohort: str) -> CohortOut:
    """Where the cohort of that name or id stands; raises `CohortNotFound`, `DatabaseDown`."""
    with database.transaction() as connection:
        return cohort_out(measure_progress(connection, find_cohort(connection, cohort)))


async def stream_progress(
    database: Database,
    cohort: str,
    *,
    limiter: anyio.CapacityLimiter,
    is_stopping: Callable[[], bool],
    is_admitted: Callable[[], Awaitable[bool]],
) -> AsyncIterator[str]:
    """Events `progress` at once and after each change, `settled` at the end, comments in between.

    The server cancels this at its next await when the client has gone. A catalog that does not answer is waited for.
    Whether the reader may still read is asked every `ADMISSION_S`.
    """
    yield _RECONNECT
    sent, sent_at = "", time.monotonic()
    admitted_at = time.monotonic()
    while not is_stopping():
        if time.monotonic() - admitted_at >= ADMISSION_S:
            admitted_at = time.monotonic()
            if not await is_admitted():
                return
        progress = await _measure(database, cohort, limiter)
        document = progress.model_dump_json() if progress else sent
        if document != sent:
            sent, sent_at = document, time.monotonic()
            yield _event("progress", document)
        if progress and progress.settled:
            yield _event("settled", document)
            return
        if time.monotonic() - sent_at >= HEARTBEAT_S:
            sent_at = time.monotonic()
            yield _HEARTBEAT
        await anyio.sleep(POLL_S)


async def _measure(database: Database, cohort: str, limiter: anyio.CapacityLimiter) -> CohortOut | None:
    read = partial(read_progress, database, cohort)
    try:
        return await anyio.to_thread.run_sync(read, limiter=limiter, abandon_on_cancel=True)
    except ServiceDown as error:
        log.warning("server down", error=str(error))
        return None


def _event(name: str, document: str) -> str:
    return f"event: {name}\ndata: {document}\n\n"

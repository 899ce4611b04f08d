"""Tracing: each job's way from submission to its end as one trace, made of what the catalog noted, once it has ended.

Nothing travels with messages, and workers do nothing for it: the times are in the rows already.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from pantile.catalog.courses import Mark, list_courses
from pantile.catalog.database import Database, Row
from pantile.domain.jobs import AttemptOutcome
from pantile.logs import log
from pantile.traces import Span, Tracer

_SETTLED_S = 5.0
_AT_ONCE = 500
_STAGES = ("fetch", "decode", "waiting", "preparing", "network", "stitching", "encode", "upload", "confidence")


def trace_ended(database: Database, tracer: Tracer, after: Mark, *, settled_s: float = _SETTLED_S) -> Mark:
    """Sends the traces of the jobs that ended after a mark; gives the mark of the last one that arrived.

    Raises:
        DatabaseDown: PostgreSQL does not answer.
    """
    while True:
        with database.transaction() as connection:
            rows = list_courses(connection, after, settled_s=settled_s, limit=_AT_ONCE)
        if not rows:
            return after
        if not tracer.send({f"job {row['id']} {row['finished_at'].isoformat()}": _course(row) for row in rows}):
            log.warning("traces not sent", jobs=len(rows))
            return after
        after = Mark(at=rows[-1]["finished_at"], id=rows[-1]["id"])
        if len(rows) < _AT_ONCE:
            return after


def _course(row: Row) -> Span:
    # Made in the transaction that stored the image, unless it was asked for later.
    is_first = row["stored_at"] is not None and row["created_at"] <= row["stored_at"]
    return Span(
        name="job",
        begun_at=row["submitted_at"] if is_first else row["created_at"],
        ended_at=row["finished_at"],
        attributes={
            "pantile.job": row["id"],
            "pantile.cohort": row["cohort"],
            "pantile.roi": row["roi"],
            "pantile.segmenter": f"{row['segmenter']}@{row['version']}",
            "pantile.attempts": row["attempt"],
        },
        problem=row["error"] or "" if row["state"] == "failed" else "",
        within=[*_before(row, is_first=is_first), *(_attempt(attempt) for attempt in row["attempts"])],
    )


def _before(row: Row, *, is_first: bool) -> Iterator[Span]:
    """What a job waited for before its attempts: its image, the coordinator, and a worker."""
    if is_first:
        yield from _between("image", row["submitted_at"], row["stored_at"])
    starts = [attempt["started_at"] for attempt in row["attempts"]]
    if not starts:
        return
    published_at = row["published_at"]
    # A job that is done with a sibling may never have had a message; one that came back has that of its last attempt.
    yield from _between("dispatch", row["created_at"], min(starts[0], published_at or starts[0]))
    if published_at is not None:
        yield from _between("queue", published_at, starts[-1])


def _between(name: str, begun_at: datetime, ended_at: datetime) -> Iterator[Span]:
    if begun_at < ended_at:
        yield Span(name=name, begun_at=begun_at, ended_at=ended_at)


def _attempt(attempt: Row) -> Span:
    begun_at, ended_at = attempt["started_at"], attempt["ended_at"] or attempt["started_at"]
    is_good = attempt["outcome"] == AttemptOutcome.SUCCEEDED
    return Span(
        name="attempt",
        begun_at=begun_at,
        ended_at=ended_at,
        attributes={"pantile.attempt": attempt["attempt"], "pantile.worker": attempt["worker"]},
        problem="" if is_good else attempt["error"] or str(attempt["outcome"]),
        within=list(_stages(attempt["timings"] or {}, ended_at)),
    )


def _stages(timings: dict[str, float], ended_at: datetime) -> Iterator[Span]:
    """The stages, laid end to end so that the last ends with the attempt: workers note how long, not when."""
    lasted = [(stage, timedelta(seconds=timings[stage])) for stage in _STAGES if stage in timings]
    begun_at = ended_at - sum((length for _, length in lasted), timedelta())
    for stage, length in lasted:
        yield Span(name=stage, begun_at=begun_at, ended_at=begun_at + length)
        begun_at += length

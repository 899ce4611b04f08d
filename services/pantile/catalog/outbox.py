"""The outbox: waiting rows whose message is not out, or went out so long ago that it may be lost."""

from collections.abc import Sequence

from psycopg import sql

from pantile.catalog.database import Connection, Row
from pantile.catalog.leases import Leased
from pantile.catalog.pauses import NOT_PAUSED
from pantile.domain.jobs import ChoreKind
from pantile.domain.messages import CompareSegmenters, IngestRoi, RenderOverlay, SegmentRoi, TrainSegmenter

ChoreMessage = IngestRoi | RenderOverlay | CompareSegmenters

_PUBLISHER_LOCK = 8_246_120_114
"""Advisory lock of whoever publishes, so that two coordinators do not send the same messages."""


def may_publish(connection: Connection) -> bool:
    """Whether this transaction is the one that publishes; held until it ends."""
    row = connection.execute("SELECT pg_try_advisory_xact_lock(%s) AS held", [_PUBLISHER_LOCK]).fetchone()
    return bool(row and row["held"])


_DUE = """
    {alias}.state = 'waiting' AND {alias}.not_before <= clock_timestamp()
    AND ({alias}.published_at IS NULL OR {alias}.published_at < clock_timestamp() - make_interval(secs => %(stale_s)s))
"""


def due_jobs(connection: Connection, *, stale_s: float, limit: int) -> list[SegmentRoi]:
    """Messages for waiting jobs that are due and have none out that is younger than `stale_s`, ROI by ROI."""
    rows = connection.execute(
        f"""
        SELECT j.id, s.name AS segmenter, r.name AS roi
        FROM jobs j JOIN segmenters s ON s.id = j.segmenter_id
        CROSS JOIN LATERAL (
            SELECT r.name FROM cohort_jobs cj JOIN rois r ON r.id = cj.roi_id WHERE cj.job_id = j.id
            ORDER BY cj.roi_id LIMIT 1) r
        WHERE {_DUE.format(alias="j")} AND {NOT_PAUSED}
        ORDER BY j.id LIMIT %(limit)s
        """,  # noqa: S608 — joined from constants of this module
        {"stale_s": stale_s, "limit": limit},
    )
    return [SegmentRoi(job_id=row["id"], roi=row["roi"], segmenter=row["segmenter"]) for row in rows]


def due_chores(connection: Connection, *, stale_s: float, limit: int) -> list[ChoreMessage]:
    """Messages for waiting chores, as `due_jobs` gives them for jobs."""
    rows = connection.execute(
        f"""
        SELECT c.id, c.kind, coalesce(r.name, of_job.name) AS roi, s.name AS segmenter
        FROM chores c
        LEFT JOIN rois r ON r.id = c.roi_id
        LEFT JOIN jobs j ON j.id = c.job_id
        LEFT JOIN segmenters s ON s.id = j.segmenter_id
        LEFT JOIN LATERAL (
            SELECT r.name FROM cohort_jobs cj JOIN rois r ON r.id = cj.roi_id WHERE cj.job_id = c.job_id
            ORDER BY cj.roi_id LIMIT 1) of_job ON true
        WHERE {_DUE.format(alias="c")}
        ORDER BY c.id LIMIT %(limit)s
        """,  # noqa: S608 — joined from constants of this module
        {"stale_s": stale_s, "limit": limit},
    )
    return [_chore_message(row) for row in rows]


def _chore_message(row: Row) -> ChoreMessage:
    chore_id, roi = row["id"], row["roi"] or ""
    match ChoreKind(row["kind"]):
        case ChoreKind.INGEST:
            return IngestRoi(chore_id=chore_id, roi=roi)
        case ChoreKind.OVERLAY:
            return RenderOverlay(chore_id=chore_id, roi=roi, segmenter=row["segmenter"] or "")
        case ChoreKind.COMPARE:
            return CompareSegmenters(chore_id=chore_id, roi=roi)


def due_trainings(connection: Connection, *, stale_s: float, limit: int) -> list[TrainSegmenter]:
    """Messages for waiting trainings, as `due_jobs` gives them for jobs."""
    rows = connection.execute(
        f"SELECT t.id, t.segmenter FROM trainings t WHERE {_DUE.format(alias='t')} ORDER BY t.id LIMIT %(limit)s",  # noqa: S608
        {"stale_s": stale_s, "limit": limit},
    )
    return [TrainSegmenter(training_id=row["id"], segmenter=row["segmenter"]) for row in rows]


def mark_published(connection: Connection, table: Leased, row_ids: Sequence[int]) -> None:
    """Notes that messages for these rows are out."""
    connection.execute(
        sql.SQL("UPDATE {} SET published_at = clock_timestamp() WHERE id = ANY(%s) AND state = 'waiting'").format(
            sql.Identifier(table)
        ),
        [list(row_ids)],
    )


def forget_published(connection: Connection, table: Leased) -> int:
    """Forgets that messages are out for waiting rows, for when the queue is found empty; gives how many rows."""
    return connection.execute(
        sql.SQL("""
            UPDATE {} SET published_at = NULL
            WHERE state = 'waiting' AND published_at < clock_timestamp() - interval '5 s'
        """).format(sql.Identifier(table))
    ).rowcount

"""The outbox: waiting rows whose message is not out, or was lost on its way."""

from collections.abc import Mapping, Sequence

from psycopg import sql

from pantile.catalog.database import Connection, Row
from pantile.catalog.leases import Leased
from pantile.catalog.pauses import NOT_PAUSED
from pantile.domain.jobs import ChoreKind
from pantile.domain.messages import (
    CompareSegmenters,
    EvaluateRoi,
    IngestRoi,
    InspectSlide,
    MakePyramid,
    MakeReport,
    MakeSlidePyramid,
    RenderOverlay,
    SegmentRoi,
    TrainSegmenter,
)

ChoreMessage = (
    IngestRoi
    | RenderOverlay
    | CompareSegmenters
    | MakePyramid
    | InspectSlide
    | MakeSlidePyramid
    | EvaluateRoi
    | MakeReport
)

_PUBLISHER_LOCK = 8_246_120_114
"""Advisory lock of whoever publishes, so that two coordinators do not send the same messages."""


def may_publish(connection: Connection) -> bool:
    """Whether this transaction is the one that publishes; held until it ends."""
    row = connection.execute("SELECT pg_try_advisory_xact_lock(%s) AS held", [_PUBLISHER_LOCK]).fetchone()
    return bool(row and row["held"])


_DUE = "{alias}.state = 'waiting' AND {alias}.published_at IS NULL AND {alias}.not_before <= clock_timestamp()"


def due_jobs(connection: Connection, *, limit: int) -> list[SegmentRoi]:
    """Messages for waiting jobs that are due and have none out, ROI by ROI."""
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
        {"limit": limit},
    )
    return [SegmentRoi(job_id=row["id"], roi=row["roi"], segmenter=row["segmenter"]) for row in rows]


def due_chores(connection: Connection, kinds: Sequence[ChoreKind] = (*ChoreKind,), *, limit: int) -> list[ChoreMessage]:
    """Messages for waiting chores of some kinds, as `due_jobs` gives them for jobs."""
    rows = connection.execute(
        f"""
        SELECT c.id, c.kind, coalesce(r.name, of_job.name, slide.name, study.name) AS roi, s.name AS segmenter
        FROM chores c
        LEFT JOIN rois r ON r.id = c.roi_id
        LEFT JOIN slides slide ON slide.id = c.slide_id
        LEFT JOIN studies study ON study.id = c.study_id
        LEFT JOIN jobs j ON j.id = c.job_id
        LEFT JOIN segmenters s ON s.id = j.segmenter_id
        LEFT JOIN LATERAL (
            SELECT r.name FROM cohort_jobs cj JOIN rois r ON r.id = cj.roi_id WHERE cj.job_id = c.job_id
            ORDER BY cj.roi_id LIMIT 1) of_job ON true
        WHERE {_DUE.format(alias="c")} AND c.kind = ANY(%(kinds)s)
        ORDER BY c.id LIMIT %(limit)s
        """,  # noqa: S608 — joined from constants of this module
        {"limit": limit, "kinds": list(kinds)},
    )
    return [_chore_message(row) for row in rows]


_OF_KIND: Mapping[ChoreKind, type[ChoreMessage]] = {
    ChoreKind.INGEST: IngestRoi,
    ChoreKind.OVERLAY: RenderOverlay,
    ChoreKind.COMPARE: CompareSegmenters,
    ChoreKind.PYRAMID: MakePyramid,
    ChoreKind.EVALUATE: EvaluateRoi,
    ChoreKind.REPORT: MakeReport,
    ChoreKind.INSPECT: InspectSlide,
    ChoreKind.SLIDE_PYRAMID: MakeSlidePyramid,
}


def _chore_message(row: Row) -> ChoreMessage:
    kind, chore_id, roi = ChoreKind(row["kind"]), row["id"], row["roi"] or ""
    if kind is ChoreKind.OVERLAY:
        return RenderOverlay(chore_id=chore_id, roi=roi, segmenter=row["segmenter"] or "")
    return _OF_KIND[kind](chore_id=chore_id, roi=roi)


def due_trainings(connection: Connection, *, limit: int) -> list[TrainSegmenter]:
    """Messages for waiting trainings, as `due_jobs` gives them for jobs."""
    rows = connection.execute(
        f"SELECT t.id, t.segmenter FROM trainings t WHERE {_DUE.format(alias='t')} ORDER BY t.id LIMIT %(limit)s",  # noqa: S608
        {"limit": limit},
    )
    return [TrainSegmenter(training_id=row["id"], segmenter=row["segmenter"]) for row in rows]


def mark_published(connection: Connection, table: Leased, row_ids: Sequence[int]) -> None:
    """Notes that messages for these rows are out. One that is locked is passed over, and sent for again."""
    # A worker that is frozen in the middle of a claim would else hold up all other rows for as long as its lock lasts.
    connection.execute(
        sql.SQL("""
            UPDATE {table} SET published_at = statement_timestamp() WHERE id IN (
                SELECT id FROM {table} WHERE id = ANY(%s) AND state = 'waiting' FOR UPDATE SKIP LOCKED)
        """).format(table=sql.Identifier(table)),
        [list(row_ids)],
    )


def forget_published(
    connection: Connection, table: Leased, *, queued: int, older_s: float, kinds: Sequence[ChoreKind] = ()
) -> int:
    """Forgets messages that were lost: as many as there are more rows that count on one than messages `queued`.

    Of chores, those of `kinds` count, whose queue it is. Queues are first in, first out, so they are those that went
    out first; none younger than `older_s` is among them. Gives how many rows are to be sent for again.
    """
    which = sql.SQL("kind = ANY(%(kinds)s)") if kinds else sql.SQL("true")
    return connection.execute(
        sql.SQL("""
            UPDATE {table} SET published_at = NULL WHERE id IN (
                SELECT id FROM {table} WHERE state = 'waiting' AND {which}
                    AND published_at < clock_timestamp() - make_interval(secs => %(older_s)s)
                ORDER BY published_at, id
                LIMIT greatest(0, (SELECT count(*) FROM {table}
                                   WHERE state = 'waiting' AND {which} AND published_at IS NOT NULL) - %(queued)s)
                FOR UPDATE SKIP LOCKED)
        """).format(table=sql.Identifier(table), which=which),
        {"older_s": older_s, "queued": queued, "kinds": list(kinds)},
    ).rowcount

"""Evaluations: class maps against the ground truth of their ROI, asked for, computed by chores, and kept with sources.

What an evaluation was made from (its source) is named by digests: the ground truth with its scheme, the class map, the
classes and remaps in the segmenter's card. Where the source would be another one now, the evaluation is as good as
none, and the coordinator asks for it again. So nothing needs to be told when class maps or ground truth come.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from psycopg.types.json import Jsonb

from pantile.catalog.database import Connection, Row, announce_work
from pantile.catalog.ground_truths import GroundTruth, scheme_from
from pantile.domain.dice import DiceProtocol
from pantile.domain.segmenters import Card, card_from

_METHOD = 1
"""Counts up when the same sources would give other figures, so that all of them are computed again."""

# Every class map of every ROI that has ground truth. OFFSET 0 has a card's part of the source computed once a
# segmenter, not once a class map.
_CURRENT = f"""
    SELECT g.roi_id, r.cohort_id, cj.job_id, m.object_key, m.sha256, m.width_px, m.height_px, m.extent_width_px,
           m.extent_height_px, s.card, s.name AS segmenter, g.added_at, m.created_at,
           g.sha256 || ' ' || md5(g.scheme::text) || ' ' || m.sha256 || ' ' || s.meaning || ' {_METHOD}' AS source
    FROM ground_truths g
    JOIN rois r ON r.id = g.roi_id
    JOIN cohort_jobs cj ON cj.roi_id = g.roi_id
    JOIN jobs j ON j.id = cj.job_id
    JOIN class_maps m ON m.job_id = j.id
    JOIN (SELECT id, name, card, md5((card->'classes')::text || (card->'dice_remaps')::text) AS meaning
          FROM segmenters OFFSET 0) s ON s.id = j.segmenter_id
"""  # noqa: S608 — joined from constants

_STALE = f"""
    SELECT current.* FROM ({_CURRENT}) current
    WHERE NOT EXISTS (SELECT 1 FROM evaluations e WHERE e.roi_id = current.roi_id AND e.job_id = current.job_id
                      AND e.source = current.source)
"""  # noqa: S608 — joined from constants


def ask_evaluations(connection: Connection, *, cohort_id: int | None = None) -> int:
    """Asks for what is not evaluated yet, or was of other sources; gives how many ROIs are to be evaluated.

    An ROI whose evaluation failed is tried again once its ground truth or class maps are newer than the failure.
    """
    asked = connection.execute(
        f"""
        INSERT INTO chores (kind, roi_id)
        SELECT 'evaluate', stale.roi_id FROM ({_STALE}) stale JOIN cohorts c ON c.id = stale.cohort_id
        LEFT JOIN chores known ON known.kind = 'evaluate' AND known.roi_id = stale.roi_id
        WHERE c.state <> 'cancelled' AND (%(cohort_id)s::bigint IS NULL OR stale.cohort_id = %(cohort_id)s)
        GROUP BY stale.roi_id, known.id
        HAVING known.id IS NULL OR known.state IN ('succeeded', 'cancelled')
            OR (known.state = 'failed' AND known.finished_at < max(greatest(stale.added_at, stale.created_at)))
        ORDER BY stale.roi_id
        ON CONFLICT (kind, roi_id) DO UPDATE SET state = 'waiting', charged_attempts = 0, suspect = false,
            not_before = now(), published_at = NULL, finished_at = NULL, error_kind = NULL, error = NULL
            WHERE chores.state IN ('succeeded', 'failed', 'cancelled')
        """,  # noqa: S608 — joined from constants of this module
        {"cohort_id": cohort_id},
    ).rowcount
    if asked:
        announce_work(connection)
    return asked


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluatedMap:
    """A class map to be evaluated, and what it covers in pixels of the ROI's image."""

    job_id: int
    object_key: str
    sha256: str
    width_px: int
    height_px: int
    extent_width_px: float
    extent_height_px: float
    card: Card
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationAsked:
    """What an evaluation chore is about: an ROI's ground truth (None once it was removed) and its class maps."""

    roi_id: int
    roi_mpp: float
    cohort: str
    truth: GroundTruth | None
    class_maps: Sequence[EvaluatedMap]


def read_evaluation(connection: Connection, chore_id: int) -> EvaluationAsked:
    """The subject of an evaluation chore; of the class maps those that are not evaluated yet."""
    row = connection.execute(
        """
        SELECT r.id, r.mpp, c.name AS cohort, g.* FROM chores JOIN rois r ON r.id = chores.roi_id
        JOIN cohorts c ON c.id = r.cohort_id LEFT JOIN ground_truths g ON g.roi_id = r.id WHERE chores.id = %s
        """,
        [chore_id],
    ).fetchone()
    assert row is not None  # noqa: S101 — a chore has its ROI, by its foreign key
    maps = connection.execute(
        f"SELECT * FROM ({_STALE}) stale WHERE roi_id = %s ORDER BY job_id",  # noqa: S608 — a constant of this module
        [row["id"]],
    )
    return EvaluationAsked(
        roi_id=row["id"],
        roi_mpp=row["mpp"],
        cohort=row["cohort"],
        truth=_ground_truth(row) if row["sha256"] is not None else None,
        class_maps=[
            EvaluatedMap(
                **{name: each[name] for name in EvaluatedMap.__dataclass_fields__ if name != "card"},
                card=card_from(each["card"]),
            )
            for each in maps
        ],
    )


def _ground_truth(row: Row) -> GroundTruth:
    named = {name: row[name] for name in GroundTruth.__dataclass_fields__ if name != "scheme"}
    return GroundTruth(**named, scheme=scheme_from(row["scheme"]))


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationRow:
    """The figures of one class map under one protocol, with the remaps that gave them.

    `classes` has of each target: its name, Dice, IoU, pixels in truth, prediction and both, the 95th percentile
    Hausdorff distance in microns (None where only one has the class) and surface Dice. `confusion` are pixels by true
    and by predicted target.
    """

    job_id: int
    protocol: DiceProtocol
    source: str
    overall: float | None
    classes: Sequence[Mapping[str, Any]]
    confusion: Sequence[Sequence[int]]
    known_pixels: int
    pixel_mm2: float
    surface_tolerance_um: float
    scheme: str
    truth_remap: Mapping[int, int]
    predicted_remap: Mapping[int, int]
    remap_origin: str


def keep_evaluations(connection: Connection, roi_id: int, rows: Sequence[EvaluationRow]) -> None:
    """Stores evaluations in place of older ones; none where the ground truth was removed meanwhile."""
    connection.execute("SELECT 1 FROM ground_truths WHERE roi_id = %s FOR KEY SHARE", [roi_id])
    connection.execute(
        """
        INSERT INTO evaluations (roi_id, job_id, protocol, source, overall, classes, confusion, known_pixels, pixel_mm2,
                                 surface_tolerance_um, scheme, truth_remap, predicted_remap, remap_origin)
        SELECT g.roi_id, given.* FROM ground_truths g, jsonb_to_recordset(%(rows)s) AS given (
            job_id bigint, protocol text, source text, overall double precision, classes jsonb, confusion jsonb,
            known_pixels bigint, pixel_mm2 double precision, surface_tolerance_um double precision, scheme text,
            truth_remap jsonb, predicted_remap jsonb, remap_origin text)
        WHERE g.roi_id = %(roi_id)s
        ON CONFLICT (roi_id, job_id, protocol) DO UPDATE SET source = excluded.source, overall = excluded.overall,
            classes = excluded.classes, confusion = excluded.confusion, known_pixels = excluded.known_pixels,
            pixel_mm2 = excluded.pixel_mm2, surface_tolerance_um = excluded.surface_tolerance_um,
            scheme = excluded.scheme, truth_remap = excluded.truth_remap, predicted_remap = excluded.predicted_remap,
            remap_origin = excluded.remap_origin, evaluated_at = excluded.evaluated_at
        """,
        {"roi_id": roi_id, "rows": Jsonb([asdict(row) for row in rows])},
    )


def list_evaluations(
    connection: Connection,
    cohort_id: int,
    *,
    segmenter: str | None = None,
    after: tuple[int, int] = (0, 0),
    limit: int | None = None,
) -> list[Row]:
    """A cohort's evaluations by (ROI id, job id), from the one after `after`, each with both protocols' figures."""
    return connection.execute(
        """
        SELECT r.id AS roi_id, r.name AS roi, r.slide, r.case_id, r.tissue_type, r.roi_number, j.id AS job_id,
               s.name AS segmenter, s.version AS segmenter_version, e.document->>'mode' AS mode,
               e.document->>'stitching' AS stitching, jsonb_object_agg(v.protocol, to_jsonb(v)) AS protocols
        FROM evaluations v JOIN rois r ON r.id = v.roi_id JOIN jobs j ON j.id = v.job_id
        JOIN segmenters s ON s.id = j.segmenter_id JOIN engine_settings e ON e.digest = j.settings_digest
        WHERE r.cohort_id = %(cohort_id)s AND (r.id, j.id) > (%(roi)s, %(job)s)
          AND (%(segmenter)s::text IS NULL OR s.name = %(segmenter)s)
        GROUP BY r.id, j.id, s.id, e.digest ORDER BY r.id, j.id LIMIT %(limit)s
        """,
        {"cohort_id": cohort_id, "segmenter": segmenter, "roi": after[0], "job": after[1], "limit": limit},
    ).fetchall()


# Of each segmenter its newest evaluated class map of an ROI, as reviews do it.
_NEWEST = """
    SELECT DISTINCT ON (v.roi_id, v.protocol, s.name) v.roi_id, v.protocol, s.name AS segmenter, v.overall,
           v.remap_origin, r.case_id
    FROM evaluations v JOIN rois r ON r.id = v.roi_id JOIN jobs j ON j.id = v.job_id
    JOIN segmenters s ON s.id = j.segmenter_id
    WHERE r.cohort_id = %(cohort_id)s ORDER BY v.roi_id, v.protocol, s.name, j.id DESC
"""


def total_evaluations(connection: Connection, cohort_id: int) -> list[Row]:
    """Mean and SD of the overall Dice by protocol and segmenter, and of all (segmenter None).

    The row of all is there twice where some remap is not the study's own: with those, and without (`is_stated`).
    """
    return connection.execute(
        f"""
        WITH newest AS ({_NEWEST}), stated AS (
            SELECT protocol, NULL AS segmenter, overall FROM newest WHERE remap_origin = 'stated'
        )
        SELECT protocol, segmenter, count(overall) AS n, avg(overall) AS mean, stddev_samp(overall) AS sd,
               bool_and(remap_origin = 'stated') AS is_stated
        FROM newest GROUP BY GROUPING SETS ((protocol, segmenter), (protocol))
        UNION ALL
        SELECT protocol, NULL, count(overall), avg(overall), stddev_samp(overall), true FROM stated
        WHERE EXISTS (SELECT 1 FROM newest n WHERE n.protocol = stated.protocol AND n.remap_origin <> 'stated')
        GROUP BY protocol
        ORDER BY protocol, segmenter NULLS LAST, is_stated
        """,  # noqa: S608 — joined from constants of this module
        {"cohort_id": cohort_id},
    ).fetchall()


def count_evaluated(connection: Connection, cohort_id: int) -> Row:
    """A cohort's ROIs with ground truth: all, those evaluated, under way, failed, and without a class map yet."""
    row = connection.execute(
        f"""
        WITH truths AS (SELECT g.roi_id FROM ground_truths g JOIN rois r ON r.id = g.roi_id
                        WHERE r.cohort_id = %(cohort_id)s),
             current AS (SELECT DISTINCT roi_id FROM ({_CURRENT}) all_maps WHERE cohort_id = %(cohort_id)s),
             stale AS (SELECT DISTINCT roi_id FROM ({_STALE}) stale_maps WHERE cohort_id = %(cohort_id)s)
        SELECT count(*) AS truths, count(current.roi_id) - count(stale.roi_id) AS evaluated,
               count(stale.roi_id) FILTER (WHERE c.state IS DISTINCT FROM 'failed') AS under_way,
               count(stale.roi_id) FILTER (WHERE c.state = 'failed') AS failed,
               count(*) - count(current.roi_id) AS without_class_map,
               min(c.error) FILTER (WHERE c.state = 'failed') AS error
        FROM truths LEFT JOIN current USING (roi_id) LEFT JOIN stale USING (roi_id)
        LEFT JOIN chores c ON c.roi_id = truths.roi_id AND c.kind = 'evaluate'
        """,  # noqa: S608 — joined from constants of this module
        {"cohort_id": cohort_id},
    ).fetchone()
    assert row is not None  # noqa: S101 — counts give one row
    return row


def count_evaluated_jobs(connection: Connection, cohort_id: int) -> Row:
    """A cohort's jobs whose ROI has ground truth and that have a class map: those with Dice, waiting, and failed."""
    row = connection.execute(
        f"""
        SELECT count(*) FILTER (WHERE is_done) AS evaluated,
               count(*) FILTER (WHERE NOT is_done AND c.state IS DISTINCT FROM 'failed') AS waiting,
               count(*) FILTER (WHERE NOT is_done AND c.state = 'failed') AS failed
        FROM (
            SELECT current.roi_id, EXISTS (
                SELECT FROM evaluations e WHERE e.roi_id = current.roi_id AND e.job_id = current.job_id
                  AND e.source = current.source) AS is_done
            FROM ({_CURRENT}) current WHERE current.cohort_id = %(cohort_id)s
        ) maps LEFT JOIN chores c ON c.roi_id = maps.roi_id AND c.kind = 'evaluate'
        """,  # noqa: S608 — joined from constants of this module
        {"cohort_id": cohort_id},
    ).fetchone()
    assert row is not None  # noqa: S101 — counts give one row
    return row

"""Pre-annotations: class maps handed out to be corrected, what came back, and what the correction took."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from psycopg.types.json import Jsonb

from pantile.catalog.audit import record_action
from pantile.catalog.database import Connection, Row
from pantile.domain.corrections import Effort


@dataclass(frozen=True, slots=True, kw_only=True)
class HandedOut:
    """How many ROIs have their pre-annotation by a segmenter, how many of them newly, and how many are to come."""

    ready: int
    new: int
    waiting: int


# Of each ROI the newest class map of the segmenter; whole slides are not handed out.
_NEWEST = """
    SELECT DISTINCT ON (cj.roi_id) cj.roi_id, j.id AS job_id, m.sha256
    FROM cohort_jobs cj JOIN rois r ON r.id = cj.roi_id AND r.state = 'stored' AND r.roi_number > 0
    JOIN jobs j ON j.id = cj.job_id JOIN segmenters s ON s.id = j.segmenter_id AND s.name = %(segmenter)s
    JOIN class_maps m ON m.job_id = j.id AND m.object_key IS NOT NULL
    WHERE cj.cohort_id = %(cohort_id)s ORDER BY cj.roi_id, j.id DESC
"""


def hand_out(connection: Connection, cohort_id: int, segmenter: str, *, actor: str) -> HandedOut:
    """Notes that a cohort's class maps by a segmenter go out to be corrected, from now on. Audited.

    What went out before keeps its time; a class map by another segmenter takes its place unless it has come back.
    """
    values = {"cohort_id": cohort_id, "segmenter": segmenter, "actor": actor}
    new = connection.execute(
        f"""
        INSERT INTO preannotations (roi_id, job_id, sha256, handed_by)
        SELECT roi_id, job_id, sha256, %(actor)s FROM ({_NEWEST}) newest ORDER BY roi_id
        ON CONFLICT (roi_id) DO UPDATE SET job_id = excluded.job_id, sha256 = excluded.sha256,
            handed_by = excluded.handed_by, handed_at = excluded.handed_at
            WHERE preannotations.sha256 <> excluded.sha256
              AND NOT EXISTS (SELECT 1 FROM corrections c WHERE c.roi_id = preannotations.roi_id)
        """,  # noqa: S608 — joined from constants of this module
        values,
    ).rowcount
    row = connection.execute(
        f"""
        SELECT (SELECT count(*) FROM ({_NEWEST}) newest JOIN preannotations p USING (roi_id, job_id)) AS ready,
               (SELECT count(DISTINCT j.id) FROM cohort_jobs cj JOIN jobs j ON j.id = cj.job_id
                JOIN segmenters s ON s.id = j.segmenter_id AND s.name = %(segmenter)s
                WHERE cj.cohort_id = %(cohort_id)s AND j.state IN ('waiting', 'running')) AS waiting
        """,  # noqa: S608 — joined from constants of this module
        values,
    ).fetchone()
    assert row is not None  # noqa: S101 — a SELECT without FROM gives one row
    if new:
        details = {"segmenter": segmenter, "rois": new}
        record_action(connection, actor=actor, action="preannotate", subject=f"cohort {cohort_id}", details=details)
    return HandedOut(ready=row["ready"], new=new, waiting=row["waiting"])


def list_corrections(connection: Connection, cohort_id: int, *, after: int = 0, limit: int = 200) -> list[Row]:
    """A cohort's pre-annotations by ROI id, each with its correction (None until it is back)."""
    return connection.execute(
        """
        SELECT r.id AS roi_id, r.name AS roi, r.slide, r.case_id, r.tissue_type, p.job_id, s.name AS segmenter,
               s.version AS segmenter_version, p.handed_by, p.handed_at, c.returned_by, c.returned_at, c.pixels,
               c.changed, c.classes
        FROM preannotations p JOIN rois r ON r.id = p.roi_id AND r.state <> 'withdrawn'
        JOIN jobs j ON j.id = p.job_id JOIN segmenters s ON s.id = j.segmenter_id
        LEFT JOIN corrections c ON c.roi_id = p.roi_id
        WHERE r.cohort_id = %s AND r.id > %s ORDER BY r.id LIMIT %s
        """,
        [cohort_id, after, limit],
    ).fetchall()


def list_returned(connection: Connection, cohort_id: int, rois: Sequence[str]) -> list[Row]:
    """What is compared of these ROIs, by name: the class map that went out, and the ground truth that came back."""
    return connection.execute(
        """
        SELECT r.id AS roi_id, r.name AS roi, m.object_key, m.sha256, g.object_key AS truth_key,
               g.sha256 AS truth_sha256, s.card
        FROM preannotations p JOIN rois r ON r.id = p.roi_id
        JOIN jobs j ON j.id = p.job_id JOIN segmenters s ON s.id = j.segmenter_id
        JOIN class_maps m ON m.job_id = p.job_id AND m.sha256 = p.sha256 AND m.object_key IS NOT NULL
        JOIN ground_truths g ON g.roi_id = r.id
        WHERE r.cohort_id = %s AND r.name = ANY(%s) ORDER BY r.id
        """,
        [cohort_id, list(rois)],
    ).fetchall()


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """A correction of an ROI's pre-annotation."""

    roi_id: int
    truth_sha256: str
    effort: Effort


def keep_corrections(connection: Connection, cohort_id: int, found: Sequence[Correction], *, actor: str) -> None:
    """Stores what corrections took; the same ground truth again keeps the time of its first return. Audited."""
    rows = [
        {
            "roi_id": each.roi_id,
            "truth_sha256": each.truth_sha256,
            "pixels": each.effort.pixels,
            "changed": each.effort.changed,
            "classes": [asdict(tissue) for tissue in each.effort.classes],
        }
        for each in found
    ]
    kept = connection.execute(
        """
        INSERT INTO corrections (roi_id, truth_sha256, returned_by, pixels, changed, classes)
        SELECT given.roi_id, given.truth_sha256, %(actor)s, given.pixels, given.changed, given.classes
        FROM jsonb_to_recordset(%(rows)s) AS given (
            roi_id bigint, truth_sha256 text, pixels bigint, changed bigint, classes jsonb)
        ON CONFLICT (roi_id) DO UPDATE SET truth_sha256 = excluded.truth_sha256, returned_by = excluded.returned_by,
            returned_at = excluded.returned_at, pixels = excluded.pixels, changed = excluded.changed,
            classes = excluded.classes
            WHERE corrections.truth_sha256 <> excluded.truth_sha256
        """,
        {"rows": Jsonb(rows), "actor": actor},
    ).rowcount
    if kept:
        details = {"rois": kept}
        record_action(connection, actor=actor, action="correct", subject=f"cohort {cohort_id}", details=details)

"""Class maps that were made elsewhere, registered as succeeded jobs; and the ROIs that they are of."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from psycopg.types.json import Jsonb

from pantile.catalog.audit import record_action
from pantile.catalog.database import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class RoiImage:
    """A cohort's ROI by name, with its image (None, and no size, until that is stored)."""

    id: int
    name: str
    mpp: float
    image_sha256: str | None
    width_px: int | None
    height_px: int | None


def list_roi_images(connection: Connection, cohort_id: int, names: Sequence[str]) -> dict[str, RoiImage]:
    """The ROIs of these names."""
    rows = connection.execute(
        """
        SELECT r.id, r.name, r.mpp, CASE WHEN r.state = 'stored' THEN r.image_sha256 END AS image_sha256, i.width_px,
               i.height_px
        FROM rois r LEFT JOIN images i ON i.sha256 = r.image_sha256
        WHERE r.cohort_id = %s AND r.name = ANY(%s) AND r.roi_number > 0
        """,
        [cohort_id, list(names)],
    )
    return {row["name"]: RoiImage(**row) for row in rows}


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedMap:
    """A class map made elsewhere, of one ROI; it covers the ROI's image."""

    roi_id: int
    image_sha256: str
    roi_mpp: float
    object_key: str
    sha256: str
    bytes: int
    width_px: int
    height_px: int
    map_mpp: float
    extent_width_px: float
    extent_height_px: float
    class_pixels: Sequence[int]
    provenance: Mapping[str, Any]


_GIVEN = """
    given AS (
        SELECT * FROM jsonb_to_recordset(%(maps)s) AS given (
            roi_id bigint, image_sha256 text, roi_mpp double precision, object_key text, sha256 text, bytes bigint,
            width_px int, height_px int, map_mpp double precision, extent_width_px double precision,
            extent_height_px double precision, class_pixels bigint[], provenance jsonb)
    )
"""


def keep_imported_maps(
    connection: Connection,
    cohort_id: int,
    segmenter_id: int,
    settings_digest: str,
    maps: Sequence[ImportedMap],
    *,
    actor: str,
) -> int:
    """Stores class maps as succeeded jobs of a segmenter, linked to the cohort; gives how many are new. Audited.

    A job that is there keeps its class map: nothing is ever written over.
    """
    values = {
        "cohort_id": cohort_id,
        "segmenter_id": segmenter_id,
        "settings": settings_digest,
        "maps": Jsonb([asdict(each) for each in maps]),
    }
    _add_jobs(connection, values)
    new = _add_class_maps(connection, values)
    _link_jobs(connection, values)
    action, subject, details = "import class maps", f"cohort {cohort_id}", {"class_maps": new}
    record_action(connection, actor=actor, action=action, subject=subject, details=details)
    return new


def _add_jobs(connection: Connection, values: Mapping[str, Any]) -> None:
    connection.execute(
        f"""
        WITH {_GIVEN}
        INSERT INTO jobs (image_sha256, roi_mpp, segmenter_id, settings_digest, state, finished_at)
        SELECT DISTINCT image_sha256, roi_mpp, %(segmenter_id)s::int, %(settings)s, 'succeeded', now() FROM given
        ORDER BY image_sha256 ON CONFLICT DO NOTHING
        """,  # noqa: S608 — joined from constants
        values,
    )


def _add_class_maps(connection: Connection, values: Mapping[str, Any]) -> int:
    return connection.execute(
        f"""
        WITH {_GIVEN}, of_jobs AS (
            SELECT DISTINCT ON (j.id) j.id AS job_id, given.* FROM given JOIN jobs j
            ON j.image_sha256 = given.image_sha256 AND j.roi_mpp = given.roi_mpp
                AND j.segmenter_id = %(segmenter_id)s AND j.settings_digest = %(settings)s AND j.state = 'succeeded'
            ORDER BY j.id
        )
        INSERT INTO class_maps (job_id, object_key, sha256, bytes, width_px, height_px, map_mpp, extent_width_px,
                                extent_height_px, class_pixels, provenance)
        SELECT job_id, object_key, sha256, bytes, width_px, height_px, map_mpp, extent_width_px, extent_height_px,
               class_pixels, provenance
        FROM of_jobs ON CONFLICT DO NOTHING
        """,  # noqa: S608 — joined from constants
        values,
    ).rowcount


def _link_jobs(connection: Connection, values: Mapping[str, Any]) -> None:
    """Links jobs to the cohort, and counts those that it did not have."""
    connection.execute(
        f"""
        WITH {_GIVEN}, linked AS (
            INSERT INTO cohort_jobs (cohort_id, roi_id, job_id)
            SELECT %(cohort_id)s::bigint, given.roi_id, j.id FROM given JOIN jobs j
            ON j.image_sha256 = given.image_sha256 AND j.roi_mpp = given.roi_mpp
                AND j.segmenter_id = %(segmenter_id)s AND j.settings_digest = %(settings)s
            ON CONFLICT DO NOTHING RETURNING job_id
        )
        INSERT INTO job_counts (cohort_id, segmenter_id, state, jobs, at)
        SELECT %(cohort_id)s, j.segmenter_id, j.state, count(*), '-infinity'
        FROM (SELECT DISTINCT job_id FROM linked) l JOIN jobs j ON j.id = l.job_id
        WHERE NOT EXISTS (SELECT 1 FROM cohort_jobs cj WHERE cj.cohort_id = %(cohort_id)s AND cj.job_id = j.id)
        GROUP BY j.segmenter_id, j.state
        """,  # noqa: S608 — joined from constants
        values,
    )

"""Galleries: a cohort's ROIs with what segmenters made of them, for people to look at."""

from dataclasses import dataclass

from pantile.catalog.database import Connection, Row
from pantile.catalog.tiles import TiledImage, UntiledRoi
from pantile.domain.deep_zoom import TileGrid
from pantile.domain.errors import JobNotFound, TileNotFound
from pantile.domain.rois import TissueType
from pantile.domain.segmenters import Card, card_from


@dataclass(frozen=True, slots=True, kw_only=True)
class GalleryFilter:
    """Which ROIs of a cohort to show, and of which segmenter; what is empty or None does not matter."""

    cohort_id: int
    segmenter: str = ""
    tissue_type: TissueType | None = None
    words: str = ""


_FILTERS = {
    "tissue_type": "r.tissue_type = %(tissue_type)s",
    "words": "strpos(lower(r.name), lower(%(words)s)) > 0",
}

_SHOWN = "r.cohort_id = %(cohort_id)s AND r.id > %(after)s AND r.state = 'stored' AND r.roi_number > 0"

_BY = "s.name = %(segmenter)s"

# A class map with its segmenter and settings, and the ROI that it is of; whole slides are not shown.
_MAPS = """
    SELECT r.id AS roi_id, r.name AS roi, r.case_id, r.slide, r.tissue_type, r.mpp AS roi_mpp, r.cohort_id,
           c.name AS cohort, i.sha256 AS image_sha256, i.width_px, i.height_px,
           p.image_sha256 IS NOT NULL AS has_pyramid, p.tile_px, p.overlap_px,
           EXISTS (SELECT 1 FROM chores ch JOIN rois twin ON twin.id = ch.roi_id
                   WHERE twin.image_sha256 = i.sha256 AND ch.kind = 'pyramid' AND ch.state = 'failed') AS has_failed,
           j.id AS job_id, s.name AS segmenter, s.version, s.card, e.document AS settings,
           cm.object_key, cm.sha256, cm.map_mpp, cm.extent_width_px, cm.extent_height_px, cm.class_pixels,
           cm.mean_confidence, cm.width_px AS map_width_px, cm.height_px AS map_height_px, cm.created_at
    FROM rois r
    JOIN cohorts c ON c.id = r.cohort_id
    JOIN images i ON i.sha256 = r.image_sha256 AND r.roi_number > 0
    JOIN cohort_jobs cj ON cj.roi_id = r.id
    JOIN jobs j ON j.id = cj.job_id
    JOIN segmenters s ON s.id = j.segmenter_id
    JOIN engine_settings e ON e.digest = j.settings_digest
    JOIN class_maps cm ON cm.job_id = j.id
    LEFT JOIN pyramids p ON p.image_sha256 = i.sha256
"""

_ORDER = "ORDER BY r.id, s.name, s.id, j.id"


def list_shown_cohorts(connection: Connection) -> list[Row]:
    """The cohorts that have class maps, by name: id, name, and the segmenters that made them."""
    return connection.execute(
        """
        SELECT c.id, c.name, counted.segmenters FROM cohorts c
        CROSS JOIN LATERAL (
            SELECT array_agg(s.name ORDER BY s.name) AS segmenters FROM (
                SELECT segmenter_id FROM job_counts WHERE cohort_id = c.id AND state = 'succeeded'
                GROUP BY segmenter_id HAVING sum(jobs) > 0
            ) having_maps JOIN segmenters s ON s.id = having_maps.segmenter_id
        ) counted
        WHERE counted.segmenters IS NOT NULL
        ORDER BY c.name
        """
    ).fetchall()


def list_maps(connection: Connection, wanted: GalleryFilter, *, after: int = 0, rois: int = 24) -> list[Row]:
    """The class maps of the first so many ROIs that fit and have some, by ROI, from the one after the ROI `after`."""
    conditions = [condition for name, condition in _FILTERS.items() if getattr(wanted, name)]
    by = [_BY] if wanted.segmenter else []
    values = {
        "cohort_id": wanted.cohort_id,
        "segmenter": wanted.segmenter,
        "tissue_type": wanted.tissue_type,
        "words": wanted.words,
        "after": after,
        "rois": rois,
    }
    # First the ROIs: with their ids given, what belongs to them is found by indexes, however large the catalog.
    shown = connection.execute(
        f"""
        SELECT r.id FROM rois r
        WHERE {" AND ".join([_SHOWN, *conditions])}
          AND EXISTS (
            SELECT 1 FROM cohort_jobs cj JOIN jobs j ON j.id = cj.job_id JOIN segmenters s ON s.id = j.segmenter_id
            WHERE {" AND ".join(["cj.roi_id = r.id", "j.state = 'succeeded'", *by])} OFFSET 0)
        ORDER BY r.id LIMIT %(rois)s
        """,  # noqa: S608 — joined from constants of this module
        values,
    ).fetchall()
    return connection.execute(
        f"{_MAPS} WHERE {' AND '.join(['r.id = ANY(%(roi_ids)s)', *by])} {_ORDER}",
        {**values, "roi_ids": [row["id"] for row in shown]},
    ).fetchall()


def list_maps_beside(connection: Connection, job_id: int, *, cohort: str = "") -> list[Row]:
    """All class maps of the ROI that a job is of, in that cohort if it is there; raises `JobNotFound` without a map."""
    rows = connection.execute(
        f"""
        {_MAPS}
        WHERE r.id = (
            SELECT cj.roi_id FROM cohort_jobs cj JOIN cohorts named ON named.id = cj.cohort_id
            WHERE cj.job_id = %(job_id)s ORDER BY named.name <> %(cohort)s, cj.roi_id LIMIT 1
        ) {_ORDER}
        """,  # noqa: S608 — joined from constants of this module
        {"job_id": job_id, "cohort": cohort},
    ).fetchall()
    if job_id not in {row["job_id"] for row in rows}:
        raise JobNotFound(f"{job_id}, or it has no class map")
    return rows


def find_neighbours(connection: Connection, row: Row) -> tuple[int | None, int | None]:
    """The jobs of the same segmenter and settings on the ROI before and the one after, in the same cohort."""
    near = """
        SELECT other.id FROM rois r
        CROSS JOIN LATERAL (
            SELECT j.id FROM cohort_jobs cj JOIN jobs j ON j.id = cj.job_id, jobs own
            WHERE cj.roi_id = r.id AND own.id = %(job_id)s AND j.state = 'succeeded'
              AND j.segmenter_id = own.segmenter_id AND j.settings_digest = own.settings_digest LIMIT 1
        ) other
        WHERE r.cohort_id = %(cohort_id)s AND r.id {comparison} %(roi_id)s ORDER BY r.id {direction} LIMIT 1
    """
    found = [
        connection.execute(near.format(comparison=comparison, direction=direction), row).fetchone()
        for comparison, direction in (("<", "DESC"), (">", "ASC"))
    ]
    before, after = (each["id"] if each else None for each in found)
    return before, after


def find_image(connection: Connection, sha256: str) -> TiledImage | UntiledRoi:
    """The pyramid of the image with this digest; raises `TileNotFound` where no ROI has it."""
    row = connection.execute(
        """
        SELECT r.id AS roi_id, p.object_key, p.bytes, p.width_px, p.height_px, p.tile_px, p.overlap_px,
               EXISTS (SELECT 1 FROM rois twin JOIN chores ch ON ch.kind = 'pyramid' AND ch.roi_id = twin.id
                       WHERE twin.image_sha256 = r.image_sha256 AND ch.state = 'failed') AS has_failed
        FROM rois r LEFT JOIN pyramids p ON p.image_sha256 = r.image_sha256
        WHERE r.image_sha256 = %s AND r.state = 'stored' ORDER BY r.id LIMIT 1
        """,
        [sha256],
    ).fetchone()
    if row is None:
        raise TileNotFound(f"no image {sha256[:12]}")
    if row["object_key"] is None:
        return UntiledRoi(roi_id=row["roi_id"], has_failed=row["has_failed"])
    sizes = {name: row[name] for name in ("width_px", "height_px", "tile_px", "overlap_px")}
    return TiledImage(object_key=row["object_key"], bytes=row["bytes"], grid=TileGrid(**sizes))


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownMap:
    """A job's class map: the object that holds it, and the card that says what its indices mean."""

    object_key: str
    sha256: str
    card: Card


def find_map(connection: Connection, job_id: int) -> ShownMap:
    """A job's class map; raises `TileNotFound` where it has none."""
    row = connection.execute(
        """
        SELECT cm.object_key, cm.sha256, s.card FROM class_maps cm
        JOIN jobs j ON j.id = cm.job_id JOIN segmenters s ON s.id = j.segmenter_id
        WHERE cm.job_id = %s AND cm.object_key IS NOT NULL
        """,
        [job_id],
    ).fetchone()
    if row is None:
        raise TileNotFound(f"no class map of job {job_id}")
    return ShownMap(object_key=row["object_key"], sha256=row["sha256"], card=card_from(row["card"]))

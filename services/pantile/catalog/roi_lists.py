"""ROIs as lists show them, with the quality of their images: all of a cohort, or those that are flagged."""

from dataclasses import asdict, dataclass

from pantile.catalog.database import Connection, Row
from pantile.domain.quality import LEAST_SHARPNESS, LEAST_TISSUE, MOST_BLACK, MOST_PEN, Flag, Quality

_MEASURED = "(i.quality->>'{}')::float"

# `Quality.flags`, so that the catalog can count and filter by them.
_RAISED = {
    Flag.LITTLE_TISSUE: f"{_MEASURED.format('tissue')} < {LEAST_TISSUE}",
    Flag.BLURRED: f"{_MEASURED.format('sharpness')} < {LEAST_SHARPNESS}",
    Flag.PEN: f"{_MEASURED.format('pen')} > {MOST_PEN}",
    Flag.BLACK: f"{_MEASURED.format('black')} > {MOST_BLACK}",
}
_ANY_RAISED = f"({' OR '.join(_RAISED.values())})"


@dataclass(frozen=True, slots=True, kw_only=True)
class RoiFilter:
    """Which ROIs of a cohort to list: by state, with one flag, with any; None and False mean all."""

    state: str | None = None
    flag: Flag | None = None
    flagged: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FlagCounts:
    """How many ROIs of a cohort have any flag, and how many each flag; an ROI may have several."""

    rois: int
    by_flag: dict[Flag, int]


def count_flags(connection: Connection, cohort_id: int) -> FlagCounts:
    """The flags of a cohort's ROIs, as far as their images have come."""
    columns = ", ".join(f"count(*) FILTER (WHERE {condition}) AS {flag.name}" for flag, condition in _RAISED.items())
    row = connection.execute(
        f"""
        SELECT count(*) AS rois, {columns} FROM rois r JOIN images i ON i.sha256 = r.image_sha256
        WHERE r.cohort_id = %s AND r.state <> 'withdrawn' AND {_ANY_RAISED}
        """,  # noqa: S608 — joined from constants
        [cohort_id],
    ).fetchone()
    assert row is not None  # noqa: S101 — a count has one row
    return FlagCounts(rois=row["rois"], by_flag={flag: row[flag.name.lower()] for flag in Flag})


def list_rois(
    connection: Connection, cohort_id: int, wanted: RoiFilter, *, after: int = 0, limit: int = 200
) -> list[Row]:
    """A cohort's ROIs by ascending id, each with its image's size and `quality` (None where it was not measured)."""
    conditions = ["r.cohort_id = %(cohort_id)s", "r.id > %(after)s"]
    if wanted.state is not None:
        conditions.append("r.state = %(state)s")
    if wanted.flag is not None:
        conditions.append(_RAISED[wanted.flag])
    if wanted.flagged:
        conditions.append(_ANY_RAISED)
    rows = connection.execute(
        f"""
        SELECT r.id, r.name AS roi, r.slide, r.case_id, r.tissue_type, r.roi_number, r.mpp, r.source, r.state, r.error,
               i.width_px, i.height_px, i.quality
        FROM rois r LEFT JOIN images i ON i.sha256 = r.image_sha256
        WHERE {" AND ".join(conditions)} ORDER BY r.id LIMIT %(limit)s
        """,  # noqa: S608 — joined from constants of this module
        {**asdict(wanted), "cohort_id": cohort_id, "after": after, "limit": limit},
    ).fetchall()
    return [{**row, "quality": row["quality"] and Quality(**row["quality"])} for row in rows]

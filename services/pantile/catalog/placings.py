"""Placings: rectangles on slides, saved whole and by version, and what has come of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from psycopg.types.json import Jsonb

from pantile.catalog.audit import record_action
from pantile.catalog.database import Connection, Row
from pantile.catalog.slides import get_slide
from pantile.domain.errors import PlacingConflict, SlideNotReady
from pantile.domain.placings import PlacedRectangle, PlacingState, placed_from
from pantile.domain.slides import SlideState

_CUT = """
    (SELECT count(*) FROM rois r WHERE r.cohort_id = s.cohort_id AND r.slide = s.name
     AND r.source LIKE 'slide://' || s.id || '/%%' AND r.roi_number > 0)
"""

_STATE = f"""
    CASE WHEN s.state <> 'ready' THEN s.state
         WHEN p.rectangles <> '[]' AND p.cut_version = p.version THEN 'cut out'
         WHEN p.rectangles <> '[]' THEN 'placed'
         WHEN {_CUT} > 0 THEN 'cut out'
         WHEN p.slide_id IS NULL AND s.guesses <> '[]' THEN 'guessed'
         ELSE 'no rectangles' END
"""
"""A slide's own state as long as it is not ready; then a `PlacingState`."""


def list_placed_cohorts(connection: Connection) -> list[Row]:
    """The cohorts that have slides, by name, with how many of their slides are in each state."""
    return connection.execute(
        f"""
        SELECT name, sum(slides)::int AS slides, jsonb_object_agg(state, slides) AS states
        FROM (SELECT c.name, {_STATE} AS state, count(*) AS slides
              FROM slides s JOIN cohorts c ON c.id = s.cohort_id LEFT JOIN placings p ON p.slide_id = s.id
              GROUP BY 1, 2) counted
        GROUP BY name ORDER BY name
        """  # noqa: S608 — joined from constants of this module
    ).fetchall()


def count_states(connection: Connection, cohort_id: int) -> dict[str, int]:
    """How many slides of a cohort are in each state."""
    rows = connection.execute(
        f"""
        SELECT {_STATE} AS state, count(*) AS slides
        FROM slides s LEFT JOIN placings p ON p.slide_id = s.id WHERE s.cohort_id = %s GROUP BY 1
        """,  # noqa: S608 — joined from constants of this module
        [cohort_id],
    ).fetchall()
    return {row["state"]: row["slides"] for row in rows}


def list_placed_slides(
    connection: Connection, cohort_id: int, *, state: str = "", words: str = "", after: int = 0, limit: int = 50
) -> list[Row]:
    """A cohort's slides by ascending id, with their state and rectangles; in one state or with words in the name."""
    return connection.execute(
        f"""
        SELECT * FROM (
            SELECT s.id, s.name, s.case_id, {_STATE} AS state, s.error, s.width_px, s.height_px, s.mpp,
                   s.tissue_fraction, s.overview_key, s.guesses, p.rectangles, p.placed_by, p.placed_at,
                   {_CUT} AS rois
            FROM slides s LEFT JOIN placings p ON p.slide_id = s.id
            WHERE s.cohort_id = %(cohort_id)s AND s.id > %(after)s
              AND (%(words)s = '' OR position(lower(%(words)s) IN lower(s.name)) > 0)) listed
        WHERE %(state)s = '' OR state = %(state)s
        ORDER BY id LIMIT %(limit)s
        """,  # noqa: S608 — joined from constants of this module
        {"cohort_id": cohort_id, "after": after, "limit": limit, "state": state, "words": words},
    ).fetchall()


_UNPLACED: Sequence[str] = (PlacingState.EMPTY, PlacingState.GUESSED)


def find_unplaced(connection: Connection, slide_id: int) -> int | None:
    """The next slide of the same cohort on which nobody has placed anything yet, from the first again after the last.

    None where there is no other.
    """
    row = connection.execute(
        f"""
        SELECT s.id FROM slides own JOIN slides s ON s.cohort_id = own.cohort_id AND s.id <> own.id
        LEFT JOIN placings p ON p.slide_id = s.id
        WHERE own.id = %(slide_id)s AND p.slide_id IS NULL AND {_STATE} = ANY(%(unplaced)s)
        ORDER BY s.id < own.id, s.id LIMIT 1
        """,  # noqa: S608 — joined from constants of this module
        {"slide_id": slide_id, "unplaced": list(_UNPLACED)},
    ).fetchone()
    return row["id"] if row else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Placing:
    """What somebody has placed on a slide; version 0 where nobody has."""

    version: int = 0
    rectangles: tuple[PlacedRectangle, ...] = ()
    cut_version: int | None = None
    placed_by: str | None = None
    placed_at: datetime | None = None

    @property
    def is_cut(self) -> bool:
        """Whether all of it was cut out."""
        return self.cut_version is not None and self.cut_version == self.version


def find_placing(connection: Connection, slide_id: int) -> Placing:
    """What is placed on a slide."""
    row = connection.execute(
        "SELECT version, rectangles, cut_version, placed_by, placed_at FROM placings WHERE slide_id = %s", [slide_id]
    ).fetchone()
    return Placing(**{**row, "rectangles": tuple(placed_from(row["rectangles"]))}) if row else Placing()


def lock_placing(connection: Connection, slide_id: int, *, version: int) -> tuple[Row, Placing]:
    """A slide and what is placed on it, locked until the transaction ends, if that is what was seen.

    Raises:
        SlideNotFound: there is no such slide.
        SlideNotReady: nothing can be placed on it.
        PlacingConflict: somebody has placed something else meanwhile; the error tells what.
    """
    connection.execute("SELECT 1 FROM slides WHERE id = %s FOR UPDATE", [slide_id])
    slide = get_slide(connection, slide_id)
    if slide["state"] != SlideState.READY:
        raise SlideNotReady(f"{slide['name']} is {slide['state']}")
    placing = find_placing(connection, slide_id)
    if placing.version != version:
        raise PlacingConflict(
            {
                "version": placing.version,
                "rectangles": [each.document() for each in placing.rectangles],
                "is_cut": placing.is_cut,
                "placed_by": placing.placed_by,
                "placed_at": placing.placed_at.isoformat() if placing.placed_at else None,
            }
        )
    return slide, placing


def save_placing(
    connection: Connection, slide_id: int, rectangles: Sequence[PlacedRectangle], *, version: int, actor: str
) -> Placing:
    """Places these rectangles and no others on a slide, if `version` is the current one. Audited.

    The same rectangles again are no new version. Raises as `lock_placing` does.
    """
    _, seen = lock_placing(connection, slide_id, version=version)
    if version and seen.rectangles == tuple(rectangles):
        return seen
    documents = [each.document() for each in rectangles]
    connection.execute(
        """
        INSERT INTO placings (slide_id, version, rectangles, placed_by) VALUES (%s, %s, %s, %s)
        ON CONFLICT (slide_id) DO UPDATE SET version = excluded.version, rectangles = excluded.rectangles,
            placed_by = excluded.placed_by, placed_at = clock_timestamp()
        """,
        [slide_id, version + 1, Jsonb(documents), actor],
    )
    details = {"version": version + 1, "rectangles": documents}
    record_action(connection, actor=actor, action="place rectangles", subject=f"slide {slide_id}", details=details)
    return find_placing(connection, slide_id)


def mark_cut(connection: Connection, slide_id: int) -> None:
    """Notes that what is placed on a slide was cut out."""
    connection.execute("UPDATE placings SET cut_version = version WHERE slide_id = %s", [slide_id])

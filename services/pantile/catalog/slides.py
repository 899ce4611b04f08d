"""Slides: added to a cohort, looked into by imaging workers, cut into ROIs, withdrawn."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from psycopg.types.json import Jsonb

from pantile.catalog.audit import record_action
from pantile.catalog.database import Connection, Row, announce_work
from pantile.domain.errors import CaseWithdrawn, SlideNotFound
from pantile.domain.rois import WHOLE_SLIDE
from pantile.domain.slides import Rectangle, SlideFacts


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSlide:
    """A slide to be added: its name and case, where its file is, and its mpp where the file may not say."""

    name: str
    case: str
    source: str
    mpp: float | None = None


def add_slides(connection: Connection, cohort_id: int, slides: Sequence[NewSlide], *, actor: str) -> int:
    """Adds the slides that a cohort lacks and has them looked into; gives how many. Audited.

    One that was refused, or is named with another source or mpp while it is not ready, takes what is given now.

    Raises:
        CaseWithdrawn: one is new, and its case was withdrawn.
    """
    _refuse_withdrawn(connection, cohort_id, slides)
    added = connection.execute(
        """
        INSERT INTO slides (cohort_id, name, case_id, source, given_mpp)
        SELECT %(cohort_id)s, * FROM unnest(
            %(names)s::text[], %(cases)s::text[], %(sources)s::text[], %(mpps)s::float[])
        ON CONFLICT (cohort_id, name) DO UPDATE SET source = excluded.source, given_mpp = excluded.given_mpp,
            state = 'waiting', error = NULL, error_kind = NULL
            WHERE slides.state = 'refused' OR (slides.state = 'waiting'
                AND (slides.source, slides.given_mpp) IS DISTINCT FROM (excluded.source, excluded.given_mpp))
        RETURNING id
        """,
        {
            "cohort_id": cohort_id,
            "names": [slide.name for slide in slides],
            "cases": [slide.case for slide in slides],
            "sources": [slide.source for slide in slides],
            "mpps": [slide.mpp for slide in slides],
        },
    ).fetchall()
    _ask_inspections(connection, [row["id"] for row in added])
    record_action(
        connection, actor=actor, action="add slides", subject=f"cohort {cohort_id}", details={"slides": len(added)}
    )
    return len(added)


def _refuse_withdrawn(connection: Connection, cohort_id: int, slides: Sequence[NewSlide]) -> None:
    refused = connection.execute(
        """
        SELECT given.name FROM unnest(%(names)s::text[], %(cases)s::text[]) given (name, case_id)
        JOIN withdrawals w ON w.name IN (given.name, given.case_id)
            AND coalesce(w.cohort_id, %(cohort_id)s) = %(cohort_id)s
        WHERE NOT EXISTS (SELECT 1 FROM slides s WHERE s.cohort_id = %(cohort_id)s AND s.name = given.name)
        ORDER BY given.name LIMIT 5
        """,
        {
            "cohort_id": cohort_id,
            "names": [slide.name for slide in slides],
            "cases": [slide.case for slide in slides],
        },
    ).fetchall()
    if refused:
        raise CaseWithdrawn(", ".join(row["name"] for row in refused))


def _ask_inspections(connection: Connection, slide_ids: Sequence[int]) -> None:
    connection.execute(
        """
        INSERT INTO chores (kind, slide_id) SELECT 'inspect', unnest(%s::bigint[])
        ON CONFLICT (kind, slide_id) DO UPDATE SET state = 'waiting', charged_attempts = 0, suspect = false,
            not_before = now(), published_at = NULL, finished_at = NULL, error_kind = NULL, error = NULL
            WHERE chores.state IN ('succeeded', 'failed', 'cancelled')
        """,
        [list(slide_ids)],
    )
    announce_work(connection)


_COLUMNS = """
    s.id, s.cohort_id, c.name AS cohort, s.name, s.case_id, s.source, s.state, coalesce(s.mpp, s.given_mpp) AS mpp,
    s.width_px, s.height_px, s.levels, s.vendor, s.magnification, s.scanner, s.overview_key, s.tissue_key, s.guesses,
    s.tissue_fraction, s.error
"""


def list_slides(connection: Connection, cohort_id: int, *, after: int = 0, limit: int = 200) -> list[Row]:
    """A cohort's slides by ascending id, each with how many ROIs were cut out of it."""
    return connection.execute(
        f"""
        SELECT {_COLUMNS}, (SELECT count(*) FROM rois r WHERE r.cohort_id = s.cohort_id AND r.slide = s.name
                            AND r.source LIKE 'slide://' || s.id || '/%%') AS rois
        FROM slides s JOIN cohorts c ON c.id = s.cohort_id
        WHERE s.cohort_id = %s AND s.id > %s ORDER BY s.id LIMIT %s
        """,  # noqa: S608 — joined from constants of this module
        [cohort_id, after, limit],
    ).fetchall()


def get_slide(connection: Connection, slide_id: int) -> Row:
    """One slide; raises `SlideNotFound`."""
    row = connection.execute(
        f"SELECT {_COLUMNS} FROM slides s JOIN cohorts c ON c.id = s.cohort_id WHERE s.id = %s",  # noqa: S608
        [slide_id],
    ).fetchone()
    if row is None:
        raise SlideNotFound(str(slide_id))
    return row


def list_places(connection: Connection, slide: Row) -> list[Row]:
    """The ROIs that were cut out of a slide, with their source, which says where."""
    return connection.execute(
        """
        SELECT r.name, r.tissue_type, r.roi_number, r.source, r.state, r.error, i.quality
        FROM rois r LEFT JOIN images i ON i.sha256 = r.image_sha256
        WHERE r.cohort_id = %s AND r.slide = %s AND r.source LIKE 'slide://%%' ORDER BY r.id
        """,
        [slide["cohort_id"], slide["name"]],
    ).fetchall()


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """What an inspection is about: the slide's file, and the mpp that was given for it."""

    slide_id: int
    source: str
    given_mpp: float | None


def read_inspection(connection: Connection, chore_id: int) -> Inspection:
    """The subject of an inspection."""
    row = connection.execute(
        """
        SELECT s.id AS slide_id, s.source, s.given_mpp FROM chores c JOIN slides s ON s.id = c.slide_id WHERE c.id = %s
        """,
        [chore_id],
    ).fetchone()
    assert row is not None  # noqa: S101 — an inspection has its slide, by its foreign key
    return Inspection(**row)


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspected:
    """What was found in a slide: facts (with an mpp, given or its own), pictures, and first guesses of ROIs."""

    facts: SlideFacts
    mpp: float
    overview_key: str
    overview_sha256: str
    tissue_key: str
    tissue_sha256: str
    tissue_fraction: float
    guesses: Sequence[Rectangle]


def keep_inspected(connection: Connection, slide_id: int, found: Inspected) -> None:
    """Makes a slide ready; one that was withdrawn meanwhile stays so."""
    facts = found.facts
    connection.execute(
        """
        UPDATE slides SET state = 'ready', mpp = %(mpp)s, width_px = %(width_px)s, height_px = %(height_px)s,
            levels = %(levels)s, vendor = %(vendor)s, magnification = %(magnification)s, scanner = %(scanner)s,
            overview_key = %(overview_key)s, overview_sha256 = %(overview_sha256)s,
            tissue_key = %(tissue_key)s, tissue_sha256 = %(tissue_sha256)s, guesses = %(guesses)s,
            tissue_fraction = %(tissue_fraction)s, error = NULL, error_kind = NULL
        WHERE id = %(slide_id)s AND state <> 'withdrawn'
        """,
        {
            **asdict(facts),
            "mpp": found.mpp,
            "overview_key": found.overview_key,
            "overview_sha256": found.overview_sha256,
            "tissue_key": found.tissue_key,
            "tissue_sha256": found.tissue_sha256,
            "tissue_fraction": found.tissue_fraction,
            "guesses": Jsonb([asdict(each) for each in found.guesses]),
            "slide_id": slide_id,
        },
    )


def refuse_failed_inspections(connection: Connection) -> int:
    """Refuses the slides whose inspection failed for good, with its sentence; gives how many."""
    return connection.execute(
        """
        UPDATE slides s SET state = 'refused', error_kind = c.error_kind, error = c.error
        FROM chores c
        WHERE c.slide_id = s.id AND c.kind = 'inspect' AND c.state = 'failed' AND s.state = 'waiting'
        """
    ).rowcount


def find_whole_slide(connection: Connection, image_sha256: str) -> str | None:
    """Where the file is of a whole slide that is an ROI's image; None where no slide that is ready has it."""
    row = connection.execute(
        """
        SELECT s.source FROM rois r JOIN slides s ON s.cohort_id = r.cohort_id AND s.name = r.slide
        WHERE r.image_sha256 = %s AND r.roi_number = %s AND s.state = 'ready' ORDER BY s.id LIMIT 1
        """,
        [image_sha256, WHOLE_SLIDE],
    ).fetchone()
    return row["source"] if row else None


def find_source(connection: Connection, slide_id: int) -> tuple[str, float] | None:
    """Where a slide's file is, and its mpp; None for one that is not ready (any more)."""
    row = connection.execute("SELECT source, mpp FROM slides WHERE id = %s AND state = 'ready'", [slide_id]).fetchone()
    return (row["source"], row["mpp"]) if row else None

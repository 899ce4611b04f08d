"""Pyramids of slides: which slides have one, where it is, and who asks for one."""

from collections.abc import Sequence
from dataclasses import dataclass

from pantile.catalog.audit import record_action
from pantile.catalog.database import Connection, Row, announce_work
from pantile.catalog.pyramids import Pyramid
from pantile.catalog.slides import get_slide
from pantile.catalog.tiles import TiledImage
from pantile.domain.deep_zoom import TileGrid
from pantile.domain.errors import SlideNotFound, SlideNotReady, TileNotFound
from pantile.domain.slides import SlideState

_ASK = """
    INSERT INTO chores (kind, slide_id)
    SELECT 'slide-pyramid', s.id FROM slides s
    WHERE s.id = ANY(%s) AND s.state = 'ready' AND NOT EXISTS (SELECT 1 FROM slide_pyramids p WHERE p.slide_id = s.id)
    ORDER BY s.id
    ON CONFLICT (kind, slide_id) DO UPDATE SET state = 'waiting', charged_attempts = 0, suspect = false,
        not_before = now(), published_at = NULL, finished_at = NULL, error_kind = NULL, error = NULL
        WHERE chores.state = ANY(%s)
"""


def want_slide_pyramids(connection: Connection, slide_ids: Sequence[int]) -> None:
    """Asks for the pyramids that ready slides lack, as somebody looks at them; one that failed stays so."""
    if connection.execute(_ASK, [list(slide_ids), ["succeeded", "cancelled"]]).rowcount:
        announce_work(connection)


def ask_slide_pyramid(connection: Connection, slide_id: int, *, actor: str) -> None:
    """Asks for a slide's pyramid where it lacks one, once more where it failed. Audited.

    Raises:
        SlideNotFound: there is no such slide.
        SlideNotReady: it was not looked into, refused or withdrawn.
    """
    slide = get_slide(connection, slide_id)
    if slide["state"] != SlideState.READY:
        raise SlideNotReady(f"{slide['name']} is {slide['state']}")
    connection.execute(_ASK, [[slide_id], ["succeeded", "cancelled", "failed"]])
    record_action(connection, actor=actor, action="ask pyramid", subject=f"slide {slide_id}")
    announce_work(connection)


@dataclass(frozen=True, slots=True, kw_only=True)
class UntiledSlide:
    """What a slide's pyramid chore is about: its file and mpp, and whether there is nothing to do any more."""

    slide_id: int
    source: str
    mpp: float | None
    is_done: bool


def read_untiled_slide(connection: Connection, chore_id: int) -> UntiledSlide:
    """The subject of the chore."""
    row = connection.execute(
        """
        SELECT s.id AS slide_id, s.source, s.mpp, p.slide_id IS NOT NULL OR s.state <> 'ready' AS is_done
        FROM chores c JOIN slides s ON s.id = c.slide_id LEFT JOIN slide_pyramids p ON p.slide_id = s.id
        WHERE c.id = %s
        """,
        [chore_id],
    ).fetchone()
    assert row is not None  # noqa: S101 — the chore has its slide, by its foreign key
    return UntiledSlide(**row)


def keep_slide_pyramid(connection: Connection, slide_id: int, pyramid: Pyramid, *, downsample: int) -> None:
    """Stores where a slide's pyramid is; the first one stays."""
    connection.execute(
        """
        INSERT INTO slide_pyramids (slide_id, object_key, sha256, bytes, tile_px, overlap_px, width_px, height_px,
                                    levels, downsample)
        VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT (slide_id) DO NOTHING
        """,
        [
            *(slide_id, pyramid.object_key, pyramid.sha256, pyramid.bytes, pyramid.tile_px, pyramid.overlap_px),
            *(pyramid.width_px, pyramid.height_px, pyramid.levels, downsample),
        ],
    )


def find_slide_pyramid(connection: Connection, slide_id: int) -> Row | None:
    """How a ready slide's pyramid is cut and where it is; `error` says why there is none. None while there is neither.

    A slide that was withdrawn has none any more.
    """
    return connection.execute(
        """
        SELECT p.*, c.error FROM slides s
        LEFT JOIN slide_pyramids p ON p.slide_id = s.id
        LEFT JOIN chores c ON c.slide_id = s.id AND c.kind = 'slide-pyramid' AND c.state = 'failed'
        WHERE s.id = %s AND s.state = 'ready' AND num_nonnulls(p.slide_id, c.error) > 0
        """,
        [slide_id],
    ).fetchone()


def find_tiled_slide(connection: Connection, slide_id: int) -> TiledImage:
    """The pyramid that a slide's tiles are in; raises `SlideNotFound`, `TileNotFound` where it has none."""
    if connection.execute("SELECT 1 FROM slides WHERE id = %s", [slide_id]).fetchone() is None:
        raise SlideNotFound(str(slide_id))
    row = find_slide_pyramid(connection, slide_id)
    if row is None or row["object_key"] is None:
        raise TileNotFound(f"slide {slide_id} has no pyramid")
    sizes = {name: row[name] for name in ("width_px", "height_px", "tile_px", "overlap_px")}
    return TiledImage(object_key=row["object_key"], bytes=row["bytes"], grid=TileGrid(**sizes))

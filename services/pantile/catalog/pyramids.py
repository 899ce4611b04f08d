"""Pyramids: which images have one, where it is, and who asks for one."""

from collections.abc import Sequence
from dataclasses import dataclass

from pantile.catalog.database import Connection, announce_work

# Of the ROIs that share an image one asks for all: the others would make the same again.
_ASK = """
    INSERT INTO chores (kind, roi_id)
    SELECT DISTINCT ON (r.image_sha256) 'pyramid', r.id FROM rois r
    WHERE {which} AND r.state = 'stored' AND r.roi_number > 0
      AND NOT EXISTS (SELECT 1 FROM pyramids p WHERE p.image_sha256 = r.image_sha256)
      AND NOT EXISTS (
          SELECT 1 FROM rois twin JOIN chores c ON c.kind = 'pyramid' AND c.roi_id = twin.id
          WHERE twin.image_sha256 = r.image_sha256 AND c.state IN ('waiting', 'running', {passed_over}))
    ORDER BY r.image_sha256, r.id
    ON CONFLICT (kind, roi_id) DO UPDATE SET state = 'waiting', charged_attempts = 0, suspect = false,
        not_before = now(), published_at = NULL, finished_at = NULL, error_kind = NULL, error = NULL
        WHERE chores.state IN ('succeeded', 'failed', 'cancelled')
"""


def ask_pyramids(connection: Connection, roi_ids: Sequence[int]) -> int:
    """Asks for the pyramids that these ROIs' images lack, failed ones once more; gives how many."""
    asked = connection.execute(
        _ASK.format(which="r.id = ANY(%(roi_ids)s)", passed_over="'waiting'"), {"roi_ids": list(roi_ids)}
    ).rowcount
    announce_work(connection)
    return asked


def want_pyramids(connection: Connection, roi_ids: Sequence[int]) -> None:
    """Asks for ROIs' pyramids as somebody looks at them; one that failed stays so until it is asked for by name."""
    asked = connection.execute(
        _ASK.format(which="r.id = ANY(%(roi_ids)s)", passed_over="'failed'"), {"roi_ids": list(roi_ids)}
    ).rowcount
    if asked:
        announce_work(connection)


@dataclass(frozen=True, slots=True, kw_only=True)
class UntiledImage:
    """What a pyramid chore is about: an image, and whether another chore has made its pyramid meanwhile."""

    sha256: str
    object_key: str
    is_done: bool


def read_untiled(connection: Connection, chore_id: int) -> UntiledImage:
    """The subject of a pyramid chore."""
    row = connection.execute(
        """
        SELECT i.sha256, i.object_key, p.image_sha256 IS NOT NULL AS is_done
        FROM chores c JOIN rois r ON r.id = c.roi_id JOIN images i ON i.sha256 = r.image_sha256
        LEFT JOIN pyramids p ON p.image_sha256 = i.sha256
        WHERE c.id = %s
        """,
        [chore_id],
    ).fetchone()
    assert row is not None  # noqa: S101 — a pyramid is asked for only of a stored image
    return UntiledImage(**row)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pyramid:
    """A pyramid of an image: the object that holds it, and how it is cut."""

    object_key: str
    sha256: str
    bytes: int
    tile_px: int
    overlap_px: int
    width_px: int
    height_px: int
    levels: int


def keep_pyramid(connection: Connection, image_sha256: str, pyramid: Pyramid) -> None:
    """Stores where an image's pyramid is; the first one stays."""
    connection.execute(
        """
        INSERT INTO pyramids (image_sha256, object_key, sha256, bytes, tile_px, overlap_px, width_px, height_px, levels)
        VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT (image_sha256) DO NOTHING
        """,
        [
            image_sha256,
            pyramid.object_key,
            pyramid.sha256,
            pyramid.bytes,
            pyramid.tile_px,
            pyramid.overlap_px,
            pyramid.width_px,
            pyramid.height_px,
            pyramid.levels,
        ],
    )

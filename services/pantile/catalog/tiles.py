"""What a tile's address stands for: a study's image of an ROI, or an output's class map; and who may see it."""

from dataclasses import dataclass
from uuid import UUID

from pantile.catalog.database import Connection, Row
from pantile.domain.access import Scope, Visitor
from pantile.domain.class_maps import ClassGroup
from pantile.domain.deep_zoom import TileGrid
from pantile.domain.errors import NotAllowed, TileNotFound


@dataclass(frozen=True, slots=True, kw_only=True)
class TiledImage:
    """An image that has a pyramid: the object that holds it, and how it is cut."""

    object_key: str
    bytes: int
    grid: TileGrid


@dataclass(frozen=True, slots=True, kw_only=True)
class UntiledRoi:
    """An ROI whose image has no pyramid yet, and whether making it failed."""

    roi_id: int
    has_failed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TiledMap:
    """An output's class map: the object that holds it, and the groups of its classes by index."""

    object_key: str
    sha256: str
    width_px: int
    height_px: int
    groups: tuple[ClassGroup, ...]


_IS_MEMBER = """
    EXISTS (SELECT 1 FROM study_members m WHERE m.study_id = {table}.study_id AND m.account_id = %(account_id)s)
    AS is_member
"""

_IMAGE = f"""
    SELECT sr.roi_id, p.object_key, p.bytes, p.width_px, p.height_px, p.tile_px, p.overlap_px,
           EXISTS (SELECT 1 FROM rois twin JOIN chores c ON c.kind = 'pyramid' AND c.roi_id = twin.id
                   WHERE twin.image_sha256 = r.image_sha256 AND c.state = 'failed') AS has_failed,
           r.state = 'withdrawn' AS is_withdrawn, {_IS_MEMBER.format(table="sr")}
    FROM study_rois sr JOIN rois r ON r.id = sr.roi_id LEFT JOIN pyramids p ON p.image_sha256 = r.image_sha256
    WHERE sr.key = %(key)s
"""  # noqa: S608 — joined from constants

_MAP = f"""
    SELECT cm.object_key, cm.sha256, cm.width_px, cm.height_px,
           ARRAY(SELECT class->>'group' FROM jsonb_array_elements(s.card->'classes') class
                 ORDER BY (class->>'index')::int) AS groups,
           r.state = 'withdrawn' AS is_withdrawn, {_IS_MEMBER.format(table="o")}
    FROM outputs o JOIN rois r ON r.id = o.roi_id JOIN class_maps cm ON cm.job_id = o.job_id AND cm.sha256 = o.sha256
    JOIN study_segmenters ss ON ss.study_id = o.study_id AND ss.number = o.number
    JOIN segmenters s ON s.id = ss.segmenter_id
    WHERE o.key = %(key)s
"""  # noqa: S608 — joined from constants


def find_tiled_image(connection: Connection, key: UUID, visitor: Visitor) -> TiledImage | UntiledRoi:
    """The image that a study knows by this key.

    Raises:
        TileNotFound: no study knows it, or its case was withdrawn.
        NotAllowed: who asks is not in that study, and may not read everything.
    """
    row = _find(connection, _IMAGE, key, visitor)
    if row["object_key"] is None:
        return UntiledRoi(roi_id=row["roi_id"], has_failed=row["has_failed"])
    sizes = {name: row[name] for name in ("width_px", "height_px", "tile_px", "overlap_px")}
    return TiledImage(object_key=row["object_key"], bytes=row["bytes"], grid=TileGrid(**sizes))


def find_tiled_map(connection: Connection, key: UUID, visitor: Visitor) -> TiledMap:
    """The class map of the output with this key; raises as `find_tiled_image` does."""
    row = _find(connection, _MAP, key, visitor)
    return TiledMap(
        object_key=row["object_key"],
        sha256=row["sha256"],
        width_px=row["width_px"],
        height_px=row["height_px"],
        groups=tuple(ClassGroup(group) for group in row["groups"]),
    )


def _find(connection: Connection, statement: str, key: UUID, visitor: Visitor) -> Row:
    row = connection.execute(statement, {"key": key, "account_id": visitor.account_id}).fetchone()
    if row is None:
        raise TileNotFound(str(key))
    if not row["is_member"] and Scope.READ not in visitor.scopes:
        raise NotAllowed("this belongs to a study that you are not in")
    if row["is_withdrawn"]:
        raise TileNotFound("the case was withdrawn")
    return row

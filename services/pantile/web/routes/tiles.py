"""Tiles of images and class maps, for members of the study that they are shown in."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Response

from pantile.catalog.pyramids import want_pyramids
from pantile.catalog.tiles import UntiledRoi, find_tiled_image, find_tiled_map
from pantile.domain.deep_zoom import TilePlace
from pantile.domain.errors import TileNotFound, TilesAwaited
from pantile.web.given import GivenDatabase, GivenVisitor
from pantile.web.kept import (
    GivenTiles,
    KnownTag,
    LevelPath,
    PlacePath,
    answer_picture,
    picture_answers,
    tag_of,
)

router = APIRouter(prefix="/tiles/{key}", tags=["tiles"])

KeyPath = Annotated[UUID, Path(description="The ROI's or the output's key in its study.")]


@router.get(
    "/{level}/{column}_{row}.jpg",
    summary="Give a tile of an ROI's image",
    response_class=Response,
    responses=picture_answers("image/jpeg"),
)
def give_image_tile(
    key: KeyPath,
    level: LevelPath,
    column: PlacePath,
    row: PlacePath,
    *,
    visitor: GivenVisitor,
    database: GivenDatabase,
    tiles: GivenTiles,
    known: KnownTag = "",
) -> Response:
    """A deep-zoom tile of the image that a study knows by `key`; 503 while the pyramid is being made."""
    place = TilePlace(level=level, column=column, row=row)
    with database.transaction() as connection:
        image = find_tiled_image(connection, key, visitor)
        if isinstance(image, UntiledRoi):
            want_pyramids(connection, [image.roi_id])
    if isinstance(image, UntiledRoi):
        raise _untold(image)
    return answer_picture(
        lambda: tiles.image_tile(image, place),
        tag=tag_of(f"{image.object_key} {place}"),
        known=known,
        media_type="image/jpeg",
    )


def _untold(roi: UntiledRoi) -> TilesAwaited | TileNotFound:
    return TileNotFound("the image's tiles could not be made") if roi.has_failed else TilesAwaited()


@router.get(
    "/{level}/{column}_{row}.png",
    summary="Give a tile of an output's class map",
    response_class=Response,
    responses=picture_answers("image/png"),
)
def give_map_tile(
    key: KeyPath,
    level: LevelPath,
    column: PlacePath,
    row: PlacePath,
    *,
    visitor: GivenVisitor,
    database: GivenDatabase,
    tiles: GivenTiles,
    known: KnownTag = "",
) -> Response:
    """A piece of the output's class map: 8-bit grey, each pixel's value an index of the harmonised legend.

    Levels are numbered as in deep zoom, of the class map's own size, in tiles of 512 pixels without overlap.
    """
    place = TilePlace(level=level, column=column, row=row)
    with database.transaction() as connection:
        tiled = find_tiled_map(connection, key, visitor)
    tag = tag_of(f"{tiled.sha256} {tiled.groups} {place}")
    return answer_picture(lambda: tiles.map_tile(tiled, place), tag=tag, known=known, media_type="image/png")

"""Pictures of slides: tiles of their pyramids, overviews, and where their tissue is. Label and macro images never."""

from collections.abc import Callable

from fastapi import APIRouter, Response

from pantile.catalog.database import Connection, Row
from pantile.catalog.slide_pyramids import find_tiled_slide
from pantile.catalog.slides import get_slide
from pantile.domain.deep_zoom import TilePlace
from pantile.domain.errors import SlideNotReady
from pantile.domain.slides import SlideState
from pantile.web.given import GivenDatabase, GivenObjects, SlidePath
from pantile.web.kept import (
    ASKED_AGAIN,
    GivenTiles,
    KnownTag,
    LevelPath,
    PlacePath,
    answer_picture,
    picture_answers,
    tag_of,
)
from pantile.web.slide_pictures import shrink_overview

router = APIRouter(prefix="/slides/{slide_id}", tags=["slides"])


@router.get(
    "/tiles/{level}/{column}_{row}.jpg",
    summary="Give a tile of a slide",
    response_class=Response,
    responses=picture_answers("image/jpeg"),
)
def give_slide_tile(
    slide_id: SlidePath,
    level: LevelPath,
    column: PlacePath,
    row: PlacePath,
    *,
    database: GivenDatabase,
    tiles: GivenTiles,
    known: KnownTag = "",
) -> Response:
    """A deep-zoom tile of the slide's pyramid; 404 as long as it is not made."""
    place = TilePlace(level=level, column=column, row=row)
    with database.transaction() as connection:
        tiled = find_tiled_slide(connection, slide_id)
    return answer_picture(
        lambda: tiles.image_tile(tiled, place),
        tag=tag_of(f"{tiled.object_key} {place}"),
        known=known,
        media_type="image/jpeg",
    )


@router.get(
    "/overview.jpg",
    summary="Give a slide's overview",
    response_class=Response,
    responses=picture_answers("image/jpeg", 409),
)
def give_overview(
    slide_id: SlidePath, database: GivenDatabase, objects: GivenObjects, known: KnownTag = ""
) -> Response:
    """The whole slide, at most 4,096 px."""
    with database.transaction() as connection:
        key = _key(connection, slide_id, "overview_key")
    return _answer(lambda: objects.get(key), key, known, "image/jpeg")


@router.get(
    "/thumbnail.jpg",
    summary="Give a slide's small overview",
    response_class=Response,
    responses=picture_answers("image/jpeg", 409),
)
def give_thumbnail(
    slide_id: SlidePath, database: GivenDatabase, objects: GivenObjects, known: KnownTag = ""
) -> Response:
    """The whole slide, at most 480 px."""
    with database.transaction() as connection:
        key = _key(connection, slide_id, "overview_key")
    return _answer(lambda: shrink_overview(objects.get(key)), f"thumbnail {key}", known, "image/jpeg")


@router.get(
    "/tissue.png",
    summary="Give the picture of a slide's tissue",
    response_class=Response,
    responses=picture_answers("image/png", 409),
)
def give_tissue(slide_id: SlidePath, database: GivenDatabase, objects: GivenObjects, known: KnownTag = "") -> Response:
    """Of the whole slide, at most 1,024 px: white where there is tissue, black where there is none."""
    with database.transaction() as connection:
        key = _key(connection, slide_id, "tissue_key")
    return _answer(lambda: objects.get(key), key, known, "image/png")


def _key(connection: Connection, slide_id: int, column: str) -> str:
    slide: Row = get_slide(connection, slide_id)
    key: str | None = slide[column] if slide["state"] == SlideState.READY else None
    if key is None:
        raise SlideNotReady(f"{slide['name']} is {slide['state']}, and has no such picture")
    return key


def _answer(make: Callable[[], bytes], content: str, known: str, media_type: str) -> Response:
    return answer_picture(make, tag=tag_of(content), known=known, media_type=media_type, keep=ASKED_AGAIN)

"""Pictures of the gallery, which browsers keep for good: an image is named by its digest, a class map by its job."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request, Response

from pantile.catalog.galleries import find_image, find_map
from pantile.catalog.tiles import TiledImage, UntiledRoi
from pantile.domain.deep_zoom import TilePlace
from pantile.domain.errors import TileNotFound, TilesAwaited
from pantile.domain.legends import LegendPalette
from pantile.web.gallery_pictures import Pictures, PictureSize
from pantile.web.given import GivenDatabase, JobPath
from pantile.web.kept import GivenTiles, KnownTag, LevelPath, PlacePath, answer_picture, tag_of

router = APIRouter(prefix="/gallery", include_in_schema=False)

DigestPath = Annotated[str, Path(pattern="^[0-9a-f]{64}$")]


async def _pictures(request: Request) -> Pictures:
    pictures: Pictures = request.app.state.pictures
    return pictures


GivenPictures = Annotated[Pictures, Depends(_pictures)]


@router.get("/images/{sha256}/{size}.jpg")
def give_image(
    sha256: DigestPath, size: PictureSize, *, database: GivenDatabase, pictures: GivenPictures, known: KnownTag = ""
) -> Response:
    """An ROI's image; 503 while its pyramid is being made."""
    with database.transaction() as connection:
        image = _tiled(find_image(connection, sha256))
    return answer_picture(
        lambda: pictures.image(image, size), tag=tag_of(f"{sha256} {size}"), known=known, media_type="image/jpeg"
    )


@router.get("/images/{sha256}/{level}/{column}_{row}.jpg")
def give_image_tile(
    sha256: DigestPath,
    level: LevelPath,
    column: PlacePath,
    row: PlacePath,
    *,
    database: GivenDatabase,
    tiles: GivenTiles,
    known: KnownTag = "",
) -> Response:
    """A deep-zoom tile of an ROI's image; 503 while its pyramid is being made."""
    place = TilePlace(level=level, column=column, row=row)
    with database.transaction() as connection:
        image = _tiled(find_image(connection, sha256))
    return answer_picture(
        lambda: tiles.image_tile(image, place), tag=tag_of(f"{sha256} {place}"), known=known, media_type="image/jpeg"
    )


def _tiled(image: TiledImage | UntiledRoi) -> TiledImage:
    if isinstance(image, UntiledRoi):
        raise TileNotFound("its tiles could not be made") if image.has_failed else TilesAwaited
    return image


@router.get("/class-maps/{job_id}/{palette}-{size}.png")
def give_class_map(
    job_id: JobPath,
    palette: LegendPalette,
    size: PictureSize,
    *,
    database: GivenDatabase,
    pictures: GivenPictures,
    known: KnownTag = "",
) -> Response:
    """A job's class map in a palette, clear where there is background."""
    with database.transaction() as connection:
        shown = find_map(connection, job_id)
    return answer_picture(
        lambda: pictures.class_map(shown, palette, size),
        tag=tag_of(f"{shown.sha256} {shown.card} {palette} {size}"),
        known=known,
        media_type="image/png",
    )

"""Placings over the API: what the page of a slide shows, saves, and has cut out."""

from dataclasses import asdict

from fastapi import APIRouter, Response

from pantile.catalog import placings, slide_pyramids, slides
from pantile.catalog.database import Connection, Row
from pantile.catalog.placings import Placing
from pantile.coordinator.placings import cut_out
from pantile.domain.access import Scope
from pantile.domain.placings import PlacedRectangle, placing_of
from pantile.domain.slides import Rectangle, SlideState, roi_size_px
from pantile.schemas.placings import (
    CutOutAnswer,
    PlacedRectangleIn,
    PlacedRectangleOut,
    PlacingConflictProblem,
    PlacingIn,
    PlacingOut,
    PlacingPage,
    SizeOut,
)
from pantile.schemas.readings import TileSource
from pantile.web.errors import problems
from pantile.web.given import GivenActor, GivenDatabase, GivenVisitor, SeenVersion, SlidePath, version_number
from pantile.web.slide_answers import placed_rois

router = APIRouter(prefix="/slides/{slide_id}", tags=["slides"])

_CHANGE = {**problems(404, 409), 412: {**problems(412)[412], "model": PlacingConflictProblem}}


@router.get("/placing", summary="Show what is placed on a slide", responses=problems(404))
def show_placing(
    slide_id: SlidePath, response: Response, visitor: GivenVisitor, database: GivenDatabase
) -> PlacingPage:
    """A slide with its rectangles, first guess, pictures and ROIs.

    Its pyramid is asked for, and that of the next slide on which nothing is placed, so that it is there in time.
    """
    with database.transaction() as connection:
        slide = slides.get_slide(connection, slide_id)
        placing = placings.find_placing(connection, slide_id)
        following = placings.find_unplaced(connection, slide_id)
        slide_pyramids.want_slide_pyramids(connection, [each for each in (slide_id, following) if each is not None])
        pyramid = slide_pyramids.find_slide_pyramid(connection, slide_id)
        places = slides.list_places(connection, slide)
    response.headers["ETag"] = f'"v{placing.version}"'
    guesses = placing_of([Rectangle(**guess) for guess in slide["guesses"]])
    return PlacingPage(
        **{name: slide[name] for name in _COPIED},
        case=slide["case_id"],
        **_pictures(slide, pyramid),
        study_size=_study_size(slide),
        guesses=[_rectangle_out(each) for each in guesses],
        placing=_placing_out(placing),
        rois=placed_rois(places),
        may_place=Scope.SUBMIT in visitor.scopes,
        next=following,
    )


_COPIED = ("id", "cohort", "name", "state", "error", "mpp", "width_px", "height_px", "tissue_fraction")


def _study_size(slide: Row) -> SizeOut | None:
    if slide["mpp"] is None:
        return None
    width_px, height_px = roi_size_px(slide["mpp"])
    return SizeOut(width_px=width_px, height_px=height_px)


def _pictures(slide: Row, pyramid: Row | None) -> dict[str, object]:
    is_ready = slide["state"] == SlideState.READY
    own = f"/slides/{slide['id']}"
    tiles = _tile_source(own, pyramid) if pyramid is not None and pyramid["object_key"] else None
    error = pyramid["error"] if pyramid is not None and tiles is None else None
    return {
        "overview_url": f"{own}/overview.jpg" if is_ready else None,
        "tissue_url": f"{own}/tissue.png" if is_ready and slide["tissue_key"] else None,
        "tiles": tiles,
        "downsample": pyramid["downsample"] if tiles and pyramid else None,
        "tiles_state": "ready" if tiles else "failed" if error else "making",
        "tiles_error": error,
    }


def _tile_source(own: str, pyramid: Row) -> TileSource:
    return TileSource(
        url=f"{own}/tiles",
        format="jpg",
        tile_px=pyramid["tile_px"],
        overlap=pyramid["overlap_px"],
        width_px=pyramid["width_px"],
        height_px=pyramid["height_px"],
        levels=pyramid["levels"],
    )


@router.put("/placing", summary="Place rectangles on a slide", responses=_CHANGE)
def save_placing(
    slide_id: SlidePath,
    wanted: PlacingIn,
    version: SeenVersion,
    response: Response,
    actor: GivenActor,
    database: GivenDatabase,
) -> PlacingOut:
    """Places these rectangles and no others, if what lies there is still the version that was seen."""
    rectangles = [_placed(each) for each in wanted.rectangles]
    with database.transaction() as connection:
        saved = placings.save_placing(connection, slide_id, rectangles, version=version_number(version), actor=actor)
    response.headers["ETag"] = f'"v{saved.version}"'
    return _placing_out(saved)


@router.post("/placing/cut", status_code=201, summary="Cut out what is placed on a slide", responses=_CHANGE)
def cut(slide_id: SlidePath, version: SeenVersion, actor: GivenActor, database: GivenDatabase) -> CutOutAnswer:
    """Has the rectangles cut out, and segmented by the cohort's segmenters; the same again adds nothing.

    One that was moved since it was cut out becomes a further ROI.
    """
    with database.transaction() as connection:
        done = cut_out(connection, slide_id, version=version_number(version), actor=actor)
        places = _places(connection, slide_id)
    return CutOutAnswer(**asdict(done), rois=placed_rois(places))


def _places(connection: Connection, slide_id: int) -> list[Row]:
    return slides.list_places(connection, slides.get_slide(connection, slide_id))


@router.post("/pyramid", status_code=204, summary="Have a slide's pyramid made", responses=problems(404, 409))
def ask_pyramid(slide_id: SlidePath, actor: GivenActor, database: GivenDatabase) -> None:
    """Asks for a slide's pyramid, once more where it could not be made."""
    with database.transaction() as connection:
        slide_pyramids.ask_slide_pyramid(connection, slide_id, actor=actor)


def _placed(wanted: PlacedRectangleIn) -> PlacedRectangle:
    sizes = wanted.model_dump(exclude={"tissue_type"})
    return PlacedRectangle(tissue_type=wanted.tissue_type, rectangle=Rectangle(**sizes))


def _rectangle_out(placed: PlacedRectangle) -> PlacedRectangleOut:
    return PlacedRectangleOut(**placed.document())


def _placing_out(placing: Placing) -> PlacingOut:
    return PlacingOut(
        version=placing.version,
        rectangles=[_rectangle_out(each) for each in placing.rectangles],
        is_cut=placing.is_cut,
        placed_by=placing.placed_by,
        placed_at=placing.placed_at,
    )

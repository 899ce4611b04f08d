"""Slides: added to a cohort, looked at, and cut into ROIs."""

from pathlib import PurePosixPath
from typing import Annotated
from urllib.parse import unquote, urlsplit

from fastapi import APIRouter, Query

from pantile.catalog import slides
from pantile.catalog.cohorts import find_cohort
from pantile.catalog.database import Row
from pantile.catalog.slides import NewSlide
from pantile.coordinator.slides import add_slides, place_rois, place_whole
from pantile.domain.access import Scope, Visitor
from pantile.domain.barcodes import parse_barcode
from pantile.domain.errors import NotAllowed, SlideRefused
from pantile.domain.rois import RoiKey
from pantile.domain.settings_asked import SettingsAsked
from pantile.domain.slides import Place, Rectangle
from pantile.objects import ObjectStore
from pantile.schemas.slides import (
    PlacesAdded,
    PlacesIn,
    RectangleOut,
    SlideIn,
    SlideOut,
    SlidePage,
    SlidesAdded,
    SlideShown,
    SlidesIn,
)
from pantile.web.errors import problems
from pantile.web.given import (
    After,
    CohortPath,
    GivenActor,
    GivenDatabase,
    GivenObjects,
    GivenSettings,
    GivenVisitor,
    SlidePath,
)
from pantile.web.slide_answers import placed_rois

router = APIRouter(tags=["slides"])


@router.post(
    "/cohorts/{cohort}/slides", status_code=201, summary="Add slides to a cohort", responses=problems(404, 409)
)
def add(
    cohort: CohortPath,
    wanted: SlidesIn,
    visitor: GivenVisitor,
    actor: GivenActor,
    database: GivenDatabase,
    settings: GivenSettings,
) -> SlidesAdded:
    """Has slides looked into by imaging workers; a cohort of that name is made if there is none.

    Sources are s3:// and http(s):// addresses, or paths that mean the same to every imaging worker; the latter take
    the scope `operate`. A slide that was refused can be added again, with an mpp or another source.
    """
    new = [_new_slide(slide, visitor) for slide in wanted.slides]
    if len({slide.name for slide in new}) < len(new):
        raise SlideRefused("two of them have one name; give them a `name` each")
    cohort_id, added = add_slides(
        database,
        cohort,
        new,
        segmenter_names=wanted.segmenters,
        settings=SettingsAsked(**wanted.settings.model_dump()),
        max_attempts=settings.max_attempts,
        actor=actor,
    )
    return SlidesAdded(cohort_id=cohort_id, cohort=cohort, added=added, present=len(new) - added)


def _new_slide(slide: SlideIn, visitor: Visitor) -> NewSlide:
    is_address = slide.source.lower().startswith(("s3://", "http://", "https://"))
    if not is_address and "://" in slide.source:
        raise SlideRefused(f"{slide.source[:200]} is no s3://, http:// or https:// address")
    if not is_address and Scope.OPERATE not in visitor.scopes:
        raise NotAllowed("slides on the workers' own disks take the scope operate")
    path = unquote(urlsplit(slide.source).path) if is_address else slide.source
    name = slide.name or PurePosixPath(path).stem
    texts = (slide.source, name, slide.case or "")
    if not name or not all(text.isprintable() for text in texts):
        raise SlideRefused("its name cannot be shown")
    barcode = parse_barcode(name)
    case = slide.case or (barcode.case if barcode else name)
    return NewSlide(name=name, case=case, source=slide.source, mpp=slide.mpp)


@router.get("/cohorts/{cohort}/slides", summary="List a cohort's slides", responses=problems(404))
def list_slides(
    cohort: CohortPath,
    database: GivenDatabase,
    objects: GivenObjects,
    settings: GivenSettings,
    after: After = 0,
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
) -> SlidePage:
    """Slides by ascending id, with the places where the study's two ROIs might go."""
    with database.transaction() as connection:
        found = slides.list_slides(connection, find_cohort(connection, cohort).id, after=after, limit=limit + 1)
    page = found[:limit]
    return SlidePage(
        slides=[SlideOut(**_facts(row, objects, expires_s=settings.presign_s)) for row in page],
        next=page[-1]["id"] if len(found) > limit else None,
    )


@router.get("/slides/{slide_id}", summary="Show a slide", responses=problems(404))
def show(slide_id: SlidePath, database: GivenDatabase, objects: GivenObjects, settings: GivenSettings) -> SlideShown:
    """A slide with the ROIs that were cut out of it."""
    with database.transaction() as connection:
        slide = slides.get_slide(connection, slide_id)
        placed = slides.list_places(connection, slide)
    return SlideShown(
        **_facts(slide, objects, expires_s=settings.presign_s),
        rois=placed_rois(placed),
    )


@router.post(
    "/slides/{slide_id}/rois", status_code=201, summary="Cut ROIs out of a slide", responses=problems(404, 409)
)
def place(slide_id: SlidePath, wanted: PlacesIn, actor: GivenActor, database: GivenDatabase) -> PlacesAdded:
    """Has ROIs cut out of a slide, and segmented by its cohort's segmenters; the same places again add nothing.

    What reaches beyond the slide is white.
    """
    with database.transaction() as connection:
        slide = slides.get_slide(connection, slide_id)
        placed = [
            (
                RoiKey(slide=slide["name"], tissue_type=roi.tissue_type, roi_number=roi.roi_number),
                Place(
                    slide_id=slide_id,
                    rectangle=Rectangle(
                        left_px=roi.left_px, top_px=roi.top_px, width_px=roi.width_px, height_px=roi.height_px
                    ),
                    is_lossless=wanted.lossless,
                ),
            )
            for roi in wanted.rois
        ]
        if len({key for key, _ in placed}) < len(placed):
            raise SlideRefused("two ROIs have one tissue type and roi_number")
        counts = place_rois(connection, slide, placed, actor=actor)
    return PlacesAdded(added=counts.added, present=counts.present)


@router.post("/slides/{slide_id}/whole", status_code=201, summary="Segment a whole slide", responses=problems(404, 409))
def place_whole_slide(slide_id: SlidePath, actor: GivenActor, database: GivenDatabase) -> PlacesAdded:
    """Makes an ROI of a whole slide, to be segmented by its cohort's segmenters where there is tissue.

    Its class maps are pyramidal TIFFs. The same again adds nothing.
    """
    with database.transaction() as connection:
        counts = place_whole(connection, slides.get_slide(connection, slide_id), actor=actor)
    return PlacesAdded(added=counts.added, present=counts.present)


def _facts(row: Row, objects: ObjectStore, *, expires_s: int) -> dict[str, object]:
    key = row["overview_key"]
    return {
        **{name: row[name] for name in SlideOut.model_fields if name in row},
        "case": row["case_id"],
        "guesses": [RectangleOut(**guess) for guess in row["guesses"]],
        "overview_url": objects.presign_get(key, expires_s=expires_s) if key else None,
    }

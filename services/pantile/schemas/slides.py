"""Slides, and the ROIs that are cut out of them."""

from typing import Annotated

from pydantic import Field, StrictBool, StrictFloat, StrictInt

from pantile.domain.cohorts import MAX_ROI_NUMBER
from pantile.domain.rois import MAX_MPP, MIN_MPP, TissueType
from pantile.domain.slides import SlideState
from pantile.schemas.rois import QualityOut
from pantile.schemas.settings import SettingsIn
from pantile.schemas.shapes import Ask, Shape

_FARTHEST_PX = 10_000_000
_LONGEST_PX = 100_000

MAX_SLIDES = 10_000
MAX_PLACES = 1_000

Offset = Annotated[StrictInt, Field(ge=-_FARTHEST_PX, le=_FARTHEST_PX)]
Length = Annotated[StrictInt, Field(ge=1, le=_LONGEST_PX)]


class SlideIn(Ask):
    """A slide: where imaging workers find its file, and what the name and the file do not say."""

    source: str = Field(min_length=1, max_length=2048, examples=["s3://slides/TCGA-A2-A0D2-01Z-00-DX1.svs"])
    name: str | None = Field(None, min_length=1, max_length=200, description="Absent: the file's, without its ending.")
    case: str | None = Field(None, min_length=1, max_length=200, description="Absent: read from the name.")
    mpp: StrictFloat | None = Field(None, ge=MIN_MPP, le=MAX_MPP, description="Absent: what the file says.")


class SlidesIn(Ask):
    """Slides to be added to a cohort, and the segmenters that its ROIs shall be segmented by."""

    segmenters: list[str] = Field(default=[], max_length=100, description="None: all registered.")
    settings: SettingsIn = SettingsIn()
    slides: list[SlideIn] = Field(min_length=1, max_length=MAX_SLIDES)


class SlidesAdded(Shape):
    """How many slides were added, or given another source, and how many were there already."""

    cohort_id: int
    cohort: str
    added: int
    present: int


class RectangleOut(Shape):
    """A place on a slide, in pixels of its finest level."""

    left_px: int
    top_px: int
    width_px: int
    height_px: int


class SlideOut(Shape):
    """A slide. While it waits to be looked into, most of it is not known; `overview_url` is valid for an hour."""

    id: int
    cohort: str
    name: str
    case: str
    source: str
    state: SlideState
    mpp: float | None
    width_px: int | None
    height_px: int | None
    levels: int | None
    vendor: str | None
    magnification: float | None
    scanner: str | None
    tissue_fraction: float | None = Field(description="Of the overview's area.")
    guesses: list[RectangleOut] = Field(description="Places of the study's size with the most tissue, best first.")
    overview_url: str | None
    error: str | None


class SlidePage(Shape):
    """Slides by ascending id; `next` continues the list."""

    slides: list[SlideOut]
    next: int | None = None


class PlaceIn(Ask):
    """An ROI to be cut out of a slide."""

    left_px: Offset
    top_px: Offset
    width_px: Length
    height_px: Length
    tissue_type: TissueType = TissueType.TUMOR
    roi_number: StrictInt = Field(1, ge=1, le=MAX_ROI_NUMBER)


class PlacesIn(Ask):
    """ROIs to be cut out of a slide, as JPEG of quality 80, or without loss."""

    rois: list[PlaceIn] = Field(min_length=1, max_length=MAX_PLACES)
    lossless: StrictBool = Field(False, description="PNG, where nothing may be lost.")


class PlacesAdded(Shape):
    """How many ROIs were added, and how many were there already, at just these places."""

    added: int
    present: int


class PlacedRoi(Shape):
    """An ROI of a slide, and where it lies."""

    roi: str
    tissue_type: TissueType
    roi_number: int
    place: RectangleOut
    state: str
    error: str | None
    quality: QualityOut | None = Field(None, description="None before it is measured.")


class SlideShown(SlideOut):
    """One slide with the ROIs that were cut out of it."""

    rois: list[PlacedRoi]

"""Work done elsewhere: ROIs, segmenters without weights, and their class maps."""

from typing import Annotated

from pydantic import Field, StrictFloat, StrictInt

from pantile.domain.cohorts import MAX_ROI_NUMBER
from pantile.domain.rois import MAX_MPP, MIN_MPP, TissueType
from pantile.schemas.shapes import MAX_BIGINT, Ask, Sha256, Shape

_Text = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00]*$")]


class ImportedRoi(Ask):
    """An ROI whose image will be uploaded."""

    path: str = Field(min_length=1, max_length=2048, pattern=r"^[^\x00]*$", description="The image's file name.")
    case: _Text
    slide: _Text
    tissue_type: TissueType
    roi_number: StrictInt = Field(1, ge=1, le=MAX_ROI_NUMBER)
    mpp: StrictFloat = Field(ge=MIN_MPP, le=MAX_MPP)
    sha256: Sha256
    bytes: StrictInt = Field(ge=1, le=MAX_BIGINT)


class ImportedRois(Ask):
    """ROIs of one cohort, which is made where it is not there."""

    cohort: str = Field(min_length=1, max_length=100)
    rois: list[ImportedRoi] = Field(min_length=1, max_length=1000)


class RoisImported(Shape):
    """How many ROIs were added, and how many were there."""

    added: int
    present: int


class ImportedSegmenterIn(Ask):
    """The card of a segmenter whose class maps are imported."""

    card: str = Field(max_length=200_000)


class ImportedMapIn(Ask):
    """An uploaded class map."""

    roi: Annotated[str, Field(min_length=1, max_length=500, pattern=r"^[^\x00]*$")]
    sha256: Sha256
    class_pixels: list[Annotated[StrictInt, Field(ge=0, le=MAX_BIGINT)]] = Field(
        min_length=1, max_length=256, description="Pixels by class index, 0 first."
    )


class ImportedMapsIn(Ask):
    """Class maps of one segmenter, as `name@version`."""

    segmenter: _Text
    maps: list[ImportedMapIn] = Field(min_length=1, max_length=200)


class MapsImported(Shape):
    """How many class maps are new."""

    added: int

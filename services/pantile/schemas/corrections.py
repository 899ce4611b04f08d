"""Class maps handed out to be corrected, and what came back."""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from pantile.domain.rois import TissueType
from pantile.schemas.shapes import Ask, Shape

MOST_ROIS = 50

Name = Annotated[str, Field(min_length=1, max_length=500, pattern=r"^[^\x00]*$")]


class PreannotationIn(Ask):
    """The segmenter whose class maps shall be corrected."""

    segmenter: Name = Field(examples=["lung"])


class PreannotationOut(Shape):
    """How many ROIs have their pre-annotation, how many of them newly, and how many class maps are to come."""

    segmenter: str
    ready: int
    new: int
    waiting: int


class CorrectionsIn(Ask):
    """ROIs, by name, whose corrected class maps were added as ground truth."""

    rois: list[Name] = Field(min_length=1, max_length=MOST_ROIS)


class CorrectionsTaken(Shape):
    """ROIs whose correction was compared, and those without a pre-annotation or ground truth."""

    compared: list[str]
    unknown: list[str]


class ClassEffortOut(Shape):
    """A class's pixels before and after, and in both."""

    index: int
    name: str
    before: int
    after: int
    kept: int


class CorrectionOut(Shape):
    """A pre-annotation of an ROI; what follows `returned_at` is None until it is back."""

    roi: str
    slide: str
    case: str
    tissue_type: TissueType
    job_id: int
    segmenter: str
    segmenter_version: str
    handed_by: str
    handed_at: datetime
    returned_by: str | None
    returned_at: datetime | None
    pixels: int | None
    changed: int | None = Field(description="Pixels whose class is another one now.")
    classes: list[ClassEffortOut] | None


class CorrectionPage(Shape):
    """Pre-annotations by ROI; `next` continues the list."""

    corrections: list[CorrectionOut]
    next: int | None = None

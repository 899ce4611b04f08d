"""A cohort's class maps and their overlays."""

from typing import Literal

from pydantic import Field

from pantile.domain.rois import TissueType
from pantile.domain.segmenters import Mode, Precision, Stitching
from pantile.schemas.class_maps import ClassMapOut
from pantile.schemas.rois import QualityOut
from pantile.schemas.shapes import Shape
from pantile.schemas.slides import RectangleOut


class ImageOut(Shape):
    """An ROI's image; `url` is valid for an hour, None for a whole slide, whose file stays where it is."""

    url: str | None
    sha256: str
    width_px: int
    height_px: int
    format: str = Field(description="What its file ends with, as jpg.")
    quality: QualityOut | None = Field(None, description="None where it was not measured.")


class ResultOut(Shape):
    """One class map of a cohort. `overlay` says whether its picture is there, under way, failed or not asked for."""

    roi: str
    slide: str
    case: str
    tissue_type: TissueType
    roi_number: int
    roi_mpp: float
    image: ImageOut
    place: RectangleOut | None = Field(None, description="Where it lies, if it was cut out of a slide.")
    job_id: int
    segmenter: str
    segmenter_version: str
    mode: Mode = Mode.FAST
    stitching: Stitching = Stitching.CENTRE
    precision: Precision = Precision.FLOAT32
    class_map: ClassMapOut
    overlay: Literal["none", "waiting", "ready", "failed"]
    overlay_url: str | None


class ResultPage(Shape):
    """A cohort's class maps by ROI and segmenter; `next` continues the list."""

    results: list[ResultOut]
    next: str | None = None


class OverlaysAsked(Shape):
    """How many overlays were asked for that were neither there nor under way."""

    asked: int

"""A cohort's ROIs, and the quality of their images."""

from enum import StrEnum

from pydantic import Field

from pantile.domain.quality import Flag
from pantile.domain.rois import TissueType
from pantile.schemas.shapes import Shape


class RoiState(StrEnum):
    """Where an ROI's image stands: to be uploaded, on its way, in the bucket, of no use, or removed for good."""

    AWAITING = "awaiting"
    ARRIVING = "arriving"
    STORED = "stored"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


class QualityOut(Shape):
    """The quality of an ROI's image at 1.0 mpp. Nothing is dropped for it."""

    tissue: float = Field(description="Share of tissue, 0 to 1.")
    sharpness: float | None = Field(description="Variance of the Laplacian over tissue; None where there is none.")
    pen: float = Field(description="Share of pen.")
    black: float = Field(description="Share of black.")
    flags: list[Flag] = Field(description="What is unusual.")


class RoiOut(Shape):
    """One ROI of a cohort. Its image's size and quality are known once it is stored."""

    id: int
    roi: str
    slide: str
    case: str
    tissue_type: TissueType
    roi_number: int
    mpp: float
    source: str
    state: RoiState
    error: str | None
    width_px: int | None
    height_px: int | None
    quality: QualityOut | None


class RoiPage(Shape):
    """ROIs by ascending id; `next` continues the list."""

    rois: list[RoiOut]
    next: int | None = None

"""A cohort's ROIs in the order in which they are worth a look."""

from pydantic import Field

from pantile.domain.review import Comparison
from pantile.domain.rois import TissueType
from pantile.schemas.shapes import Shape


class ReviewedRoi(Shape):
    """An ROI to be reviewed, with what is known of its class maps: of each segmenter the newest one."""

    roi: str
    slide: str
    case: str
    tissue_type: TissueType
    roi_number: int
    segmenters: list[str] = Field(description="Those whose class maps are there.")
    comparison: Comparison = Field(description="Whether `disagreement` is known, or why not.")
    disagreement: float | None = Field(
        description="How likely two segmenters differ at a random place of the tissue: tumor, tumor stroma or neither."
    )
    mean_confidence: float | None = Field(
        description="The mean of those that are known; None where none was asked for."
    )
    error: str | None = Field(description="Why the comparison failed.")


class ReviewPage(Shape):
    """A cohort's ROIs, those to be reviewed first at the top; `next` continues the list."""

    rois: list[ReviewedRoi]
    comparisons: dict[Comparison, int] = Field(description="All ROIs of the cohort, by where their comparison stands.")
    rois_with_confidence: int
    next: str | None = None


class ComparisonsAsked(Shape):
    """How many ROIs are going to be compared that were neither compared nor under way."""

    asked: int

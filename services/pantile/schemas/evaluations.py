"""Class maps against ground truth: Dice under both protocols of the study, and what goes with it."""

from datetime import datetime

from pydantic import Field

from pantile.domain.dice import DiceProtocol
from pantile.domain.dice_remaps import RemapOrigin
from pantile.domain.rois import TissueType
from pantile.domain.segmenters import Mode, Stitching
from pantile.schemas.shapes import Shape


class ClassFiguresOut(Shape):
    """One target's overlap and outlines. Areas are those that take part in the protocol."""

    target: str = Field(description="tumor or tumor_stroma.")
    label: str = Field(description="The target in words; benign in prostate cohorts under published-code.")
    dice: float
    iou: float
    truth_mm2: float
    predicted_mm2: float
    hausdorff_95_um: float | None = Field(description="None where only one of the two has the class.")
    surface_dice: float


class ProtocolFigures(Shape):
    """A class map's figures under one protocol, with the scheme and remaps that gave them."""

    overall: float | None = Field(description="The mean Dice of the classes that are in the truth.")
    classes: list[ClassFiguresOut]
    confusion: list[list[int]] = Field(
        description="Pixels by true (rows) and predicted target: background, tumor, tumor stroma."
    )
    known_pixels: int
    surface_tolerance_um: float
    scheme: str
    truth_remap: dict[int, int]
    predicted_remap: dict[int, int]
    remap_origin: RemapOrigin = Field(description="Whether the study states the remap, or it is inferred.")
    evaluated_at: datetime


class EvaluationOut(Shape):
    """One class map against its ROI's ground truth."""

    roi: str
    slide: str
    case: str
    tissue_type: TissueType
    roi_number: int
    job_id: int
    segmenter: str
    segmenter_version: str
    mode: Mode
    stitching: Stitching
    protocols: dict[DiceProtocol, ProtocolFigures]


class DiceTotal(Shape):
    """Mean and standard deviation (n - 1) of overall Dice, of a segmenter or of all (`segmenter` None)."""

    protocol: DiceProtocol
    segmenter: str | None
    n: int
    mean: float | None
    sd: float | None
    is_stated: bool = Field(description="Whether every remap behind it is the study's own. False: some were inferred.")


class EvaluationCounts(Shape):
    """A cohort's ROIs with ground truth, by how their evaluation stands."""

    truths: int
    evaluated: int
    under_way: int
    failed: int
    without_class_map: int
    error: str | None = Field(description="Why one of those that failed did.")


class EvaluationPage(Shape):
    """A cohort's evaluations by ROI and job; `next` continues the list."""

    evaluations: list[EvaluationOut]
    totals: list[DiceTotal] = Field(
        description="Of the whole cohort: of each segmenter its newest class map of an ROI."
    )
    counts: EvaluationCounts
    next: str | None = None

"""Ground truth: uploaded, named after ROIs, listed."""

from datetime import datetime
from typing import Annotated

from pydantic import BeforeValidator, Field, StrictBool, StrictInt

from pantile.domain.dice import Target
from pantile.domain.jobs import JobState
from pantile.schemas.shapes import Ask, Sha256, Shape

MOST_FILES = 200

FileName = Annotated[str, Field(min_length=1, max_length=500, pattern=r"^[^\x00]*$")]


class TruthFileIn(Ask):
    """A file of ground truth by its digest."""

    sha256: Sha256
    bytes: StrictInt = Field(ge=1, le=2**40)


class TruthFilesIn(Ask):
    """Files of ground truth that are going to be uploaded."""

    files: list[TruthFileIn] = Field(min_length=1, max_length=MOST_FILES)


class TruthUpload(Shape):
    """Where to PUT a file; `url` is None where it is kept already."""

    sha256: str
    url: str | None


class TruthUploads(Shape):
    """Where to PUT files, in the order in which they were named."""

    uploads: list[TruthUpload]


def _check_whole(value: object) -> object:
    """An enum of numbers would take 1.0, "1" and true for 1. Commands give targets themselves."""
    if type(value) is not int and not isinstance(value, Target):
        raise ValueError("it is no whole number")
    return value


GivenTarget = Annotated[Target, BeforeValidator(_check_whole)]


class TruthClassIn(Ask):
    """A class of ground truth, and its target under each protocol.

    Targets are 0 background, 1 tumor, 2 tumor stroma, 255 ignored.
    """

    index: StrictInt = Field(ge=0, le=255)
    name: str = Field(min_length=1, max_length=200)
    article: GivenTarget
    published_code: GivenTarget


class TruthSchemeIn(Ask):
    """What the indices of ground truth mean; with `is_open` an index that is not named is background."""

    name: str = Field(min_length=1, max_length=200)
    classes: list[TruthClassIn] = Field(min_length=1, max_length=256)
    is_open: StrictBool = False


class TruthMapIn(Ask):
    """A file of ground truth that was uploaded, by the name that says whose it is."""

    file: FileName
    sha256: Sha256


class GroundTruthIn(Ask):
    """Ground truth for ROIs of a cohort, all of one scheme."""

    maps: list[TruthMapIn] = Field(min_length=1, max_length=MOST_FILES)
    scheme: TruthSchemeIn
    replace: StrictBool = Field(False, description="Take the place of other ground truth of an ROI.")


class GroundTruthAdded(Shape):
    """The ROIs whose ground truth was added, replaced, or was there already."""

    added: list[str]
    replaced: list[str]
    unchanged: list[str]
    other: list[str] = Field(description="ROIs that have other ground truth, which `replace` would replace.")
    unknown: list[str] = Field(description="Files that are named after no ROI of the cohort; they were passed over.")


class GroundTruthOut(Shape):
    """An ROI's ground truth, and how its evaluation stands."""

    roi: str
    slide: str
    case: str
    roi_number: int
    file: str
    sha256: str
    width_px: int
    height_px: int
    scheme: str
    added_by: str
    added_at: datetime
    evaluation: JobState | None = Field(description="None while no class map of the ROI was to be evaluated.")
    evaluated: int = Field(description="Class maps that were evaluated.")
    error: str | None = Field(description="Why the evaluation failed.")


class GroundTruthPage(Shape):
    """A cohort's ground truth by ascending ROI id; `next` continues the list."""

    ground_truth: list[GroundTruthOut]
    next: int | None = None


class GroundTruthRemoved(Shape):
    """The ROI that has no ground truth any more."""

    roi: str

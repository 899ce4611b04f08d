"""The shapes of assigning: what is asked for, what was chosen, and what went from one rater to another."""

from typing import Annotated, Self

from pydantic import ConfigDict, Field, StrictBool, StrictInt, model_validator

from pantile.domain.readings import Purpose
from pantile.domain.rois import TissueType
from pantile.domain.studies import MAX_SEED
from pantile.domain.study_plans import Band
from pantile.schemas.shapes import Ask, Shape

_Account = Annotated[str, Field(max_length=100, pattern=r"^[^\x00]*$", examples=["jane"])]
_Count = Annotated[StrictInt, Field(ge=1, le=1_000_000)]


class AssignIn(Ask):
    """Cases for a rater: all of the purpose's ROIs, `n` of them in proportion to the strata, or so many a stratum."""

    rater: _Account
    purpose: Purpose = Purpose.PRIMARY
    cohorts: list[Annotated[str, Field(max_length=100, pattern=r"^[^\x00]*$")]] = Field(
        default=[], max_length=1000, description="None: all."
    )
    tissue_types: list[TissueType] = Field(default=[], max_length=2, description="None: both.")
    n: _Count | None = Field(None, description="How many ROIs in all.")
    n_per_stratum: _Count | None = Field(None, description="How many ROIs of each stratum, where there are so many.")
    seed: StrictInt | None = Field(None, ge=0, le=MAX_SEED, description="None: the study's. The same draws the same.")
    round: StrictInt | None = Field(None, ge=1, le=100, description="Of repeats, 2 or later.")
    dry_run: StrictBool = Field(False, description="Only tell what would be assigned.")

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.n is not None and self.n_per_stratum is not None:
            raise ValueError("n and n_per_stratum exclude each other")
        if self.round is not None and (self.purpose is Purpose.REPEAT) != (self.round > 1):
            raise ValueError("repeats are read in round 2 or later, and all else in round 1")
        return self


class StratumOut(Shape):
    """How many ROIs a stratum has, and how many were chosen."""

    cohort: str
    tissue_type: TissueType
    band: Band = Field(description="Of the mean score that the ROI's outputs got at first.")
    available: int
    chosen: int


class PlannedCaseOut(Shape):
    """A case with its place in the rater's order, and the numbers of the segmenters in its panes from A."""

    position: int
    roi: str
    cohort: str
    tissue_type: TissueType
    panes: list[int]


class AssignOut(Shape):
    """What was assigned, or would be."""

    assigned: int
    already: int = Field(description="Chosen ROIs that the rater has already.")
    dry_run: bool
    strata: list[StratumOut]
    cases: list[PlannedCaseOut] = Field(description="The first of them.")


class ReassignIn(Ask):
    """Whose cases go to whom."""

    model_config = ConfigDict(extra="forbid", frozen=True, serialize_by_alias=True)

    giver: _Account = Field(alias="from")
    taker: _Account = Field(alias="to")


class ReassignOut(Shape):
    """How many cases went over, and how many stayed, since their taker has the ROI already."""

    moved: int
    kept: int


class ReleaseIn(Ask):
    """Who gives back the cases that they have not begun."""

    rater: _Account


class ReleaseOut(Shape):
    """How many cases were given back."""

    released: int

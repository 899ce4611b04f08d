"""Withdrawals of cases, slides and ROIs."""

from typing import Annotated

from pydantic import Field, StrictBool

from pantile.schemas.shapes import Ask, Shape

_NO_NUL = r"^[^\x00]*$"
_SAYS_SOMETHING = r"^[^\x00]*[^\s\x00][^\x00]*$"

Text = Annotated[str, Field(max_length=200, min_length=1, pattern=_NO_NUL)]


class WithdrawalIn(Ask):
    """What is to be withdrawn, and why."""

    name: Text = Field(description="Of a case, a slide or an ROI.", examples=["TCGA-A2-A0D2"])
    cohort: Text | None = Field(None, description="Name or id of the only cohort in which; absent: in all.")
    reason: str = Field(
        min_length=1,
        max_length=2000,
        pattern=_SAYS_SOMETHING,
        description="Stays in the audit log for good: no names of patients.",
        examples=["consent withdrawn on 3 March"],
    )
    dry_run: StrictBool = Field(False, description="Only tell what would go.")


class WithdrawalOut(Shape):
    """What a withdrawal took, or would take; what was withdrawn before is not counted again."""

    name: str
    cohorts: list[str]
    cases: list[str]
    slides: int
    rois: int
    jobs_ended: int
    readings: int = Field(description="Of raters; their scores stay in the history and leave all tables and figures.")
    objects: dict[str, int] = Field(description="Removed, by folder of the bucket.")
    objects_spared: int = Field(description="Something else names them as well.")
    objects_left: int = Field(description="The object store did not answer; the coordinator removes them.")
    dry_run: bool

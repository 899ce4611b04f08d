"""Submitting ROIs."""

from typing import Annotated

from pydantic import FailFast, Field, StrictFloat, StrictInt

from pantile.domain.cohorts import MAX_ROI_NUMBER, MAX_ROWS
from pantile.domain.rois import MAX_MPP, MIN_MPP, TissueType
from pantile.schemas.settings import SettingsIn
from pantile.schemas.shapes import MAX_BIGINT, Ask, Sha256, Shape


class RoiIn(Ask):
    """One ROI of a submission. Give `sha256` and `bytes` of an image that you will upload, neither for an address."""

    path: str = Field(min_length=1, max_length=2048, examples=["s3://study/TCGA-BRCA-A2-A0D2_0.25_tumor_original.jpg"])
    cohort: str | None = Field(None, max_length=100, description="Absent: read from the name.")
    case: str | None = Field(None, max_length=200)
    slide: str | None = Field(None, max_length=200)
    tissue_type: TissueType | None = None
    mpp: StrictFloat | None = Field(None, ge=MIN_MPP, le=MAX_MPP, description="Microns per pixel.")
    roi_number: StrictInt | None = Field(None, ge=1, le=MAX_ROI_NUMBER)
    sha256: Sha256 | None = None
    bytes: StrictInt | None = Field(None, ge=0, le=MAX_BIGINT)


class SubmissionIn(Ask):
    """ROIs to be segmented by segmenters; all of them belong to one cohort or name theirs."""

    cohort: str | None = Field(None, max_length=100, description="The cohort of ROIs that name none.")
    segmenters: list[str] = Field(
        default=[], max_length=100, description="Names, or name@version; none: all registered."
    )
    settings: SettingsIn = SettingsIn()
    # The first wrong ROI is told and not every one: so many errors take more memory than the ROIs.
    rois: Annotated[list[RoiIn], FailFast()] = Field(min_length=1, max_length=MAX_ROWS)


class SubmittedCohort(Shape):
    """What a submission did to one cohort."""

    cohort_id: int
    cohort: str
    segmenters: list[str]
    in_float32: dict[str, str] = Field(
        {}, description="Segmenters that run in float32 though mixed precision was asked for or is usual, and why."
    )
    segmenters_added: int
    rois_added: int
    rois_present: int
    rois_replaced: int
    jobs_added: int
    uploads_awaited: int
    added_nothing: bool


class SubmissionOut(Shape):
    """What a submission did, cohort by cohort."""

    cohorts: list[SubmittedCohort]

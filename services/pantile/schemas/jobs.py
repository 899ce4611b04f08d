"""Jobs and their attempts."""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from pantile.domain.jobs import AttemptOutcome, JobState
from pantile.domain.rois import TissueType
from pantile.schemas.class_maps import ClassMapOut
from pantile.schemas.settings import SettingsOut
from pantile.schemas.shapes import Ask, Shape

_NO_NUL = r"^[^\x00]*$"


class JobListed(Shape):
    """One job: an ROI and a segmenter, with its state."""

    id: int
    state: JobState
    roi: str
    cohort_id: int
    segmenter: str
    segmenter_version: str
    attempt: int
    charged_attempts: int
    max_attempts: int
    error_kind: str | None
    error: str | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


class JobPage(Shape):
    """Jobs by ascending id; `next` continues the list."""

    jobs: list[JobListed]
    next: int | None = None


class AttemptOut(Shape):
    """One attempt at a job."""

    attempt: int
    worker: str
    started_at: datetime
    ended_at: datetime | None
    outcome: AttemptOutcome | None
    error: str | None
    timings: dict[str, float] | None = Field(description="Seconds by stage.")


class JobOut(JobListed):
    """One job with its attempts and what came of it."""

    cohorts: list[str]
    slide: str
    case: str
    tissue_type: TissueType
    roi_mpp: float
    image_sha256: str
    settings: SettingsOut
    worker: str | None
    suspect: bool
    is_paused: bool = Field(description="Its cohorts are paused, so that it is not begun.")
    not_before: datetime = Field(description="When it may be tried next.")
    published_at: datetime | None = Field(description="When the message was sent that asks a worker for it.")
    lease_until: datetime | None = Field(description="Until when its worker holds it, if it goes silent.")
    remedy: str | None = Field(description="What to do about the error.")
    attempts: list[AttemptOut]
    class_map: ClassMapOut | None
    overlay_url: str | None
    links: dict[str, str]


class JobsWanted(Ask):
    """Which jobs to change: those that fit all that is given."""

    cohort: Annotated[str, Field(max_length=100, pattern=_NO_NUL)] | None = Field(None, description="Name or id.")
    segmenter: Annotated[str, Field(max_length=200, pattern=_NO_NUL)] | None = None
    roi: Annotated[str, Field(max_length=500, pattern=_NO_NUL)] | None = None
    cause: Annotated[str, Field(max_length=100, pattern=_NO_NUL)] | None = Field(
        None, description="The `error_kind` of jobs, such as SegmenterBroken."
    )


class JobsChanged(Shape):
    """How many jobs were changed."""

    jobs: int

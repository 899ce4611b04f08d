"""Cohorts and where they stand."""

from datetime import datetime
from typing import Literal

from pydantic import Field

from pantile.domain.cohorts import MAX_PAUSE_REASON, CohortState
from pantile.domain.jobs import JobState
from pantile.domain.quality import Flag
from pantile.schemas.settings import SettingsOut
from pantile.schemas.shapes import Ask, Shape


class SegmenterCounts(Shape):
    """One segmenter's jobs in a cohort, by state, and the engine settings under which the cohort asks for it."""

    segmenter: str
    version: str
    jobs: dict[JobState, int]
    settings: list[SettingsOut] = Field(default=[])


class RefusalOut(Shape):
    """An ROI that cannot be had or used, and why."""

    roi: str
    source: str
    error: str


class EvaluatedJobsOut(Shape):
    """Jobs with a class map on ROIs with ground truth: how many have Dice, wait for it, could not be evaluated."""

    evaluated: int
    waiting: int
    failed: int


class CohortOut(Shape):
    """Where a cohort stands. `jobs_expected` counts ROIs x segmenters, jobs yet to be made included."""

    id: int
    name: str
    state: CohortState
    created_at: datetime
    closed_at: datetime | None
    pause_reason: str | None = Field(None, description="Why the cohort is paused, while it is.")
    rois: dict[Literal["awaiting", "arriving", "stored", "refused", "withdrawn"], int]
    rois_flagged: int = Field(0, description="ROIs of which something is unusual; they are segmented all the same.")
    flags: dict[Flag, int] = Field({}, description="ROIs by flag; one may have several.")
    jobs: dict[JobState, int]
    jobs_expected: int
    segmenters: list[SegmenterCounts]
    rate_per_min: float = Field(description="Jobs that succeeded in the last minute.")
    time_left_s: float | None = Field(description="Seconds to go at that rate; None while it cannot be told.")
    settled: bool = Field(description="Nothing is under way or awaited; evaluations may be.")
    dice: EvaluatedJobsOut = Field(
        EvaluatedJobsOut(evaluated=0, waiting=0, failed=0), description="All 0: no ground truth."
    )
    refusals: list[RefusalOut]


class CohortListed(Shape):
    """A cohort without its counts."""

    id: int
    name: str
    state: CohortState
    created_at: datetime
    closed_at: datetime | None
    pause_reason: str | None = Field(None, description="Why the cohort is paused, while it is.")


class CohortPage(Shape):
    """Cohorts by ascending id; `next` continues the list."""

    cohorts: list[CohortListed]
    next: int | None = None


class Cancelled(Shape):
    """How many jobs a cancellation ended; jobs that another live cohort holds go on."""

    jobs_cancelled: int


class PauseIn(Ask):
    """Why a cohort is paused."""

    reason: str = Field(
        min_length=1,
        max_length=MAX_PAUSE_REASON,
        description="Shown to whoever may see the cohort, while it is paused.",
        examples=["the scanner's files are looked at first"],
    )


class Resumed(Shape):
    """How many jobs of a resumed cohort wait."""

    jobs_waiting: int

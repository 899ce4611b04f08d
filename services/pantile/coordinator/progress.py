"""Progress: where a cohort stands, by state and segmenter, how fast it goes, and when it will be done."""

from dataclasses import dataclass, field

from pantile.catalog import cohorts, evaluations, roi_lists, rois
from pantile.catalog.cohorts import Cohort, CohortSegmenter
from pantile.catalog.database import Connection, Row
from pantile.catalog.roi_lists import FlagCounts
from pantile.domain.cohorts import CohortState
from pantile.domain.jobs import JobState
from pantile.domain.segmenters import EngineSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmenterProgress:
    """One segmenter's jobs in a cohort, by state, and the engine settings under which the cohort asks for it."""

    segmenter: str
    version: str
    jobs: dict[JobState, int]
    settings: tuple[EngineSettings, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """An ROI that cannot be had or used, and why."""

    roi: str
    source: str
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluatedJobs:
    """Jobs with a class map on ROIs with ground truth: those that have Dice, that wait for it, and that failed."""

    evaluated: int
    waiting: int
    failed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """A cohort's standing; `rate_per_min` counts the jobs that succeeded in the last minute."""

    cohort: Cohort
    rois: dict[str, int]
    flags: FlagCounts
    jobs: dict[JobState, int]
    jobs_expected: int
    by_segmenter: tuple[SegmenterProgress, ...]
    rate_per_min: float
    time_left_s: float | None
    dice: EvaluatedJobs
    refusals: tuple[Refusal, ...] = field(default=())

    @property
    def is_settled(self) -> bool:
        """Whether nothing is under way or awaited any more; a cancelled or paused cohort awaits nothing."""
        if self.cohort.state is CohortState.CANCELLED:
            return True
        if self.cohort.state is CohortState.PAUSED:
            return self.jobs[JobState.RUNNING] == 0
        under_way = self.jobs[JobState.WAITING] + self.jobs[JobState.RUNNING]
        return under_way + self.rois.get("awaiting", 0) + self.rois.get("arriving", 0) == 0


def measure_progress(connection: Connection, cohort: Cohort) -> Progress:
    """A cohort's progress as it stands in this transaction."""
    # ROIs before jobs: an ROI counted as stored has its jobs by then, so a cohort never seems settled between the two.
    states = cohorts.count_rois(connection, cohort.id)
    rows = cohorts.count_jobs(connection, cohort.id)
    jobs = {state: sum(row["jobs"] for row in rows if row["state"] == state) for state in JobState}
    expected = cohorts.count_expected_jobs(connection, cohort.id)
    rate = float(sum(row["recent"] for row in rows))
    coming = (states.get("awaiting", 0) + states.get("arriving", 0)) * _segmenters(expected, states)
    left = jobs[JobState.WAITING] + jobs[JobState.RUNNING] + coming
    return Progress(
        cohort=cohort,
        rois=states,
        flags=roi_lists.count_flags(connection, cohort.id),
        jobs=jobs,
        jobs_expected=expected,
        by_segmenter=tuple(_by_segmenter(rows, cohorts.list_segmenters(connection, cohort.id))),
        rate_per_min=rate,
        time_left_s=time_left_s(left, rate),
        dice=EvaluatedJobs(**evaluations.count_evaluated_jobs(connection, cohort.id)),
        refusals=tuple(Refusal(roi=row["name"], source=row["source"], error=row["error"])
                       for row in rois.list_refused(connection, cohort.id)),
    )  # fmt: skip


def time_left_s(left: int, rate_per_min: float) -> float | None:
    """How long so many jobs take at this rate; None while that cannot be told."""
    if not left:
        return 0.0
    return 60.0 * left / rate_per_min if rate_per_min else None


def _segmenters(expected: int, states: dict[str, int]) -> int:
    total = sum(states.values())
    return expected // total if total else 0


def _by_segmenter(rows: list[Row], asked: list[CohortSegmenter]) -> list[SegmenterProgress]:
    found: dict[tuple[str, str], dict[JobState, int]] = {}
    for row in rows:
        states = found.setdefault((row["segmenter"], row["version"]), dict.fromkeys(JobState, 0))
        states[JobState(row["state"])] += row["jobs"]
    return [
        SegmenterProgress(
            segmenter=name,
            version=version,
            jobs=jobs,
            settings=tuple(each.settings for each in asked if (each.name, each.version) == (name, version)),
        )
        for (name, version), jobs in found.items()
    ]

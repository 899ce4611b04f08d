"""Cohorts as lists show them: newest first, each with its counts, in one statement however many jobs they have."""

from dataclasses import dataclass, field

from pantile.catalog.cohorts import COHORT_COLUMNS, Cohort, cohort_of
from pantile.catalog.database import Connection, Row
from pantile.domain.cohorts import CohortState
from pantile.domain.jobs import JobState


@dataclass(frozen=True, slots=True, kw_only=True)
class CohortFilter:
    """Which cohorts to list; what is empty does not matter."""

    states: list[CohortState] = field(default_factory=list)
    words: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CohortCounts:
    """A cohort with its ROIs and jobs; `coming` are jobs of ROIs whose image is not here yet."""

    cohort: Cohort
    rois: int
    jobs: dict[JobState, int]
    coming: int
    rate_per_min: float

    @property
    def total(self) -> int:
        """All its jobs, those that are coming included."""
        return sum(self.jobs.values()) + self.coming

    @property
    def left(self) -> int:
        """How many are yet to be done; of a cancelled cohort none."""
        under_way = self.jobs[JobState.WAITING] + self.jobs[JobState.RUNNING] + self.coming
        return 0 if self.cohort.state is CohortState.CANCELLED else under_way


_COUNTED = ", ".join(
    f"coalesce(sum(jobs) FILTER (WHERE state = '{state}'), 0)::bigint AS {state}" for state in JobState
)


def list_counts(
    connection: Connection, wanted: CohortFilter, *, before: int | None = None, limit: int = 50
) -> list[CohortCounts]:
    """Cohorts by descending id, from the one before `before`."""
    conditions = ["true"]
    conditions += ["id < %(before)s"] if before is not None else []
    conditions += ["state = ANY(%(states)s)"] if wanted.states else []
    conditions += ["strpos(lower(name), lower(%(words)s)) > 0"] if wanted.words else []
    rows = connection.execute(
        f"""
        WITH page AS MATERIALIZED (
            SELECT {COHORT_COLUMNS} FROM cohorts WHERE {" AND ".join(conditions)} ORDER BY id DESC LIMIT %(limit)s
        )
        SELECT page.*, r.rois, r.unready * s.segmenters AS coming, j.*
        FROM page
        CROSS JOIN LATERAL (
            SELECT count(*) AS rois, count(*) FILTER (WHERE state IN ('awaiting', 'arriving')) AS unready
            FROM rois WHERE cohort_id = page.id
        ) r
        CROSS JOIN LATERAL (SELECT count(*) AS segmenters FROM cohort_segmenters WHERE cohort_id = page.id) s
        CROSS JOIN LATERAL (
            SELECT {_COUNTED}, coalesce(sum(jobs) FILTER (
                WHERE state = 'succeeded' AND at > now() - interval '1 min'), 0)::bigint AS recent
            FROM job_counts WHERE cohort_id = page.id
        ) j
        ORDER BY page.id DESC
        """,  # noqa: S608 — joined from constants
        {"before": before, "states": wanted.states, "words": wanted.words, "limit": limit},
    )
    return [_counts(row) for row in rows]


def _counts(row: Row) -> CohortCounts:
    return CohortCounts(
        cohort=cohort_of(row),
        rois=row["rois"],
        jobs={state: row[state] for state in JobState},
        coming=row["coming"],
        rate_per_min=float(row["recent"]),
    )

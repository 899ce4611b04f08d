"""Jobs against a model: any interleaving of what workers, coordinator and people do leaves the rows as the rules say.

The model is a dict of jobs; the system is PostgreSQL. Workers forget nothing here: every lease that was ever had is
used again and again, long after it was lost.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from uuid import uuid4

from hypothesis import HealthCheck, Phase, settings, strategies
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from pantile.catalog import cohorts, job_changes, jobs, leases, pauses
from pantile.catalog.cohorts import Cohort
from pantile.catalog.database import Connection, Database
from pantile.catalog.jobs import ClassMapRow
from pantile.catalog.leases import Lease
from pantile.domain.errors import CohortNotPaused, JobNotCancellable, JobNotRetryable

MakeCohort = Callable[..., Cohort]

MAX_ATTEMPTS = 3
IMAGES = 2
SEGMENTERS = ("lung", "breast")
JOBS = range(1, IMAGES * len(SEGMENTERS) + 1)

CLASS_MAP = ClassMapRow(
    object_key="class-maps/x.png",
    sha256="a" * 64,
    bytes=1,
    width_px=3,
    height_px=2,
    map_mpp=1.0,
    extent_width_px=12.0,
    extent_height_px=8.0,
    class_pixels=[2, 4],
    provenance={},
)

which_job = strategies.sampled_from(JOBS)
which_worker = strategies.sampled_from(("w1", "w2"))


@dataclass(slots=True)
class ModelJob:
    """What a job is to be by the rules."""

    state: str = "waiting"
    holder: Lease | None = None
    worker: str = ""
    charged: int = 0
    suspect: bool = False
    outcomes: list[str | None] = field(default_factory=list)

    def end(self, state: str, outcome: str) -> None:
        """Ends the attempt that runs."""
        self.state, self.holder, self.outcomes[-1] = state, None, outcome

    def charge(self) -> str:
        """Charges an attempt; the state that follows."""
        self.charged += 1
        return "failed" if self.charged >= MAX_ATTEMPTS else "waiting"


class JobMachine(RuleBasedStateMachine):
    """What can happen to jobs, in any order."""

    held = Bundle("held")

    def __init__(self, database: Database, make_cohort: MakeCohort) -> None:
        super().__init__()
        self.database = database
        with database.transaction() as connection:
            # Without the triggers that keep events of scoring, of which there are none here, from being removed.
            connection.execute("SET LOCAL session_replication_role = replica")
            connection.execute(
                "TRUNCATE cohorts, images, jobs, job_counts, segmenters, engine_settings RESTART IDENTITY CASCADE"
            )
        self.submit: Callable[[], Cohort] = lambda: make_cohort(images=IMAGES, segmenter_names=SEGMENTERS)
        self.cohort = self.submit()
        self.cohort_state = "open"
        self.model = {job_id: ModelJob() for job_id in JOBS}

    def roi(self, job_id: int) -> list[int]:
        """The jobs of a job's ROI."""
        first = job_id - (job_id - 1) % len(SEGMENTERS)
        return list(range(first, first + len(SEGMENTERS)))

    @rule(target=held, job_id=which_job, worker=which_worker, alone=strategies.booleans())
    def claim(self, job_id: int, worker: str, alone: bool) -> object:
        asked = self.model[job_id]
        expected: list[int] = []
        may = asked.state == "waiting" and self.cohort_state != "paused"
        if may and alone and not any(job.worker == worker and job.holder for job in self.model.values()):
            expected = [job_id]
        if may and not alone and not asked.suspect:
            expected = [
                own for own in self.roi(job_id) if self.model[own].state == "waiting" and not self.model[own].suspect
            ]

        with self.database.transaction() as connection:
            self.make_due(connection)
            claim = jobs.claim_jobs(connection, job_id, worker=worker, token=uuid4(), lease_s=600, alone=alone)

        assert sorted(job.job_id for job in claim.jobs) == expected
        assert claim.needs_solitude == (may and not alone and asked.suspect)
        for claimed in claim.jobs:
            job = self.model[claimed.job_id]
            job.state, job.holder, job.worker = "running", claimed.lease, worker
            job.outcomes.append(None)
            assert claimed.attempt == len(job.outcomes)
        return multiple(*(claimed.lease for claimed in claim.jobs))

    @rule(lease=held)
    def heartbeat(self, lease: Lease) -> None:
        with self.database.transaction() as connection:
            kept = leases.renew(connection, "jobs", [lease.token], lease_s=600)

        assert kept == {
            job_id for job_id, job in self.model.items() if job.holder is not None and job.holder.token == lease.token
        }

    @rule(lease=held)
    def finish(self, lease: Lease) -> None:
        with self.database.transaction() as connection:
            assert jobs.finish_job(connection, lease, CLASS_MAP, timings={}) == self.is_held(lease)

        if self.is_held(lease):
            self.model[lease.row_id].end("succeeded", "succeeded")
            self.model[lease.row_id].suspect = False

    @rule(lease=held)
    def fail(self, lease: Lease) -> None:
        with self.database.transaction() as connection:
            assert leases.fail(connection, lease, kind="K", sentence="S") == self.is_held(lease)

        if self.is_held(lease):
            job = self.model[lease.row_id]
            job.end("failed", "failed")
            job.charged, job.suspect = job.charged + 1, False

    @rule(lease=held, charge=strategies.booleans())
    def give_back(self, lease: Lease, charge: bool) -> None:
        with self.database.transaction() as connection:
            given = leases.give_back(connection, lease, kind="K", sentence="S", charge=charge)

        assert given == self.is_held(lease)
        if given:
            job = self.model[lease.row_id]
            job.end(job.charge() if charge else "waiting", "returned")
            job.suspect = False

    @rule(lease=held)
    def stop(self, lease: Lease) -> None:
        with self.database.transaction() as connection:
            leases.release(connection, "jobs", [lease.token])

        for job in self.model.values():
            if job.holder is not None and job.holder.token == lease.token:
                job.end("waiting", "returned")

    @rule(lease=held)
    def lack_memory(self, lease: Lease) -> None:
        with self.database.transaction() as connection:
            assert leases.suspect(connection, [lease], kind="K", cause="C") == self.is_held(lease)

        if self.is_held(lease):
            self.go_silent(lease.row_id, "returned")

    @rule(lease=held)
    def come_late(self, lease: Lease) -> None:
        if self.is_held(lease):
            return

        with self.database.transaction() as connection:
            assert not jobs.finish_job(connection, lease, CLASS_MAP, timings={})
            assert not leases.fail(connection, lease, kind="K", sentence="S")
            assert not leases.give_back(connection, lease, kind="K", sentence="S", charge=True)
            assert not leases.suspect(connection, [lease], kind="K", cause="C")

    @rule(job_ids=strategies.sets(which_job))
    def expire(self, job_ids: set[int]) -> None:
        with self.database.transaction() as connection:
            connection.execute(
                "UPDATE jobs SET lease_until = 'epoch' WHERE id = ANY(%s) AND state = 'running'", [list(job_ids)]
            )
            ended = {row["id"] for row in leases.expire(connection, "jobs")}

        assert ended == {job_id for job_id in job_ids if self.model[job_id].holder is not None}
        for job_id in ended:
            self.go_silent(job_id, "lease_ended")

    def go_silent(self, job_id: int, outcome: str) -> None:
        """A silent end, by the rule on suspects."""
        job = self.model[job_id]
        job.end(job.charge() if job.suspect else "waiting", outcome)
        job.suspect = True

    @rule()
    def cancel(self) -> None:
        with self.database.transaction() as connection:
            cohorts.cancel_cohort(connection, self.cohort.id, actor="test")

        self.cohort_state = "cancelled"
        for job in self.model.values():
            if job.state == "running":
                job.end("cancelled", "cancelled")
            if job.state == "waiting":
                job.state = "cancelled"

    @rule()
    def resubmit(self) -> None:
        self.submit()

        self.cohort_state = "paused" if self.cohort_state == "paused" else "open"
        for job in self.model.values():
            job.state = "waiting" if job.state == "cancelled" else job.state

    @rule(job_id=which_job)
    def retry(self, job_id: int) -> None:
        job = self.model[job_id]
        try:
            with self.database.transaction() as connection:
                job_changes.retry_job(connection, job_id, actor="test")
        except JobNotRetryable:
            assert job.state not in {"failed", "cancelled"}
            return

        assert job.state in {"failed", "cancelled"}
        job.state, job.charged, job.suspect = "waiting", 0, False
        self.cohort_state = "open" if self.cohort_state == "complete" else self.cohort_state

    @rule(job_id=which_job)
    def cancel_one(self, job_id: int) -> None:
        job = self.model[job_id]
        try:
            with self.database.transaction() as connection:
                job_changes.cancel_job(connection, job_id, actor="test")
        except JobNotCancellable:
            assert job.state in {"failed", "succeeded", "cancelled"}
            return

        if job.state == "running":
            job.end("cancelled", "cancelled")
        assert job.state in {"waiting", "cancelled"}
        job.state = "cancelled"

    @rule()
    def pause(self) -> None:
        with self.database.transaction() as connection:
            paused = pauses.pause_if_open(connection, self.cohort.id, reason="too many fail", actor="test")

        assert paused == (self.cohort_state == "open")
        self.cohort_state = "paused" if paused else self.cohort_state

    @rule()
    def resume(self) -> None:
        try:
            with self.database.transaction() as connection:
                pauses.resume_cohort(connection, self.cohort, actor="test")
        except CohortNotPaused:
            assert self.cohort_state != "paused"
            return

        assert self.cohort_state == "paused"
        self.cohort_state = "open"

    @rule()
    def close(self) -> None:
        with self.database.transaction() as connection:
            closed = bool(cohorts.close_cohorts(connection))

        done = not any(job.state in {"waiting", "running"} for job in self.model.values())
        assert closed == (self.cohort_state in {"open", "paused"} and done)
        self.cohort_state = "complete" if closed else self.cohort_state

    @invariant()
    def rows_are_as_the_rules_say(self) -> None:
        with self.database.transaction() as connection:
            rows = connection.execute("SELECT * FROM jobs ORDER BY id").fetchall()
            attempts = connection.execute("SELECT * FROM job_attempts ORDER BY job_id, attempt").fetchall()
            class_maps = {row["job_id"] for row in connection.execute("SELECT job_id FROM class_maps")}
            state = cohorts.find_cohort(connection, self.cohort.name).state

        assert [row["id"] for row in rows] == list(JOBS)
        assert state == self.cohort_state
        for row in rows:
            job = self.model[row["id"]]
            own = [attempt for attempt in attempts if attempt["job_id"] == row["id"]]
            assert (row["state"], row["charged_attempts"], row["suspect"]) == (job.state, job.charged, job.suspect)
            assert row["lease_token"] == (job.holder.token if job.holder else None)
            assert [attempt["attempt"] for attempt in own] == list(range(1, row["attempt"] + 1))
            assert [attempt["outcome"] for attempt in own] == job.outcomes
            assert (row["id"] in class_maps) == (job.state == "succeeded")

    def is_held(self, lease: Lease) -> bool:
        """Whether the lease is the one that owns its job."""
        return self.model[lease.row_id].holder == lease

    def make_due(self, connection: Connection) -> None:
        """Lets the waits between attempts pass."""
        connection.execute("UPDATE jobs SET not_before = 'epoch'")


def test_jobs_follow_the_rules_whatever_happens_in_which_order(database: Database, make_cohort: MakeCohort) -> None:
    run_state_machine_as_test(
        lambda: JobMachine(database, make_cohort),  # type: ignore[arg-type]  # a function will do, as its docstring says
        settings=settings(
            max_examples=40,
            stateful_step_count=60,
            deadline=None,
            phases=(Phase.generate, Phase.shrink),
            database=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        ),
    )

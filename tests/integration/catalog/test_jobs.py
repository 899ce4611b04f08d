"""Jobs in the catalog: planned once, claimed by one, finished only by their holder, blamed only for their own."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID, uuid4

import pytest

from pantile.catalog import cohorts, job_changes, jobs, leases
from pantile.catalog.cohorts import Cohort
from pantile.catalog.database import Connection, Database, Row
from pantile.catalog.jobs import ClassMapRow, JobClaim, JobFilter
from pantile.domain.errors import JobNotFound, JobNotRetryable
from pantile.domain.jobs import JobState

MakeCohort = Callable[..., Cohort]

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
    provenance={"device": "cpu"},
)


def claim(
    connection: Connection, job_id: int, *, worker: str = "w1", alone: bool = False, lease_s: float = 60
) -> JobClaim:
    return jobs.claim_jobs(connection, job_id, worker=worker, token=uuid4(), lease_s=lease_s, alone=alone)


def listed(database: Database, cohort: Cohort) -> list[Row]:
    with database.transaction() as connection:
        return jobs.list_jobs(connection, JobFilter(cohort_id=cohort.id))


def end_leases(database: Database) -> None:
    """Lets every lease run out, by the database's clock."""
    with database.transaction() as connection:
        connection.execute("UPDATE jobs SET lease_until = clock_timestamp() - interval '1 s' WHERE state = 'running'")
        connection.execute("UPDATE jobs SET not_before = now() WHERE state = 'waiting'")


def expire(database: Database) -> list[Row]:
    end_leases(database)
    with database.transaction() as connection:
        rows = leases.expire(connection, "jobs")
        connection.execute("UPDATE jobs SET not_before = now() WHERE state = 'waiting'")
    return rows


def test_a_cohort_has_one_job_for_each_roi_and_segmenter(database: Database, make_cohort: MakeCohort) -> None:
    cohort = make_cohort(images=3)

    assert [(job["roi"], job["segmenter"]) for job in listed(database, cohort)] == [
        (f"slide{number}_tumor", segmenter) for number in range(3) for segmenter in ("lung", "breast")
    ]


def test_submitting_again_adds_no_job(database: Database, make_cohort: MakeCohort) -> None:
    first = listed(database, make_cohort())

    assert listed(database, make_cohort()) == first


def test_an_roi_in_two_cohorts_is_segmented_once(database: Database, make_cohort: MakeCohort) -> None:
    one, other = make_cohort("ONE"), make_cohort("OTHER")

    assert [job["id"] for job in listed(database, one)] == [job["id"] for job in listed(database, other)]


def test_a_claim_takes_the_rois_siblings_and_no_other_roi(database: Database, make_cohort: MakeCohort) -> None:
    first, second, *others = listed(database, make_cohort())

    with database.transaction() as connection:
        claimed = claim(connection, second["id"]).jobs

    assert [job.job_id for job in claimed] == [first["id"], second["id"]]
    assert {job.image_key for job in claimed} == {"rois/0"}
    assert others


def test_of_many_that_ask_at_once_one_gets_each_job(database: Database, make_cohort: MakeCohort) -> None:
    ids = [job["id"] for job in listed(database, make_cohort(images=20))]

    def ask(worker: int) -> list[int]:
        taken: list[int] = []
        for job_id in ids if worker % 2 else reversed(ids):
            with database.transaction() as connection:
                taken += [job.job_id for job in claim(connection, job_id, worker=f"w{worker}").jobs]
        return taken

    with ThreadPoolExecutor(6) as pool:
        taken = [job_id for part in pool.map(ask, range(6)) for job_id in part]

    assert sorted(taken) == ids


def test_only_the_holder_finishes_a_job(database: Database, make_cohort: MakeCohort) -> None:
    job_id = listed(database, make_cohort(images=1, segmenter_names=("lung",)))[0]["id"]
    with database.transaction() as connection:
        late = claim(connection, job_id, worker="frozen").jobs[0]
    expire(database)
    with database.transaction() as connection:
        (holder,) = claim(connection, job_id, worker="other", alone=True).jobs

    with database.transaction() as connection:
        late_finish = jobs.finish_job(connection, late.lease, CLASS_MAP, timings={})
        finish = jobs.finish_job(connection, holder.lease, CLASS_MAP, timings={"network": 1.5})
        again = jobs.finish_job(connection, holder.lease, CLASS_MAP, timings={})
        job = jobs.get_job(connection, job_id)

    assert (late_finish, finish, again) == (False, True, False)
    assert job["state"] == JobState.SUCCEEDED
    assert [(attempt["attempt"], attempt["outcome"]) for attempt in job["attempts"]] == [
        (1, "lease_ended"),
        (2, "succeeded"),
    ]
    assert job["attempts"][1]["timings"] == {"network": 1.5}


def test_a_renewed_lease_does_not_end(database: Database, make_cohort: MakeCohort) -> None:
    job_id = listed(database, make_cohort(images=1, segmenter_names=("lung",)))[0]["id"]
    with database.transaction() as connection:
        (job,) = claim(connection, job_id, lease_s=0.0).jobs
    with database.transaction() as connection:
        kept = leases.renew(connection, "jobs", [job.lease.token], lease_s=60)

    with database.transaction() as connection:
        assert kept == {job_id}
        assert leases.expire(connection, "jobs") == []


def test_a_lost_token_renews_nothing(database: Database, make_cohort: MakeCohort) -> None:
    make_cohort()

    with database.transaction() as connection:
        assert leases.renew(connection, "jobs", [UUID(int=7)], lease_s=60) == set()


def test_a_silent_end_charges_nobody_and_makes_suspects(database: Database, make_cohort: MakeCohort) -> None:
    cohort = make_cohort(images=1)
    with database.transaction() as connection:
        claim(connection, listed(database, cohort)[0]["id"])

    expire(database)

    with database.transaction() as connection:
        found = [jobs.get_job(connection, job["id"]) for job in listed(database, cohort)]
    assert [(job["state"], job["charged_attempts"], job["suspect"]) for job in found] == [("waiting", 0, True)] * 2


def test_a_suspect_is_claimed_alone_and_by_a_worker_that_holds_nothing(
    database: Database, make_cohort: MakeCohort
) -> None:
    first, _, third, _ = (job["id"] for job in listed(database, make_cohort()))
    with database.transaction() as connection:
        claim(connection, first)
    expire(database)

    with database.transaction() as connection:
        in_company = claim(connection, first, worker="w2")
        claim(connection, third, worker="w2")
    with database.transaction() as connection:
        while_busy = claim(connection, first, worker="w2", alone=True)
        by_idle = claim(connection, first, worker="w3", alone=True)

    assert in_company.needs_solitude
    assert not in_company.jobs
    assert not while_busy.jobs
    assert [job.job_id for job in by_idle.jobs] == [first]


def test_a_job_that_kills_its_worker_each_time_fails_saying_so(database: Database, make_cohort: MakeCohort) -> None:
    cohort = make_cohort(images=1)
    poison, sibling = (job["id"] for job in listed(database, cohort))
    with database.transaction() as connection:
        claim(connection, poison)
    expire(database)
    with database.transaction() as connection:
        (innocent,) = claim(connection, sibling, alone=True).jobs
        jobs.finish_job(connection, innocent.lease, CLASS_MAP, timings={})

    for _ in range(3):
        with database.transaction() as connection:
            assert claim(connection, poison, alone=True).jobs
        expire(database)

    with database.transaction() as connection:
        guilty, freed = jobs.get_job(connection, poison), jobs.get_job(connection, sibling)
    assert (guilty["state"], guilty["charged_attempts"], guilty["attempt"]) == ("failed", 3, 4)
    assert "died or went silent each time" in guilty["error"]
    assert (freed["state"], freed["charged_attempts"], freed["suspect"]) == ("succeeded", 0, False)


def test_work_given_back_waits_longer_each_time_and_fails_when_used_up(
    database: Database, make_cohort: MakeCohort
) -> None:
    job_id = listed(database, make_cohort(images=1, segmenter_names=("lung",)))[0]["id"]
    waits = []
    for _ in range(3):
        with database.transaction() as connection:
            connection.execute("UPDATE jobs SET not_before = now()")
            (job,) = claim(connection, job_id).jobs
            leases.give_back(connection, job.lease, kind="ValueError", sentence="it broke", charge=True)
            row = connection.execute(
                "SELECT state, extract(epoch FROM not_before - clock_timestamp()) AS wait FROM jobs WHERE id = %s",
                [job_id],
            ).fetchone()
        assert row is not None
        state = row["state"]
        waits.append(round(float(row["wait"])))

    assert state == "failed"
    assert waits == [5, 10, 20]


def test_trouble_around_the_work_is_not_charged(database: Database, make_cohort: MakeCohort) -> None:
    job_id = listed(database, make_cohort(images=1, segmenter_names=("lung",)))[0]["id"]
    for _ in range(5):
        with database.transaction() as connection:
            connection.execute("UPDATE jobs SET not_before = now()")
            (job,) = claim(connection, job_id).jobs
            leases.give_back(connection, job.lease, kind="ObjectStoreDown", sentence="down", charge=False)

    with database.transaction() as connection:
        found = jobs.get_job(connection, job_id)
    assert (found["state"], found["attempt"], found["charged_attempts"]) == ("waiting", 5, 0)


def test_a_worker_told_to_stop_gives_its_jobs_back_at_once(database: Database, make_cohort: MakeCohort) -> None:
    cohort = make_cohort(images=1)
    job_id = listed(database, cohort)[0]["id"]
    with database.transaction() as connection:
        held = claim(connection, job_id).jobs

    with database.transaction() as connection:
        assert leases.release(connection, "jobs", [held[0].lease.token]) == 2
        assert len(claim(connection, job_id, worker="w2").jobs) == 2


def test_cancelling_spares_what_another_live_cohort_holds(database: Database, make_cohort: MakeCohort) -> None:
    one, other = make_cohort("ONE", images=3), make_cohort("OTHER", images=1)

    with database.transaction() as connection:
        cancelled = cohorts.cancel_cohort(connection, one.id, actor="test")

    assert cancelled == 4
    assert {job["state"] for job in listed(database, other)} == {"waiting"}


def test_a_cancelled_job_is_lost_to_its_worker_and_waits_again_when_resubmitted(
    database: Database, make_cohort: MakeCohort
) -> None:
    cohort = make_cohort(images=1)
    with database.transaction() as connection:
        held = claim(connection, listed(database, cohort)[0]["id"]).jobs
    with database.transaction() as connection:
        cohorts.cancel_cohort(connection, cohort.id, actor="test")

    with database.transaction() as connection:
        assert not jobs.finish_job(connection, held[0].lease, CLASS_MAP, timings={})
    make_cohort(images=1)

    assert {job["state"] for job in listed(database, cohort)} == {"waiting"}


def test_an_operator_retries_what_failed_and_the_audit_says_so(database: Database, make_cohort: MakeCohort) -> None:
    cohort = make_cohort(images=1, segmenter_names=("lung",))
    job_id = listed(database, cohort)[0]["id"]
    with database.transaction() as connection:
        (job,) = claim(connection, job_id).jobs
        leases.fail(connection, job.lease, kind="SegmenterBroken", sentence="no such network")
        cohorts.close_cohorts(connection)

    with database.transaction() as connection:
        job_changes.retry_job(connection, job_id, actor="ann")
        audit = connection.execute("SELECT actor, action, subject FROM audit WHERE actor = 'ann'").fetchall()
        reopened = cohorts.find_cohort(connection, cohort.name)

    assert audit == [{"actor": "ann", "action": "retry", "subject": f"job {job_id}"}]
    assert reopened.state == "open"
    assert listed(database, cohort)[0]["charged_attempts"] == 0
    with database.transaction() as connection, pytest.raises(JobNotRetryable, match="is waiting"):
        job_changes.retry_job(connection, job_id, actor="ann")
    with database.transaction() as connection, pytest.raises(JobNotFound):
        job_changes.retry_job(connection, 999, actor="ann")


def test_a_cohort_closes_when_nothing_is_left(database: Database, make_cohort: MakeCohort) -> None:
    cohort = make_cohort(images=1, segmenter_names=("lung",))
    with database.transaction() as connection:
        before = cohorts.close_cohorts(connection)
        (job,) = claim(connection, listed(database, cohort)[0]["id"]).jobs
        jobs.finish_job(connection, job.lease, CLASS_MAP, timings={})
    with database.transaction() as connection:
        after = cohorts.close_cohorts(connection)

    assert before == []
    assert [closed.id for closed in after] == [cohort.id]


def test_pages_follow_each_other_without_gap_or_repeat(database: Database, make_cohort: MakeCohort) -> None:
    cohort = make_cohort(images=5)
    seen: list[int] = []
    after = 0
    with database.transaction() as connection:
        while page := jobs.list_jobs(connection, JobFilter(cohort_id=cohort.id), after=after, limit=3):
            seen += [job["id"] for job in page]
            after = seen[-1]

    assert seen == [job["id"] for job in listed(database, cohort)]

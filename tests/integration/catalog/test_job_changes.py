"""Operators try jobs again by cause, segmenter, ROI or cohort, and cancel them."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from pantile.catalog import cohorts, job_changes, jobs, leases
from pantile.catalog.cohorts import Cohort
from pantile.catalog.database import Connection, Database
from pantile.catalog.jobs import JobFilter
from pantile.domain.errors import JobNotCancellable, JobNotFound
from pantile.domain.jobs import JobState

MakeCohort = Callable[..., Cohort]


def fail(connection: Connection, job_id: int, kind: str) -> None:
    claim = jobs.claim_jobs(connection, job_id, worker="w", token=uuid4(), lease_s=60, siblings=0)
    assert leases.fail(connection, claim.jobs[0].lease, kind=kind, sentence="It cannot be done.")


def in_state(connection: Connection, state: str) -> list[int]:
    return [row["id"] for row in connection.execute("SELECT id FROM jobs WHERE state = %s ORDER BY id", [state])]


@pytest.mark.parametrize(
    ("wanted", "again"),
    [
        ({"cause": "SegmenterBroken"}, [1, 4]),
        ({"segmenter": "lung"}, [1, 3]),
        ({"roi": "slide0_tumor"}, [1]),
        ({"cohort_id": 1, "cause": "SegmenterBroken"}, [1, 4]),
        ({"cohort_id": 2}, [1]),
        ({"cause": "Unheard"}, []),
    ],
)
def test_failed_jobs_are_tried_again_by_what_they_are(
    database: Database, make_cohort: MakeCohort, wanted: dict[str, Any], again: list[int]
) -> None:
    make_cohort("large", images=2)
    make_cohort("small", images=1, segmenter_names=("lung",))
    with database.transaction() as connection:
        fail(connection, 1, "SegmenterBroken")
        fail(connection, 3, "ImageUnreadable")
        fail(connection, 4, "SegmenterBroken")

        changed = job_changes.retry_jobs(connection, JobFilter(**wanted), actor="ann")

        assert changed == len(again)
        assert in_state(connection, "waiting") == sorted({2, *again})


def test_jobs_whose_image_was_refused_stay_as_they_are(database: Database, make_cohort: MakeCohort) -> None:
    make_cohort(images=1)
    with database.transaction() as connection:
        fail(connection, 1, "SegmenterBroken")
        connection.execute("UPDATE images SET object_key = NULL, refusal_kind = 'ImageUnreadable', refusal = 'Bad.'")

        assert job_changes.retry_jobs(connection, JobFilter(segmenter="lung"), actor="ann") == 0


def test_a_cohort_that_was_complete_is_open_again(database: Database, make_cohort: MakeCohort) -> None:
    cohort = make_cohort(images=1, segmenter_names=("lung",))
    with database.transaction() as connection:
        fail(connection, 1, "SegmenterBroken")
        cohorts.close_cohorts(connection)
        job_changes.retry_jobs(connection, JobFilter(cohort_id=cohort.id), actor="ann")

        assert cohorts.find_cohort(connection, cohort.name).state == "open"


def test_a_cancelled_job_is_its_worker_s_no_more(database: Database, make_cohort: MakeCohort) -> None:
    make_cohort(images=1)
    with database.transaction() as connection:
        claim = jobs.claim_jobs(connection, 1, worker="w", token=uuid4(), lease_s=60, siblings=0)
        job_changes.cancel_job(connection, 1, actor="ann")
        late = leases.succeed(connection, claim.jobs[0].lease)
        job = jobs.get_job(connection, 1)

    assert not late
    assert (job["state"], job["lease_owner"]) == ("cancelled", None)
    assert [attempt["outcome"] for attempt in job["attempts"]] == ["cancelled"]


def test_open_jobs_are_cancelled_by_what_they_are_and_ended_ones_left(
    database: Database, make_cohort: MakeCohort
) -> None:
    make_cohort(images=2)
    with database.transaction() as connection:
        fail(connection, 1, "SegmenterBroken")
        jobs.claim_jobs(connection, 3, worker="w", token=uuid4(), lease_s=60, siblings=0)

        changed = job_changes.cancel_jobs(connection, JobFilter(segmenter="lung"), actor="ann")

        assert (changed, in_state(connection, "cancelled")) == (1, [3])
        assert in_state(connection, "failed") == [1]
        assert job_changes.cancel_jobs(connection, JobFilter(state=JobState.RUNNING), actor="ann") == 0


def test_what_has_ended_cannot_be_cancelled(database: Database, make_cohort: MakeCohort) -> None:
    make_cohort(images=1)
    with database.transaction() as connection:
        fail(connection, 1, "SegmenterBroken")
    with database.transaction() as connection, pytest.raises(JobNotCancellable, match="job 1 is failed"):
        job_changes.cancel_job(connection, 1, actor="ann")
    with database.transaction() as connection, pytest.raises(JobNotFound):
        job_changes.cancel_job(connection, 99, actor="ann")


def test_the_audit_log_says_which_jobs_were_changed(database: Database, make_cohort: MakeCohort) -> None:
    cohort = make_cohort(images=1)
    with database.transaction() as connection:
        fail(connection, 1, "SegmenterBroken")
        job_changes.retry_jobs(connection, JobFilter(cohort_id=cohort.id, cause="SegmenterBroken"), actor="ann")
        job_changes.cancel_jobs(connection, JobFilter(segmenter="lung"), actor="ann")
        lines = connection.execute("SELECT action, subject, details FROM audit WHERE actor = 'ann' ORDER BY id")

        assert [tuple(line.values()) for line in lines] == [
            ("retry", "jobs", {"cohort_id": cohort.id, "cause": "SegmenterBroken", "jobs": 1}),
            ("cancel", "jobs", {"segmenter": "lung", "jobs": 1}),
        ]

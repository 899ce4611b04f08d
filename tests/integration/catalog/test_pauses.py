"""A paused cohort's jobs are neither sent for nor begun, unless another cohort wants them; resuming lets them go on."""

from collections.abc import Callable
from uuid import uuid4

import pytest

from pantile.catalog import cohorts, jobs, outbox, pauses
from pantile.catalog.cohorts import Cohort
from pantile.catalog.database import Connection, Database
from pantile.catalog.jobs import JobFilter
from pantile.domain.cohorts import CohortState
from pantile.domain.errors import CohortNotOpen, CohortNotPaused

MakeCohort = Callable[..., Cohort]


def due(connection: Connection) -> list[int]:
    return [message.job_id for message in outbox.due_jobs(connection, limit=100)]


def waiting(connection: Connection, cohort: Cohort) -> list[int]:
    return [row["id"] for row in jobs.list_jobs(connection, JobFilter(cohort_id=cohort.id))]


def claim(connection: Connection, job_id: int) -> list[int]:
    claimed = jobs.claim_jobs(connection, job_id, worker="w", token=uuid4(), lease_s=60)
    return [job.job_id for job in claimed.jobs]


def test_nothing_of_a_paused_cohort_is_sent_for_or_begun(database: Database, make_cohort: MakeCohort) -> None:
    cohort = make_cohort()

    with database.transaction() as connection:
        pauses.pause_cohort(connection, cohort, reason="too many fail", actor="ann")
        paused = cohorts.find_cohort(connection, cohort.name)

        assert (paused.state, paused.pause_reason) == (CohortState.PAUSED, "too many fail")
        assert due(connection) == []
        assert [claim(connection, job_id) for job_id in waiting(connection, cohort)] == [[]] * 4


def test_jobs_that_an_open_cohort_wants_as_well_go_on(database: Database, make_cohort: MakeCohort) -> None:
    paused, other = make_cohort("PAUSED", images=3), make_cohort("OTHER", images=1)

    with database.transaction() as connection:
        pauses.pause_cohort(connection, paused, reason="too many fail", actor="ann")
        shared = waiting(connection, other)

        assert due(connection) == shared
        assert claim(connection, shared[0]) == shared


def test_a_claim_leaves_siblings_that_are_paused(database: Database, make_cohort: MakeCohort) -> None:
    paused = make_cohort("PAUSED", images=1, segmenter_names=("lung",))
    other = make_cohort("OTHER", images=1, segmenter_names=("breast",))

    with database.transaction() as connection:
        pauses.pause_cohort(connection, paused, reason="too many fail", actor="ann")
        (free,) = waiting(connection, other)

        assert claim(connection, free) == [free]


def test_a_resumed_cohort_is_sent_for_at_once_and_its_failures_count_anew(
    database: Database, make_cohort: MakeCohort
) -> None:
    cohort = make_cohort(images=3)
    with database.transaction() as connection:
        outbox.mark_published(connection, "jobs", waiting(connection, cohort))
        connection.execute("UPDATE jobs SET state = 'failed', error = 'x', finished_at = now() WHERE id <= 2")
        (before,) = pauses.count_failures(connection)
        pauses.pause_cohort(connection, cohort, reason="too many fail", actor="ann")
        paused = cohorts.find_cohort(connection, cohort.name)

        assert pauses.resume_cohort(connection, paused, actor="bob") == 4
    with database.transaction() as connection:
        (after,) = pauses.count_failures(connection)
        resumed = cohorts.find_cohort(connection, cohort.name)
        audit = connection.execute(
            "SELECT actor, action FROM audit WHERE subject = %s ORDER BY id", [f"cohort {cohort.id}"]
        )

        assert (before.ended, before.failed, before.commonest) == (2, 2, "x")
        assert (after.ended, after.failed) == (0, 0)
        assert (resumed.state, resumed.pause_reason) == (CohortState.OPEN, None)
        assert len(due(connection)) == 4
        assert [(row["actor"], row["action"]) for row in audit][-2:] == [("ann", "pause"), ("bob", "resume")]


def test_only_a_paused_cohort_can_be_resumed(database: Database, make_cohort: MakeCohort) -> None:
    cohort = make_cohort()

    with database.transaction() as connection, pytest.raises(CohortNotPaused, match="TCGA-BRCA is open"):
        pauses.resume_cohort(connection, cohort, actor="ann")


def test_only_an_open_cohort_can_be_paused_and_keeps_its_reason(database: Database, make_cohort: MakeCohort) -> None:
    cohort = make_cohort()
    with database.transaction() as connection:
        pauses.pause_cohort(connection, cohort, reason="the first reason", actor="ann")
        paused = cohorts.find_cohort(connection, cohort.name)

    with database.transaction() as connection, pytest.raises(CohortNotOpen, match="TCGA-BRCA is paused"):
        pauses.pause_cohort(connection, paused, reason="another", actor="bob")

    with database.transaction() as connection:
        assert not pauses.pause_if_open(connection, cohort.id, reason="too many fail", actor="coordinator")
        assert cohorts.find_cohort(connection, cohort.name).pause_reason == "the first reason"


def test_jobs_that_run_when_their_cohort_is_paused_end(database: Database, make_cohort: MakeCohort) -> None:
    cohort = make_cohort(images=2)
    with database.transaction() as connection:
        first = waiting(connection, cohort)[0]
        running = claim(connection, first)
        pauses.pause_cohort(connection, cohort, reason="too many fail", actor="ann")
        states = connection.execute("SELECT id, state FROM jobs WHERE state = 'running' ORDER BY id").fetchall()

    assert running
    assert [row["id"] for row in states] == sorted(running)


def test_submitting_again_does_not_resume(database: Database, make_cohort: MakeCohort) -> None:
    cohort = make_cohort(images=1)
    with database.transaction() as connection:
        pauses.pause_cohort(connection, cohort, reason="too many fail", actor="ann")

    make_cohort(images=2)

    with database.transaction() as connection:
        assert cohorts.find_cohort(connection, cohort.name).state is CohortState.PAUSED
        assert due(connection) == []


def test_a_paused_cohort_with_nothing_left_is_complete_and_a_cancelled_one_cancelled(
    database: Database, make_cohort: MakeCohort
) -> None:
    first = make_cohort("FIRST", images=1)
    second = make_cohort("SECOND", images=2)
    with database.transaction() as connection:
        for cohort in (first, second):
            pauses.pause_cohort(connection, cohort, reason="too many fail", actor="ann")
        cohorts.cancel_cohort(connection, second.id, actor="ann")
        connection.execute("UPDATE jobs SET state = 'cancelled'")

        assert [closed.name for closed in cohorts.close_cohorts(connection)] == ["FIRST"]
        assert cohorts.find_cohort(connection, "SECOND").state is CohortState.CANCELLED


def test_a_cohort_in_which_nothing_waits_is_not_counted(database: Database, make_cohort: MakeCohort) -> None:
    make_cohort()
    with database.transaction() as connection:
        connection.execute("UPDATE jobs SET state = 'failed', error = 'x', finished_at = now()")

        assert pauses.count_failures(connection) == []

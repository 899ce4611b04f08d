"""Workers tell of themselves, what they hold is found by their leases, and those long silent are forgotten."""

from collections.abc import Callable
from uuid import uuid4

import pytest

from pantile.catalog import jobs, leases, workers
from pantile.catalog.cohorts import Cohort
from pantile.catalog.database import Connection, Database
from pantile.catalog.workers import WorkerFacts
from pantile.domain.errors import WorkerNotFound
from pantile.domain.workers import WorkerKind

MakeCohort = Callable[..., Cohort]


def tell(connection: Connection, name: str = "w", *, tasks: int = 0, is_consuming: bool = True) -> bool:
    facts = WorkerFacts(
        name=name,
        kind=WorkerKind.SEGMENT,
        host="gpu",
        pid=1,
        queues=("segment.bulk",),
        threads=4,
        version="1",
    )
    return workers.tell_worker(connection, facts, device="cpu", tasks=tasks, is_consuming=is_consuming)


def test_a_worker_is_listed_with_what_it_holds(database: Database, make_cohort: MakeCohort) -> None:
    make_cohort(images=1)
    with database.transaction() as connection:
        tell(connection)
        tell(connection, "idle")
        claimed = jobs.claim_jobs(connection, 1, worker="w", token=uuid4(), lease_s=60).jobs
        idle, busy = workers.list_workers(connection)
        leases.release(connection, "jobs", [claimed[0].lease.token])
        after = workers.get_worker(connection, "w")

    assert (idle["name"], idle["holds"]) == ("idle", [])
    assert (busy["name"], busy["host"], busy["device"], busy["queues"]) == ("w", "gpu", "cpu", ["segment.bulk"])
    assert [(held["what"], held["segmenter"], held["roi"]) for held in busy["holds"]] == [
        ("job 1", "lung", "slide0_tumor"),
        ("job 2", "breast", "slide0_tumor"),
    ]
    assert after["holds"] == []


def test_a_worker_hears_that_it_is_to_drain_until_it_is_let_work_again(database: Database) -> None:
    with database.transaction() as connection:
        before = tell(connection)
        workers.drain_worker(connection, "w", drain=True, actor="ann")
        asked = tell(connection)
        since = workers.drain_worker(connection, "w", drain=True, actor="ann")["drain_asked_at"]
        workers.drain_worker(connection, "w", drain=False, actor="ann")
        again = tell(connection)

    assert (before, asked, again) == (False, True, False)
    assert since is not None


def test_what_a_worker_told_last_counts(database: Database) -> None:
    with database.transaction() as connection:
        tell(connection, tasks=3)
        tell(connection, tasks=1, is_consuming=False)
        row = workers.get_worker(connection, "w")

    assert (row["tasks"], row["is_consuming"]) == (1, False)
    assert row["seen_at"] > row["started_at"]


def test_a_worker_that_ended_is_not_found(database: Database) -> None:
    with database.transaction() as connection:
        tell(connection)
        workers.remove_worker(connection, "w")

        with pytest.raises(WorkerNotFound):
            workers.drain_worker(connection, "w", drain=True, actor="ann")


def test_workers_that_have_long_been_silent_are_forgotten(database: Database) -> None:
    with database.transaction() as connection:
        tell(connection, "old")
        connection.execute("UPDATE workers SET seen_at = now() - interval '2 hours'")
        tell(connection, "new")

        assert workers.forget_silent(connection) == 1
        assert [row["name"] for row in workers.list_workers(connection)] == ["new"]

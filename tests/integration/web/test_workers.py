"""Workers over the API."""

from collections.abc import Callable
from uuid import uuid4

import pytest
from fastapi.testclient import TestClient

from pantile.catalog import jobs, workers
from pantile.catalog.cohorts import Cohort
from pantile.catalog.database import Database
from pantile.catalog.workers import WorkerFacts
from pantile.domain.workers import WorkerKind

MakeCohort = Callable[..., Cohort]
NAME = "segment-1-abcd@gpu"


@pytest.fixture(autouse=True)
def worker(database: Database) -> None:
    """A worker that has told of itself."""
    tell(database)


def tell(database: Database, *, is_consuming: bool = True, tasks: int = 0) -> None:
    facts = WorkerFacts(
        name=NAME, kind=WorkerKind.SEGMENT, host="gpu", pid=1, queues=("segment.bulk",), threads=4, version="1"
    )
    with database.transaction() as connection:
        workers.tell_worker(connection, facts, device="cuda:0", tasks=tasks, is_consuming=is_consuming)


def test_workers_are_listed_with_their_state_and_what_they_hold(
    client: TestClient, database: Database, make_cohort: MakeCohort
) -> None:
    make_cohort(images=1, segmenter_names=("lung",))
    with database.transaction() as connection:
        jobs.claim_jobs(connection, 1, worker=NAME, token=uuid4(), lease_s=60)

    (worker,) = client.get("/v1/workers").json()["workers"]

    assert (worker["name"], worker["kind"], worker["state"]) == (NAME, "segment", "busy")
    (held,) = worker["holds"]
    assert (held["what"], held["roi"], held["segmenter"]) == ("job 1", "slide0_tumor", "lung")
    assert client.get(f"/v1/workers/{NAME}").json() == worker


def test_a_worker_drains_until_it_holds_nothing(client: TestClient, database: Database) -> None:
    asked = client.post(f"/v1/workers/{NAME}/drain").json()
    tell(database, is_consuming=False, tasks=1)
    at_work = client.get(f"/v1/workers/{NAME}").json()
    tell(database, is_consuming=False)
    done = client.get(f"/v1/workers/{NAME}").json()
    undone = client.post(f"/v1/workers/{NAME}/undrain").json()

    assert [each["state"] for each in (asked, at_work, done, undone)] == ["draining", "draining", "drained", "idle"]
    assert undone["drain_asked_at"] is None


def test_a_worker_that_tells_nothing_is_silent(client: TestClient, database: Database) -> None:
    with database.transaction() as connection:
        connection.execute("UPDATE workers SET seen_at = now() - interval '1 minute'")

    assert client.get(f"/v1/workers/{NAME}").json()["state"] == "silent"


@pytest.mark.parametrize(("method", "end"), [("GET", ""), ("POST", "/drain"), ("POST", "/undrain")])
def test_an_unknown_worker_is_not_found(client: TestClient, method: str, end: str) -> None:
    answer = client.request(method, f"/v1/workers/nobody@nowhere{end}")

    assert answer.status_code == 404
    assert answer.json()["detail"] == "There is no such worker, or it has ended: nobody@nowhere"

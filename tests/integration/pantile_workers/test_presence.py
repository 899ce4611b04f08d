"""A worker process is on the list while it lives, and is drained and let work again while it runs."""

import signal
import time
from collections.abc import Callable, Iterator

import pytest

from pantile.catalog import outbox, workers
from pantile.catalog.database import Database, Row
from pantile.domain.workers import WorkerKind
from pantile.queue import Sender
from pantile.settings import Settings
from tests.integration.pantile_workers.conftest import Submit
from tests.worker_process import running_worker


@pytest.fixture
def name(settings: Settings, database: Database) -> Iterator[str]:
    """The name of an imaging worker that runs as a process of its own."""
    with running_worker(settings, WorkerKind.IMAGING) as process:
        wait_until(lambda: bool(listed(database)))
        (row,) = listed(database)
        assert (row["kind"], row["pid"], row["queues"]) == ("imaging", process.pid, ["imaging"])
        yield row["name"]


def listed(database: Database) -> list[Row]:
    with database.transaction() as connection:
        return workers.list_workers(connection)


def wait_until(holds: Callable[[], bool], *, patience_s: float = 120.0) -> None:
    deadline = time.monotonic() + patience_s
    while not holds():
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.1)


def drain(database: Database, name: str, *, drain: bool) -> None:
    with database.transaction() as connection:
        workers.drain_worker(connection, name, drain=drain, actor="test")
    wait_until(lambda: listed(database)[0]["is_consuming"] is not drain)


def send_due(database: Database, sender: Sender) -> None:
    with database.transaction() as connection:
        sender.send(outbox.due_chores(connection, limit=100))


def ingested(database: Database) -> int:
    with database.transaction() as connection:
        row = connection.execute("SELECT count(*) AS stored FROM rois WHERE state = 'stored'").fetchone()
    assert row is not None
    return int(row["stored"])


def test_a_drained_worker_takes_nothing_until_it_is_let_work_again(
    database: Database, sender: Sender, submit: Submit, register: Callable[..., None], jpeg: Callable[[int], bytes],
    name: str,
) -> None:  # fmt: skip
    register("lung")
    submit({"a.jpg": jpeg(0)})
    send_due(database, sender)
    wait_until(lambda: ingested(database) == 1)

    drain(database, name, drain=True)
    submit({"b.jpg": jpeg(1)})
    send_due(database, sender)
    seen_at = listed(database)[0]["seen_at"]
    wait_until(lambda: listed(database)[0]["seen_at"] > seen_at)
    queued_while_drained = sender.count_under_way().queued["imaging"]

    drain(database, name, drain=False)
    wait_until(lambda: ingested(database) == 2)

    assert queued_while_drained == 1
    assert [row["name"] for row in listed(database)] == [name]


def test_a_worker_that_is_told_to_stop_leaves_the_list_and_one_that_is_killed_stays(
    settings: Settings, database: Database
) -> None:
    with running_worker(settings, WorkerKind.IMAGING) as told, running_worker(settings, WorkerKind.IMAGING) as killed:
        wait_until(lambda: len(listed(database)) == 2)
        killed.send_signal(signal.SIGKILL)
        told.send_signal(signal.SIGTERM)
        told.wait(60)

    assert [row["pid"] for row in listed(database)] == [killed.pid]

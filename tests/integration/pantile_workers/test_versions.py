"""A worker beside coordinators of other versions: what it knows it does, and what is newer it leaves to others."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from pantile.catalog import outbox, workers
from pantile.catalog.database import Database, Row
from pantile.domain.messages import VERSION
from pantile.domain.workers import WorkerKind
from pantile.queue import Sender, make_celery
from pantile.settings import Settings
from tests.integration.pantile_workers.conftest import Submit
from tests.worker_process import running_worker

Send = Callable[[dict[str, Any]], None]


@pytest.fixture
def send(settings: Settings) -> Iterator[Send]:
    """Sends what asks for an ingest, as another version's coordinator might."""
    with make_celery(settings) as app:
        yield lambda kwargs: app.send_task("ingest-roi", kwargs=kwargs, queue="imaging")


@pytest.fixture
def chore_id(database: Database, submit: Submit, register: Callable[..., None], jpeg: Callable[[int], bytes]) -> int:
    """An ingest that waits."""
    register("lung")
    submit({"a.jpg": jpeg(0)})
    with database.transaction() as connection:
        (due,) = outbox.due_chores(connection, limit=9)
    return due.chore_id


def wait_until(holds: Callable[[], bool], *, patience_s: float = 120.0) -> None:
    deadline = time.monotonic() + patience_s
    while not holds():
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.1)


def read(database: Database, chore_id: int) -> Row:
    with database.transaction() as connection:
        row = connection.execute("SELECT state, attempt FROM chores WHERE id = %s", [chore_id]).fetchone()
    assert row is not None
    return row


@pytest.mark.parametrize("more", [{}, {"roi": "S_tumor"}, {"roi": "S_tumor", "urgency": 3}])
def test_older_messages_and_those_with_something_new_in_them_are_worked_off(
    settings: Settings, database: Database, send: Send, chore_id: int, more: dict[str, Any]
) -> None:
    with running_worker(settings, WorkerKind.IMAGING):
        send({"v": 1, "chore_id": chore_id, **more})
        wait_until(lambda: read(database, chore_id)["state"] == "succeeded")


def test_a_message_that_is_too_new_is_left_with_its_row_to_newer_workers(
    settings: Settings, database: Database, sender: Sender, send: Send, chore_id: int
) -> None:
    def listed() -> list[Row]:
        with database.transaction() as connection:
            return workers.list_workers(connection)

    with running_worker(settings, WorkerKind.IMAGING):
        wait_until(lambda: bool(listed()))
        send({"v": VERSION + 1, "chore_id": chore_id})
        wait_until(lambda: sender.count_under_way().queued["imaging"] == 0)
        wait_until(lambda: sender.count_under_way().messages == 0)
        left = read(database, chore_id)

        send({"v": VERSION, "chore_id": chore_id})
        wait_until(lambda: read(database, chore_id)["state"] == "succeeded")

    assert left == {"state": "waiting", "attempt": 0}

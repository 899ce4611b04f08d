"""Messages go out once for each waiting row, after the rows; what the queue loses is sent again."""

import json
import threading
import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from pydantic import SecretStr
from redis import Redis

from pantile.catalog import jobs, outbox
from pantile.catalog.cohorts import Cohort
from pantile.catalog.database import Database
from pantile.catalog.jobs import JobFilter
from pantile.coordinator.dispatch import dispatch
from pantile.coordinator.loop import run_coordinator
from pantile.coordinator.reconcile import reconcile
from pantile.domain.errors import BrokerDown
from pantile.queue import KEY_PREFIX, Sender
from pantile.settings import Settings

MakeCohort = Callable[..., Cohort]


def queued(settings: Settings) -> list[dict[str, Any]]:
    """The queued messages' headers, oldest first."""
    redis = Redis.from_url(settings.broker_url.get_secret_value())
    return [json.loads(raw)["headers"] for raw in reversed(redis.lrange(f"{KEY_PREFIX}segment.bulk", 0, -1))]


def test_each_waiting_job_gets_one_message_that_names_roi_and_segmenter(
    settings: Settings, database: Database, sender: Sender, make_cohort: MakeCohort
) -> None:
    make_cohort(images=2)

    first = dispatch(database, sender, most_queued=1000)
    second = dispatch(database, sender, most_queued=1000)

    assert (first.jobs, second.jobs) == (4, 0)
    headers = queued(settings)
    assert [header["task"] for header in headers] == ["segment-roi"] * 4
    assert "slide0_tumor" in headers[0]["kwargsrepr"]
    assert "lung" in headers[0]["kwargsrepr"]


def lose_messages(settings: Settings, number: int) -> None:
    """Takes the oldest messages out of the queue, as a worker does that dies before it has noted them."""
    Redis.from_url(settings.broker_url.get_secret_value()).rpop(f"{KEY_PREFIX}segment.bulk", number)


def let_pass(database: Database, seconds: int) -> None:
    """Makes what was sent that much older."""
    with database.transaction() as connection:
        connection.execute("UPDATE jobs SET published_at = published_at - make_interval(secs => %s)", [seconds])


def test_messages_that_are_missing_in_the_queue_are_sent_again_when_stale(
    settings: Settings, database: Database, sender: Sender, make_cohort: MakeCohort
) -> None:
    make_cohort(images=3)
    dispatch(database, sender, most_queued=1000)
    lose_messages(settings, 2)
    let_pass(database, 299)
    young = reconcile(database, sender, stale_s=300).hints_lost
    let_pass(database, 2)

    stale = reconcile(database, sender, stale_s=300).hints_lost

    assert (young, stale) == (0, 2)
    assert dispatch(database, sender, most_queued=1000).jobs == 2
    assert ["slide0_tumor" in header["kwargsrepr"] for header in queued(settings)] == [False] * 4 + [True] * 2


def test_however_long_a_queue_takes_nothing_in_it_is_sent_twice(
    settings: Settings, database: Database, sender: Sender, make_cohort: MakeCohort
) -> None:
    make_cohort(images=3)
    dispatch(database, sender, most_queued=1000)

    for _ in range(3):
        let_pass(database, 3600)
        assert reconcile(database, sender, stale_s=300).hints_lost == 0
        assert dispatch(database, sender, most_queued=1000).jobs == 0

    assert len(queued(settings)) == 6


def test_a_row_that_somebody_holds_locked_holds_up_no_other(
    database: Database, sender: Sender, make_cohort: MakeCohort
) -> None:
    make_cohort(images=2)
    with database.transaction() as frozen:
        frozen.execute("SELECT 1 FROM jobs WHERE id = 1 FOR UPDATE")

        first, meanwhile = (
            dispatch(database, sender, most_queued=1000).jobs,
            dispatch(database, sender, most_queued=1000).jobs,
        )
        reconcile(database, sender, stale_s=300)
    dispatch(database, sender, most_queued=1000)

    assert (first, meanwhile) == (4, 1)
    assert dispatch(database, sender, most_queued=1000).jobs == 0


def test_rows_that_are_not_due_are_not_sent(database: Database, sender: Sender, make_cohort: MakeCohort) -> None:
    make_cohort(images=1)
    with database.transaction() as connection:
        connection.execute("UPDATE jobs SET not_before = now() + interval '1 h'")

    assert dispatch(database, sender, most_queued=1000).jobs == 0


def test_of_two_coordinators_one_sends(database: Database, sender: Sender, make_cohort: MakeCohort) -> None:
    make_cohort(images=1)
    with database.transaction() as other:
        assert outbox.may_publish(other)

        assert dispatch(database, sender, most_queued=1000).jobs == 0

    assert dispatch(database, sender, most_queued=1000).jobs == 2


def test_no_more_messages_are_queued_than_redis_is_to_hold(
    settings: Settings, database: Database, sender: Sender, make_cohort: MakeCohort
) -> None:
    make_cohort(images=3)

    first, full = (dispatch(database, sender, most_queued=4).jobs for _ in range(2))
    lose_messages(settings, 3)
    again = dispatch(database, sender, most_queued=4).jobs

    assert (first, full, again) == (4, 0, 2)


def test_an_emptied_queue_is_noticed_and_its_messages_are_sent_again(
    settings: Settings, database: Database, sender: Sender, make_cohort: MakeCohort
) -> None:
    make_cohort(images=1)
    dispatch(database, sender, most_queued=1000)
    with database.transaction() as connection:
        connection.execute("UPDATE jobs SET published_at = published_at - interval '10 s'")
    before = reconcile(database, sender, stale_s=300).hints_lost
    Redis.from_url(settings.broker_url.get_secret_value()).flushall()

    lost = reconcile(database, sender, stale_s=300).hints_lost

    assert (before, lost) == (0, 2)
    assert dispatch(database, sender, most_queued=1000).jobs == 2


def test_a_broker_that_is_down_leaves_the_rows_unpublished(
    settings: Settings, database: Database, sender: Sender, make_cohort: MakeCohort
) -> None:
    make_cohort(images=1)
    nowhere = Sender(settings.model_copy(update={"broker_url": SecretStr("redis://127.0.0.1:1/0")}))

    with pytest.raises(BrokerDown, match="Redis does not answer"):
        dispatch(database, nowhere, most_queued=1000)

    assert dispatch(database, sender, most_queued=1000).jobs == 2


def test_the_coordinator_sends_as_soon_as_work_is_announced(
    settings: Settings, database: Database, make_cohort: MakeCohort
) -> None:
    slow = settings.model_copy(update={"dispatch_interval_s": 60.0, "reconcile_interval_s": 60.0})
    stop, ready = threading.Event(), threading.Event()
    thread = threading.Thread(target=lambda: run_coordinator(slow, stop=stop, on_ready=ready.set))
    thread.start()
    assert ready.wait(20)

    cohort = make_cohort(images=1)
    deadline = time.monotonic() + 20
    while len(queued(settings)) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    sent = len(queued(settings))
    stop.set()
    make_cohort("OTHER", images=3)
    thread.join(20)

    assert sent == 2
    assert not thread.is_alive()
    with database.transaction() as connection:
        assert all(row["published_at"] for row in jobs.list_jobs(connection, JobFilter(cohort_id=cohort.id)))


def test_reconciling_returns_ended_leases_and_closes_finished_cohorts(
    database: Database, sender: Sender, make_cohort: MakeCohort
) -> None:
    cohort = make_cohort(images=1, segmenter_names=("lung",))
    with database.transaction() as connection:
        (job,) = jobs.list_jobs(connection, JobFilter(cohort_id=cohort.id))
        jobs.claim_jobs(connection, job["id"], worker="w", token=uuid4(), lease_s=-1)

    ended = reconcile(database, sender, stale_s=300)
    with database.transaction() as connection:
        connection.execute("UPDATE jobs SET state = 'cancelled'")
    closed = reconcile(database, sender, stale_s=300)

    assert (ended.leases_ended, ended.cohorts_closed) == (1, ())
    assert closed.cohorts_closed == (cohort.name,)

"""What the coordinator measures is what the catalog and the queue hold, and nothing of what has gone."""

from collections.abc import Callable
from itertools import count
from uuid import uuid4

import pytest
from pydantic import SecretStr

from pantile.catalog import cohorts, jobs, measurements, pauses
from pantile.catalog.cohorts import Cohort
from pantile.catalog.database import Database
from pantile.coordinator.dispatch import dispatch
from pantile.coordinator.measuring import measure
from pantile.metrics import CATALOG, REGISTRY
from pantile.queue import Sender
from pantile.settings import Settings
from tests.shown_metrics import shown

MakeCohort = Callable[..., Cohort]


@pytest.fixture(autouse=True)
def _nothing_shown() -> None:
    CATALOG.show({})


def test_jobs_are_shown_by_cohort_segmenter_and_state(
    database: Database, sender: Sender, make_cohort: MakeCohort
) -> None:
    make_cohort("TCGA-BRCA", images=3)
    with database.transaction() as connection:
        jobs.claim_jobs(connection, 1, worker="w", token=uuid4(), lease_s=60)

    measure(database, sender)

    assert shown("pantile_cohort_jobs", cohort="TCGA-BRCA", segmenter="lung", state="waiting") == 2
    assert shown("pantile_cohort_jobs", cohort="TCGA-BRCA", segmenter="breast", state="running") == 1
    assert shown("pantile_cohort_jobs_left", cohort="TCGA-BRCA") == 6
    assert shown("pantile_cohort_rois", cohort="TCGA-BRCA", state="stored") == 3
    assert shown("pantile_cohort_state", cohort="TCGA-BRCA", state="open") == 1
    assert shown("pantile_work", work="job", state="waiting") == 4
    assert shown("pantile_work", work="overlay", state="waiting") == 0
    assert shown("pantile_measured_timestamp_seconds") > 0


def test_images_on_their_way_count_with_the_jobs_they_will_have(
    database: Database, sender: Sender, make_cohort: MakeCohort
) -> None:
    make_cohort("TCGA-BRCA", images=2)
    with database.transaction() as connection:
        connection.execute("UPDATE rois SET state = 'arriving' WHERE id = 1")
        connection.execute("DELETE FROM cohort_jobs WHERE roi_id = 1")
        connection.execute("UPDATE job_counts SET jobs = jobs / 2")

    measure(database, sender)

    assert shown("pantile_cohort_jobs_left", cohort="TCGA-BRCA") == 2 + 2


def test_a_cancelled_cohort_has_nothing_left_to_do(database: Database, sender: Sender, make_cohort: MakeCohort) -> None:
    cohort = make_cohort("TCGA-BRCA")
    measure(database, sender)
    before = shown("pantile_cohort_jobs_left", cohort="TCGA-BRCA")
    with database.transaction() as connection:
        cohorts.cancel_cohort(connection, cohort.id, actor="test")

    measure(database, sender)

    assert before == 4
    assert REGISTRY.get_sample_value("pantile_cohort_jobs_left", {"cohort": "TCGA-BRCA"}) is None
    assert REGISTRY.get_sample_value("pantile_cohort_state", {"cohort": "TCGA-BRCA", "state": "open"}) is None
    assert shown("pantile_cohort_jobs", cohort="TCGA-BRCA", segmenter="lung", state="cancelled") == 2


def test_the_first_job_that_is_due_tells_the_age_and_paused_cohorts_do_not(
    database: Database, sender: Sender, make_cohort: MakeCohort
) -> None:
    paused = make_cohort("PAUSED", images=1)
    make_cohort("OPEN", images=2)
    with database.transaction() as connection:
        connection.execute("UPDATE jobs SET not_before = now() - interval '1 h' WHERE id <= 2")
        connection.execute("UPDATE jobs SET not_before = now() - interval '10 min' WHERE id > 2")
        # Its own jobs, not those that the other cohort has as well.
        connection.execute("DELETE FROM cohort_jobs WHERE job_id <= 2 AND cohort_id <> %s", [paused.id])
    measure(database, sender)
    open_s = shown("pantile_work_oldest_seconds", work="job")
    with database.transaction() as connection:
        pauses.pause_cohort(connection, paused, reason="test", actor="ann")

    measure(database, sender)

    assert open_s > 3000
    assert 500 < shown("pantile_work_oldest_seconds", work="job") < 3000


def test_messages_are_shown_by_queue(database: Database, sender: Sender, make_cohort: MakeCohort) -> None:
    make_cohort(images=2)
    dispatch(database, sender, most_queued=1000)

    measure(database, sender)

    assert shown("pantile_queue_messages", queue="segment.bulk") == 4
    assert shown("pantile_queue_unacknowledged") == 0


def test_a_queue_that_does_not_answer_leaves_the_rest(
    database: Database, settings: Settings, make_cohort: MakeCohort
) -> None:
    make_cohort("TCGA-BRCA")
    nowhere = Sender(settings.model_copy(update={"broker_url": SecretStr("redis://127.0.0.1:9/0")}))
    errors = shown("pantile_server_errors_total", server="broker")

    measure(database, nowhere)

    assert REGISTRY.get_sample_value("pantile_queue_unacknowledged") is None
    assert shown("pantile_cohort_jobs_left", cohort="TCGA-BRCA") == 4
    assert shown("pantile_server_errors_total", server="broker") == errors + 1


def test_cohorts_under_way_are_told_apart_before_those_that_ended(database: Database, sender: Sender) -> None:
    numbers = count()
    with database.transaction() as connection:
        for state in ["open", *["complete"] * (measurements.MOST_COHORTS + 5), "paused"]:
            connection.execute(
                """
                INSERT INTO cohorts (name, state, closed_at, pause_reason)
                VALUES (%s, %s, now(), CASE %s WHEN 'paused' THEN 'test' END)
                """,
                [f"C{next(numbers)}", state, state],
            )

    measure(database, sender)

    family = next(family for family in CATALOG.collect() if family.name == "pantile_cohort_state")
    states = [sample.labels["state"] for sample in family.samples]
    assert (len(states), states.count("open"), states.count("paused")) == (measurements.MOST_COHORTS, 1, 1)

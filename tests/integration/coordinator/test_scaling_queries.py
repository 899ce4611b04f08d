"""What KEDA asks the catalog, as the Helm chart's values have it: open work, running work, and nobody's paused jobs."""

from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import pytest
import yaml

from pantile.catalog import jobs, pauses
from pantile.catalog.cohorts import Cohort
from pantile.catalog.database import Database

MakeCohort = Callable[..., Cohort]

VALUES = yaml.safe_load((Path(__file__).parents[3] / "infra" / "helm" / "pantile" / "values.yaml").read_text())


def ask(database: Database, part: str) -> int:
    query = VALUES[part]["autoscaling"]["query"]
    with database.transaction() as connection:
        row = connection.execute(query).fetchone()
    assert row
    (number,) = row.values()
    return int(number)


@pytest.mark.parametrize("part", ["segment", "imaging", "evaluate"])
def test_an_empty_catalog_wants_no_worker(database: Database, part: str) -> None:
    assert ask(database, part) == 0


def test_jobs_that_wait_and_that_run_want_segment_workers(database: Database, make_cohort: MakeCohort) -> None:
    make_cohort(images=3)
    before = ask(database, "segment")
    with database.transaction() as connection:
        jobs.claim_jobs(connection, 1, worker="w", token=uuid4(), lease_s=60)
    running = ask(database, "segment")
    with database.transaction() as connection:
        connection.execute("UPDATE jobs SET state = 'succeeded', lease_token = NULL, lease_until = NULL")

    assert (before, running, ask(database, "segment")) == (6, 6, 0)


def test_of_a_paused_cohort_only_what_runs_wants_a_worker(database: Database, make_cohort: MakeCohort) -> None:
    cohort = make_cohort(images=3)
    with database.transaction() as connection:
        jobs.claim_jobs(connection, 1, worker="w", token=uuid4(), lease_s=60)
        pauses.pause_cohort(connection, cohort, reason="test", actor="ann")

    assert ask(database, "segment") == 2


def test_chores_want_the_workers_that_do_them(database: Database, make_cohort: MakeCohort) -> None:
    make_cohort(images=3)
    with database.transaction() as connection:
        connection.execute("INSERT INTO chores (kind, roi_id) SELECT 'compare', id FROM rois")
        connection.execute("INSERT INTO chores (kind, roi_id) SELECT 'evaluate', id FROM rois LIMIT 1")

    assert (ask(database, "imaging"), ask(database, "evaluate")) == (3, 1)

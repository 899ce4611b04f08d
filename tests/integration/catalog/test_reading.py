"""What is asked for often reads a few rows for each that it gives, however many jobs there are beside them.

PostgreSQL itself counts the rows. What the coordinator asks has to do without statistics of the tables, which come up
to a minute after a submission.
"""

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from pantile.catalog import cohorts, jobs, outbox, pauses
from pantile.catalog.cohorts import Cohort
from pantile.catalog.database import Connection, Database
from pantile.catalog.jobs import JobFilter
from pantile.domain.jobs import JobState

MakeCohort = Callable[..., Cohort]

IMAGES = 600
GIVEN = 10
A_FEW = 8


@pytest.fixture
def first(make_cohort: MakeCohort) -> Cohort:
    """A cohort of 1,200 jobs."""
    return make_cohort("FIRST", images=IMAGES)


@pytest.fixture
def known(database: Database, first: Cohort) -> Cohort:
    """The same cohort, once PostgreSQL has statistics of it."""
    with database.transaction() as connection:
        connection.execute("ANALYZE")
    return first


def rows_read(database: Database, ask: Callable[[Connection], Sequence[Any]]) -> tuple[int, int]:
    """How many rows were given, and how many read for them."""
    with database.transaction() as connection:
        before = _rows_read(connection)
        given = ask(connection)
        return len(given), _rows_read(connection) - before


def _rows_read(connection: Connection) -> int:
    row = connection.execute(
        "SELECT sum(coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0)) AS rows FROM pg_stat_xact_user_tables"
    ).fetchone()
    return int(row["rows"]) if row else 0


def test_messages_that_are_due(database: Database, first: Cohort) -> None:
    given, read = rows_read(database, lambda connection: outbox.due_jobs(connection, limit=GIVEN))

    assert given == GIVEN
    assert read <= A_FEW * GIVEN


def test_messages_that_are_due_behind_those_that_are_out(database: Database, first: Cohort) -> None:
    with database.transaction() as connection:
        out = [message.job_id for message in outbox.due_jobs(connection, limit=IMAGES)]
        outbox.mark_published(connection, "jobs", out)

    given, read = rows_read(database, lambda connection: outbox.due_jobs(connection, limit=GIVEN))

    assert given == GIVEN
    assert read <= A_FEW * GIVEN


def test_cohorts_that_are_done_where_none_is(database: Database, first: Cohort) -> None:
    given, read = rows_read(database, cohorts.close_cohorts)

    assert given == 0
    assert read <= 2 * A_FEW


def test_failures_where_nothing_failed(database: Database, first: Cohort) -> None:
    given, read = rows_read(database, pauses.count_failures)

    assert given == 0
    assert read <= A_FEW


def test_failures_where_few_failed(database: Database, known: Cohort) -> None:
    with database.transaction() as connection:
        connection.execute("UPDATE jobs SET state = 'failed', error = 'x', finished_at = now() WHERE id <= 5")

    given, read = rows_read(database, pauses.count_failures)

    assert given == 1
    assert read <= A_FEW * GIVEN


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (JobFilter(), GIVEN),
        (JobFilter(state=JobState.WAITING), GIVEN),
        (JobFilter(state=JobState.FAILED), 0),
        (JobFilter(segmenter="lung"), GIVEN),
        (JobFilter(roi="slide599_tumor"), 2),
    ],
)
def test_a_page_of_jobs(database: Database, known: Cohort, wanted: JobFilter, expected: int) -> None:
    given, read = rows_read(database, lambda connection: jobs.list_jobs(connection, wanted, limit=GIVEN))

    assert given == expected
    assert read <= A_FEW * GIVEN


def test_a_page_of_a_later_cohorts_jobs(database: Database, known: Cohort, make_cohort: MakeCohort) -> None:
    later = make_cohort("LATER", images=GIVEN, segmenter_names=("colon",))
    wanted = JobFilter(cohort_id=later.id)

    given, read = rows_read(database, lambda connection: jobs.list_jobs(connection, wanted, limit=GIVEN))

    assert given == GIVEN
    assert read <= A_FEW * GIVEN


def test_a_page_far_behind(database: Database, known: Cohort) -> None:
    wanted = JobFilter(cohort_id=known.id)

    given, read = rows_read(database, lambda connection: jobs.list_jobs(connection, wanted, after=1000, limit=GIVEN))

    assert given == GIVEN
    assert read <= A_FEW * GIVEN

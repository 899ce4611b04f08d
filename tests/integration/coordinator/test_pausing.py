"""A cohort is paused when more of its jobs have failed than the limit bears, and not before."""

from collections.abc import Callable

from pantile.catalog import cohorts
from pantile.catalog.cohorts import Cohort
from pantile.catalog.database import Database
from pantile.coordinator.pausing import pause_failing
from pantile.domain.cohorts import CohortState, FailureLimit

MakeCohort = Callable[..., Cohort]

LIMIT = FailureLimit(first_jobs=10, first_share=0.2, share=0.05)


def end_jobs(database: Database, *, failed: int, succeeded: int = 0) -> None:
    with database.transaction() as connection:
        connection.execute(
            """
            UPDATE jobs SET state = CASE WHEN id <= %(failed)s THEN 'failed' ELSE 'succeeded' END,
                error = 'The segmenter cannot be run.', finished_at = now()
            WHERE id <= %(failed)s + %(succeeded)s
            """,
            {"failed": failed, "succeeded": succeeded},
        )


def test_a_cohort_whose_first_jobs_mostly_fail_is_paused_with_the_reason(
    database: Database, make_cohort: MakeCohort
) -> None:
    cohort = make_cohort(images=20)
    end_jobs(database, failed=2, succeeded=1)
    within = pause_failing(database, LIMIT)
    end_jobs(database, failed=3, succeeded=1)

    beyond = pause_failing(database, LIMIT)

    assert (within, beyond) == ((), (cohort.name,))
    with database.transaction() as connection:
        paused = cohorts.find_cohort(connection, cohort.name)
    assert paused.state is CohortState.PAUSED
    assert paused.pause_reason == (
        "3 of the 4 jobs that have ended failed, most often so: The segmenter cannot be run."
    )


def test_later_jobs_have_a_limit_of_their_own(database: Database, make_cohort: MakeCohort) -> None:
    make_cohort(images=50)
    end_jobs(database, failed=4, succeeded=46)
    within = pause_failing(database, LIMIT)
    end_jobs(database, failed=5, succeeded=45)

    assert (within, pause_failing(database, LIMIT)) == ((), ("TCGA-BRCA",))

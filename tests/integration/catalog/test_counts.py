"""A cohort's jobs are counted as they change, and the counts are always those of the jobs themselves."""

from collections.abc import Callable
from uuid import uuid4

from pantile.catalog import cohorts, job_changes, jobs, leases, rois
from pantile.catalog.cohorts import Cohort
from pantile.catalog.database import Connection, Database, Row
from pantile.catalog.jobs import JobFilter
from pantile.catalog.rois import SubmittedRoi
from pantile.domain.cohorts import read_rows

MakeCohort = Callable[..., Cohort]
Counts = dict[tuple[str, str], int]


def counted(connection: Connection, cohort: Cohort) -> Counts:
    """What the counts say, by segmenter and state."""
    return {(row["segmenter"], row["state"]): row["jobs"] for row in cohorts.count_jobs(connection, cohort.id)}


def found(connection: Connection, cohort: Cohort) -> Counts:
    """What there is, by segmenter and state."""
    counts: Counts = {}
    for job in jobs.list_jobs(connection, JobFilter(cohort_id=cohort.id), limit=1000):
        key = (job["segmenter"], job["state"])
        counts[key] = counts.get(key, 0) + 1
    return counts


def enlarge(connection: Connection, cohort: Cohort, *, paths: tuple[str, ...], sha256: str) -> None:
    """Submits ROIs that all have one image."""
    rows = read_rows([(path, {"path": path, "mpp": "0.25"}) for path in paths], columns=["path", "mpp"], cohort="C")
    rois.add_rois(connection, cohort.id, [SubmittedRoi(row=row, sha256=sha256, bytes=1) for row in rows])
    jobs.plan_jobs(connection, cohort.id, max_attempts=3)


def test_every_change_of_a_job_is_counted(database: Database, make_cohort: MakeCohort) -> None:
    cohort = make_cohort(images=4)
    with database.transaction() as connection:
        first, second, third, _ = [row["id"] for row in jobs.list_jobs(connection, JobFilter(segmenter="lung"))]
        for job_id in (first, second, third):
            jobs.claim_jobs(connection, job_id, worker="w", token=uuid4(), lease_s=60)
        claimed = connection.execute("SELECT id, lease_token FROM jobs WHERE state = 'running' ORDER BY id").fetchall()
        held = [leases.Lease(table="jobs", row_id=row["id"], token=row["lease_token"]) for row in claimed]
        leases.succeed(connection, held[0])
        leases.fail(connection, held[1], kind="Broken", sentence="broken")
        leases.give_back(connection, held[2], kind="Down", sentence="down", charge=False)

        assert counted(connection, cohort) == found(connection, cohort)
        assert counted(connection, cohort)["lung", "succeeded"] == 1

        cohorts.cancel_cohort(connection, cohort.id, actor="ann")
        job_changes.retry_job(connection, held[1].row_id, actor="ann")

        assert counted(connection, cohort) == found(connection, cohort)
        assert counted(connection, cohort)["breast", "waiting"] == 1


def test_a_job_that_two_cohorts_hold_is_counted_in_both(database: Database, make_cohort: MakeCohort) -> None:
    one = make_cohort("ONE", images=3)
    with database.transaction() as connection:
        job_id = jobs.list_jobs(connection, JobFilter(cohort_id=one.id))[0]["id"]
        jobs.claim_jobs(connection, job_id, worker="w", token=uuid4(), lease_s=60)
    other = make_cohort("OTHER", images=2)

    with database.transaction() as connection:
        leases.release(connection, "jobs", [row["lease_token"] for row in running(connection)][:1])

        assert counted(connection, one) == found(connection, one) == {("lung", "waiting"): 3, ("breast", "waiting"): 3}
        assert counted(connection, other) == found(connection, other)


def running(connection: Connection) -> list[Row]:
    """The jobs that are held."""
    return connection.execute("SELECT lease_token FROM jobs WHERE state = 'running'").fetchall()


def test_a_job_of_two_rois_of_a_cohort_is_counted_once(database: Database, make_cohort: MakeCohort) -> None:
    cohort = make_cohort(images=1)

    with database.transaction() as connection:
        enlarge(connection, cohort, paths=("twin1.jpg", "twin2.jpg"), sha256=f"{0:064x}")

        assert (
            counted(connection, cohort)
            == found(connection, cohort)
            == {
                ("lung", "waiting"): 1,
                ("breast", "waiting"): 1,
            }
        )


def test_a_refused_image_that_is_replaced_takes_its_jobs_out_of_the_counts(
    database: Database, make_cohort: MakeCohort
) -> None:
    cohort = make_cohort(images=2)
    with database.transaction() as connection:
        connection.execute("UPDATE rois SET state = 'refused', error = 'x' WHERE name = 'slide0_tumor'")

        enlarge(connection, cohort, paths=("slide0.jpg",), sha256="f" * 64)

        assert (
            counted(connection, cohort)
            == found(connection, cohort)
            == {
                ("lung", "waiting"): 1,
                ("breast", "waiting"): 1,
            }
        )


def test_folding_changes_no_count(database: Database, make_cohort: MakeCohort) -> None:
    cohort = make_cohort(images=60, segmenter_names=("lung",))
    with database.transaction() as connection:
        for job in jobs.list_jobs(connection, JobFilter()):
            jobs.claim_jobs(connection, job["id"], worker="w", token=uuid4(), lease_s=60)
    with database.transaction() as connection:
        connection.execute("UPDATE jobs SET state = 'succeeded', lease_token = NULL, lease_until = NULL WHERE id <= 20")
    with database.transaction() as connection:
        before = cohorts.count_jobs(connection, cohort.id)

        cohorts.fold_counts(connection)

        assert cohorts.count_jobs(connection, cohort.id) == before
        assert counted(connection, cohort) == found(connection, cohort)
        rows = connection.execute("SELECT count(*) AS rows FROM job_counts").fetchone()
        assert rows is not None
        assert rows["rows"] <= 4

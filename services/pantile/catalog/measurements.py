"""Measurements: what the catalog says of the whole system at one moment, in few rows, for metrics."""

from pantile.catalog.database import Connection, Row
from pantile.catalog.pauses import NOT_PAUSED

MOST_COHORTS = 200
"""Cohorts that are told apart: those under way first, then those that ended last."""

MOST_ACCOUNTS = 100
"""Accounts that are told apart by their scores: those with most of them."""

_CHOSEN = f"""
    chosen AS MATERIALIZED (
        SELECT id, name, state FROM cohorts
        ORDER BY state NOT IN ('open', 'paused'), closed_at DESC NULLS FIRST, id DESC LIMIT {MOST_COHORTS}
    )
"""  # noqa: S608 — a constant of this module


def list_cohort_states(connection: Connection) -> list[Row]:
    """The cohorts that are told apart: name and state."""
    return connection.execute(f"WITH {_CHOSEN} SELECT name AS cohort, state FROM chosen").fetchall()  # noqa: S608


def count_cohort_jobs(connection: Connection) -> list[Row]:
    """Their jobs by cohort, segmenter and state."""
    return connection.execute(
        f"""
        WITH {_CHOSEN}
        SELECT c.name AS cohort, s.name AS segmenter, n.state, sum(n.jobs)::bigint AS jobs
        FROM chosen c JOIN job_counts n ON n.cohort_id = c.id JOIN segmenters s ON s.id = n.segmenter_id
        GROUP BY c.name, s.name, n.state
        """  # noqa: S608 — joined from constants of this module
    ).fetchall()


def count_cohort_rois(connection: Connection) -> list[Row]:
    """The ROIs of cohorts under way by cohort and state; `asked` is how many jobs each of them is to have."""
    return connection.execute(
        f"""
        WITH {_CHOSEN}
        SELECT c.name AS cohort, r.state, count(*) AS rois,
               (SELECT count(*) FROM cohort_segmenters WHERE cohort_id = c.id) AS asked
        FROM chosen c JOIN rois r ON r.cohort_id = c.id
        WHERE c.state IN ('open', 'paused') GROUP BY c.id, c.name, r.state
        """  # noqa: S608 — joined from constants of this module
    ).fetchall()


def measure_work(connection: Connection) -> list[Row]:
    """What waits and runs, of jobs, each kind of chores, and trainings; with the age in seconds of the first due."""
    return connection.execute(
        f"""
        SELECT 'job' AS work,
               (SELECT count(*) FROM jobs WHERE state = 'waiting') AS waiting,
               (SELECT count(*) FROM jobs WHERE state = 'running') AS running,
               (SELECT extract(epoch FROM clock_timestamp() - j.not_before)::float8 FROM jobs j
                WHERE j.state = 'waiting' AND j.not_before <= clock_timestamp() AND {NOT_PAUSED}
                ORDER BY j.id LIMIT 1) AS oldest_s
        UNION ALL
        SELECT kind, count(*) FILTER (WHERE state = 'waiting'), count(*) FILTER (WHERE state = 'running'),
               extract(epoch FROM clock_timestamp()
                       - min(not_before) FILTER (WHERE state = 'waiting' AND not_before <= clock_timestamp()))::float8
        FROM chores WHERE state IN ('waiting', 'running') GROUP BY kind
        UNION ALL
        SELECT 'training', count(*) FILTER (WHERE state = 'waiting'), count(*) FILTER (WHERE state = 'running'),
               extract(epoch FROM clock_timestamp()
                       - min(not_before) FILTER (WHERE state = 'waiting' AND not_before <= clock_timestamp()))::float8
        FROM trainings WHERE state IN ('waiting', 'running')
        """  # noqa: S608 — joined from constants
    ).fetchall()


def count_recent_scores(connection: Connection) -> list[Row]:
    """Scores that were given or changed in the last 24 h, by account."""
    return connection.execute(
        """
        SELECT a.account_id, count(*) AS scores
        FROM scores v JOIN assignments a ON a.id = v.assignment_id
        WHERE v.updated_at > now() - interval '1 day'
        GROUP BY a.account_id ORDER BY scores DESC, a.account_id LIMIT %s
        """,
        [MOST_ACCOUNTS],
    ).fetchall()

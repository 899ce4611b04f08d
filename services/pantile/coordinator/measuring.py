"""Measuring: what the catalog and the queue hold, as metrics; once a round, so that being looked at costs nothing."""

import time

from pantile import metrics
from pantile.catalog import measurements
from pantile.catalog.database import Connection, Database
from pantile.domain.errors import BrokerDown
from pantile.domain.jobs import ChoreKind
from pantile.logs import log
from pantile.metrics import Measure
from pantile.queue import Sender

_Labelled = dict[tuple[str, ...], float]
_COMING = frozenset({"awaiting", "arriving"})
_UNDER_WAY = frozenset({"waiting", "running"})


def measure(database: Database, sender: Sender) -> None:
    """Measures the system, and shows it as this process's metrics until the next time.

    Raises:
        DatabaseDown: PostgreSQL does not answer; what was measured last is shown still, with its time.
    """
    with database.transaction() as connection:
        recent = measurements.count_recent_scores(connection)
        values = _cohorts(connection) | _work(connection)
    values[metrics.SCORES_LAST_DAY] = {(str(row["account_id"]),): float(row["scores"]) for row in recent}
    values[metrics.MEASURED_AT] = {(): time.time()}
    metrics.CATALOG.show(values | _queue(sender))


def _cohorts(connection: Connection) -> dict[Measure, _Labelled]:
    states = measurements.list_cohort_states(connection)
    rois = measurements.count_cohort_rois(connection)
    jobs = measurements.count_cohort_jobs(connection)
    left = {row["cohort"]: 0.0 for row in states if row["state"] in {"open", "paused"}}
    for row in rois:
        if row["state"] in _COMING:
            left[row["cohort"]] += row["rois"] * row["asked"]
    for row in jobs:
        if row["state"] in _UNDER_WAY and row["cohort"] in left:
            left[row["cohort"]] += row["jobs"]
    return {
        metrics.COHORT_STATE: {(row["cohort"], row["state"]): 1.0 for row in states},
        metrics.COHORT_ROIS: {(row["cohort"], row["state"]): float(row["rois"]) for row in rois},
        metrics.COHORT_JOBS: {(row["cohort"], row["segmenter"], row["state"]): float(row["jobs"]) for row in jobs},
        metrics.COHORT_JOBS_LEFT: {(cohort,): number for cohort, number in left.items()},
    }


def _work(connection: Connection) -> dict[Measure, _Labelled]:
    # What has nothing to do is told too: a line at zero, not one that breaks off.
    counts: _Labelled = {
        (work, state): 0.0 for work in ("job", *ChoreKind, "training") for state in ("waiting", "running")
    }
    oldest: _Labelled = {}
    for row in measurements.measure_work(connection):
        counts[row["work"], "waiting"] = float(row["waiting"])
        counts[row["work"], "running"] = float(row["running"])
        if row["oldest_s"] is not None:
            oldest[(row["work"],)] = row["oldest_s"]
    return {metrics.WORK: counts, metrics.WORK_OLDEST: oldest}


def _queue(sender: Sender) -> dict[Measure, _Labelled]:
    try:
        under_way = sender.count_under_way()
    except BrokerDown as error:
        log.warning("queue not measured", error=str(error))
        return {}
    return {
        metrics.QUEUE_MESSAGES: {(queue,): float(number) for queue, number in under_way.queued.items()},
        metrics.QUEUE_UNACKNOWLEDGED: {(): float(under_way.unacknowledged)},
    }

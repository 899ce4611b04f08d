"""Pausing: cohorts of which more jobs fail than the limit bears are paused, with a reason that a person can act on."""

from pantile.catalog import pauses
from pantile.catalog.database import Database
from pantile.catalog.pauses import Failures
from pantile.domain.cohorts import FailureLimit
from pantile.logs import log


def pause_failing(database: Database, limit: FailureLimit) -> tuple[str, ...]:
    """Pauses the open cohorts with more failures than the limit bears; gives their names. Raises `DatabaseDown`."""
    with database.transaction() as connection:
        failing = [each for each in pauses.count_failures(connection) if each.failed > limit.allowed(each.ended)]
        paused = [
            each
            for each in failing
            if pauses.pause_if_open(connection, each.cohort_id, reason=_reason(each), actor="coordinator")
        ]
    for each in paused:
        log.warning("cohort paused", cohort=each.cohort, ended=each.ended, failed=each.failed)
    return tuple(each.cohort for each in paused)


def _reason(failures: Failures) -> str:
    return f"{failures.failed} of the {failures.ended} jobs that have ended failed, most often so: {failures.commonest}"

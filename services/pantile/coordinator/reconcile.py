"""Reconciliation: what died is returned, what was lost is sent again, what is done is closed."""

from dataclasses import dataclass

from pantile.catalog import leases, outbox, rois
from pantile.catalog.cohorts import close_cohorts
from pantile.catalog.database import Database
from pantile.domain.errors import BrokerDown
from pantile.logs import log
from pantile.queue import Sender


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciled:
    """What one round of reconciliation did."""

    leases_ended: int = 0
    hints_lost: int = 0
    cohorts_closed: tuple[str, ...] = ()


def reconcile(database: Database, sender: Sender) -> Reconciled:
    """One round: returns ended leases, forgets messages that an empty queue has lost, closes cohorts by counting.

    Raises:
        DatabaseDown: PostgreSQL does not answer. A broker that does not answer only leaves its part undone.
    """
    with database.transaction() as connection:
        ended = [row for table in leases.TABLES for row in leases.expire(connection, table)]
        rois.refuse_failed_ingests(connection)
    for row in ended:
        log.warning("lease ended", row_id=row["id"], attempt=row["attempt"], worker=row["worker"], now=row["state"])
    lost = _forget_lost_hints(database, sender)
    with database.transaction() as connection:
        closed = close_cohorts(connection)
    for cohort in closed:
        log.info("cohort complete", cohort=cohort.name)
    return Reconciled(leases_ended=len(ended), hints_lost=lost, cohorts_closed=tuple(cohort.name for cohort in closed))


def _forget_lost_hints(database: Database, sender: Sender) -> int:
    # With nothing queued and nothing unacknowledged, every message that a waiting row counts on is gone.
    try:
        if sender.count_under_way() > 0:
            return 0
    except BrokerDown as error:
        log.warning("broker down", error=str(error))
        return 0
    with database.transaction() as connection:
        lost = sum(outbox.forget_published(connection, table) for table in leases.TABLES)
    if lost:
        log.warning("messages lost", rows=lost)
    return lost

"""Reconciliation: what died is returned, what was lost is sent again, what is new is evaluated, what is done closed."""

from dataclasses import dataclass

from pantile.catalog import evaluations, leases, outbox, rois, slides, workers
from pantile.catalog.cohorts import close_cohorts, fold_counts
from pantile.catalog.database import Database
from pantile.catalog.leases import WORK_OF, Leased
from pantile.domain.errors import BrokerDown
from pantile.domain.jobs import EVALUATE_CHORES, IMAGING_CHORES, ChoreKind
from pantile.logs import log
from pantile.metrics import LEASES_ENDED, MESSAGES_LOST
from pantile.queue import EVALUATE_QUEUES, IMAGING_QUEUES, SEGMENT_QUEUES, TRAIN_QUEUES, Sender

_QUEUES: tuple[tuple[Leased, tuple[ChoreKind, ...], tuple[str, ...]], ...] = (
    ("jobs", (), SEGMENT_QUEUES),
    ("chores", IMAGING_CHORES, IMAGING_QUEUES),
    ("chores", EVALUATE_CHORES, EVALUATE_QUEUES),
    ("trainings", (), TRAIN_QUEUES),
)
"""Which rows, of chores those of some kinds, have their messages in which queues."""

_JUST_SENT_S = 5.0
"""A message this young may be between the queue and its worker, and so in neither count."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciled:
    """What one round of reconciliation did."""

    leases_ended: int = 0
    hints_lost: int = 0
    cohorts_closed: tuple[str, ...] = ()


def reconcile(database: Database, sender: Sender, *, stale_s: float) -> Reconciled:
    """One round: returns ended leases, forgets messages that the queue has lost, closes cohorts by counting.

    Class maps that are new, or whose ground truth is, are to be evaluated from here on. Workers that have been silent
    for long are forgotten.

    A message that went out less than `stale_s` ago is taken for lost only where the queue has lost everything.

    Raises:
        DatabaseDown: PostgreSQL does not answer. A broker that does not answer only leaves its part undone.
    """
    with database.transaction() as connection:
        ended = [(table, row) for table in leases.TABLES for row in leases.expire(connection, table)]
        rois.refuse_failed_ingests(connection)
        slides.refuse_failed_inspections(connection)
    for table, row in ended:
        LEASES_ENDED.labels(WORK_OF[table]).inc()
        log.warning("lease ended", row_id=row["id"], attempt=row["attempt"], worker=row["worker"], now=row["state"])
    lost = _forget_lost_hints(database, sender, stale_s=stale_s)
    with database.transaction() as connection:
        closed = close_cohorts(connection)
        fold_counts(connection)
        evaluations.ask_evaluations(connection)
        workers.forget_silent(connection)
    for cohort in closed:
        log.info("cohort complete", cohort=cohort.name)
    return Reconciled(leases_ended=len(ended), hints_lost=lost, cohorts_closed=tuple(cohort.name for cohort in closed))


def _forget_lost_hints(database: Database, sender: Sender, *, stale_s: float) -> int:
    # Counted before the rows: what is taken from the queue meanwhile is not missing then.
    try:
        under_way = sender.count_under_way()
    except BrokerDown as error:
        log.warning("broker down", error=str(error))
        return 0
    older_s = stale_s if under_way.messages else _JUST_SENT_S
    with database.transaction() as connection:
        lost = sum(
            outbox.forget_published(connection, table, queued=under_way.queued_in(queues), older_s=older_s, kinds=kinds)
            for table, kinds, queues in _QUEUES
        )
    if lost:
        MESSAGES_LOST.inc(lost)
        log.warning("messages lost", rows=lost)
    return lost

"""Withdrawal: a case, slide or ROI loses all that shows its tissue, at once and for good."""

from dataclasses import dataclass

from pantile.catalog import withdrawals
from pantile.catalog.cohorts import find_cohort
from pantile.catalog.database import Database
from pantile.catalog.withdrawals import Subject, Withdrawal
from pantile.domain.errors import ServiceDown
from pantile.logs import log
from pantile.objects import ObjectStore


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawn:
    """What a withdrawal took along, and how many objects the store has yet to be rid of."""

    withdrawal: Withdrawal
    objects_left: int = 0


def withdraw(
    database: Database,
    objects: ObjectStore,
    name: str,
    *,
    cohort: str | None = None,
    reason: str,
    dry_run: bool = False,
    actor: str,
) -> Withdrawn:
    """Withdraws what has this name as case, slide or ROI, or only tells what would go (`dry_run`). Audited.

    Should the object store not answer, the coordinator removes the objects later; nothing of them is served meanwhile.

    Raises:
        SubjectNotFound, CohortNotFound: nothing has that name.
    """
    with database.transaction() as connection, connection.transaction(force_rollback=dry_run):
        cohort_id = find_cohort(connection, cohort).id if cohort is not None else None
        subject = Subject(name=name, cohort_id=cohort_id)
        withdrawal = withdrawals.withdraw(connection, subject, reason=reason, actor=actor)
    if dry_run:
        return Withdrawn(withdrawal=withdrawal)
    try:
        remove_withdrawn(database, objects)
    except ServiceDown as error:
        log.warning("objects of a withdrawn case not removed yet", error=str(error))
    with database.transaction() as connection:
        return Withdrawn(withdrawal=withdrawal, objects_left=withdrawals.count_removals(connection))


def remove_withdrawn(database: Database, objects: ObjectStore) -> int:
    """Removes the objects of what was withdrawn, and gives how many; raises `DatabaseDown`, `ObjectStoreDown`."""
    removed = 0
    while True:
        with database.transaction() as connection:
            going, named = withdrawals.list_removals(connection)
            withdrawals.forget_removals(connection, named)
        if not going:
            return removed
        for key in going:
            objects.delete(key)
        with database.transaction() as connection:
            withdrawals.forget_removals(connection, going)
        removed += len(going)

"""Files that a client announces before it sends them: addresses to write to, none for what is kept already."""

from collections.abc import Callable, Sequence

from pantile.catalog.audit import record_action
from pantile.catalog.cohorts import find_cohort
from pantile.catalog.database import Database
from pantile.catalog.holdings import incoming_key
from pantile.objects import ObjectStore


def announce_files(
    database: Database,
    objects: ObjectStore,
    cohort: str,
    digests: Sequence[str],
    *,
    kept_at: Callable[[str], str],
    action: str,
    expires_s: int,
    actor: str,
) -> dict[str, str | None]:
    """By digest the address to PUT a file of a cohort to, None where one is kept (`kept_at` says where). Audited.

    Raises:
        CohortNotFound: there is no such cohort.
    """
    with database.transaction() as connection:
        found = find_cohort(connection, cohort)
        details = {"files": len(digests)}
        record_action(connection, actor=actor, action=action, subject=f"cohort {found.id}", details=details)
    return {
        digest: None
        if objects.size(kept_at(digest)) is not None
        else objects.presign_put(incoming_key(digest), expires_s=expires_s)
        for digest in digests
    }

"""The sweeper: objects that no row names are set aside after a day, and removed for good after another.

An object can be without a row because its worker died before it could say so, or because its attempt came to nothing.
As it is named by its content, it may be made again, and be found to be there already, at the very moment at which the
sweeper takes it for abandoned. So it is moved under `swept/` first, and goes back should a row name it after all.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from pantile.catalog import holdings
from pantile.catalog.database import Database
from pantile.catalog.holdings import incoming_key
from pantile.coordinator.withdrawals import remove_withdrawn
from pantile.domain.errors import ObjectMissing
from pantile.logs import log
from pantile.objects import ObjectStore

_ASIDE = "swept/"
_INCOMING = incoming_key("")


@dataclass(frozen=True, slots=True, kw_only=True)
class Swept:
    """How many objects were set aside, put back because a row names them after all, and removed."""

    set_aside: int = 0
    put_back: int = 0
    removed: int = 0


def sweep(database: Database, objects: ObjectStore, *, age_s: float) -> Swept:
    """One round over the bucket. Objects younger than `age_s` are spared, and uploads that are awaited.

    What was withdrawn and is there yet, as the object store was down, goes whatever its age.

    Two rounds at once do no harm.

    Raises:
        DatabaseDown, ObjectStoreDown: a server does not answer; the next round goes on from there.
    """
    remove_withdrawn(database, objects)
    with database.transaction() as connection:
        now = holdings.read_clock(connection)
    before = now - timedelta(seconds=age_s)
    set_aside = sum(
        _move(objects, key, f"{_ASIDE}{_stamp(now)}/{key}") for key in _find_abandoned(database, objects, before)
    )
    # After the new ones were set aside: a row that came meanwhile gets its object back at once.
    put_back, removed = _empty_aside(database, objects, before)
    swept = Swept(set_aside=set_aside, put_back=put_back, removed=removed)
    if swept != Swept():
        log.info("bucket swept", set_aside=set_aside, put_back=put_back, removed=removed)
    return swept


def find_abandoned(database: Database, objects: ObjectStore, *, age_s: float) -> list[str]:
    """The keys of the objects that a sweep would set aside now; raises as `sweep` does."""
    with database.transaction() as connection:
        now = holdings.read_clock(connection)
    return list(_find_abandoned(database, objects, now - timedelta(seconds=age_s)))


def _find_abandoned(database: Database, objects: ObjectStore, before: datetime) -> Iterator[str]:
    # What lies elsewhere in the bucket is not for us to judge.
    for folder in sorted(set(holdings.FOLDERS.values())):
        for lot in objects.lots(folder):
            with database.transaction() as connection:
                unknown = holdings.find_unknown(connection, [each.key for each in lot if each.written_at < before])
            yield from unknown
    for lot in objects.lots(_INCOMING):
        digests = [each.key.removeprefix(_INCOMING) for each in lot if each.written_at < before]
        with database.transaction() as connection:
            unawaited = holdings.find_unawaited(connection, digests)
        yield from (incoming_key(digest) for digest in unawaited)


def _empty_aside(database: Database, objects: ObjectStore, before: datetime) -> tuple[int, int]:
    put_back = removed = 0
    for lot in objects.lots(_ASIDE):
        originals = {each.key: each.key.split("/", 2)[2] for each in lot}
        with database.transaction() as connection:
            unknown = set(holdings.find_unknown(connection, list(originals.values())))
        for aside, original in originals.items():
            if original not in unknown:
                put_back += _move(objects, aside, original)
            elif aside < f"{_ASIDE}{_stamp(before)}":
                objects.delete(aside)
                removed += 1
    return put_back, removed


def _move(objects: ObjectStore, source: str, target: str) -> bool:
    """Moves an object; False where somebody else has."""
    with suppress(ObjectMissing):
        objects.copy(source, target)
        objects.delete(source)
        return True
    return False


def _stamp(moment: datetime) -> str:
    """A moment as names of objects carry it, in the order of time."""
    return f"{moment:%Y%m%dT%H%M%SZ}"

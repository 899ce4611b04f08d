"""Backups: the catalog as it is at one moment and a list of the bucket's objects in one file; and back, compared.

The objects themselves are not in it: they have names made of their own digests, never change, and are kept by the
bucket's own replication or copies (docs/operating.md).
"""

import io
import json
import zipfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from pantile import __version__
from pantile.catalog import backups, schema
from pantile.catalog.audit import record_action
from pantile.catalog.backups import TableText
from pantile.catalog.database import Database
from pantile.domain.csv_text import csv_line, read_csv_rows
from pantile.domain.errors import DatabaseDown, RestoreRefused
from pantile.objects import ObjectStore
from pantile.settings import Settings

_FORMAT = 1
_ABOUT, _OBJECTS = "backup.json", "objects.csv"
_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Backup:
    """What a backup says of itself: when and of what, the schema's revision, its tables, and how many objects."""

    taken_at: str
    version: str
    revision: str
    bucket: str
    tables: tuple[TableText, ...]
    counters: dict[str, int]
    objects: int = 0
    object_bytes: int = 0
    format: int = _FORMAT

    @property
    def rows(self) -> int:
        """Rows of all tables."""
        return sum(table.rows for table in self.tables)


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """What a restored system lacks: tables that differ from the backup, objects that the bucket has not, or other."""

    tables: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    other_size: tuple[str, ...] = field(default=())

    @property
    def is_whole(self) -> bool:
        """Whether all is there."""
        return self == Compared()


def back_up(settings: Settings, path: Path, *, actor: str) -> Backup:
    """Writes a backup, readable by its owner only: it holds digests of passwords and tokens. Audited.

    Raises:
        DatabaseDown, ObjectStoreDown: a server does not answer; the file is not there then.
    """
    found = schema.read_schema(settings.database_url.get_secret_value())
    if found.revision != found.newest:
        raise DatabaseDown("its schema is not this version's; `pantile database migrate` renews it")
    part = path.with_name(f"{path.name}.part")
    part.unlink(missing_ok=True)
    part.touch(mode=0o600)
    try:
        with (
            closing(Database.from_settings(settings, connections=1, application="pantile backup")) as database,
            zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as file,
        ):
            written = _write(file, settings, database, revision=found.newest)
            with database.transaction() as connection:
                details = {"rows": written.rows, "objects": written.objects}
                record_action(connection, actor=actor, action="back up", subject="catalog", details=details)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return written


def _write(file: zipfile.ZipFile, settings: Settings, database: Database, *, revision: str) -> Backup:
    taken_at = datetime.now(UTC).isoformat(timespec="seconds")
    tables = []
    with database.transaction() as connection:
        backups.freeze(connection)
        for name in backups.list_tables(connection):
            with file.open(_entry(name), "w", force_zip64=True) as entry:
                tables.append(backups.copy_out(connection, name, entry.write))
        counters = backups.read_counters(connection)
    # After the rows: an object is there before the row that names it, and is not removed while one does.
    objects, object_bytes = _write_objects(file, ObjectStore.from_settings(settings))
    written = Backup(
        taken_at=taken_at,
        version=__version__,
        revision=revision,
        bucket=settings.s3_bucket,
        tables=tuple(tables),
        counters=counters,
        objects=objects,
        object_bytes=object_bytes,
    )
    file.writestr(_ABOUT, json.dumps(asdict(written), indent=1))
    return written


def _write_objects(file: zipfile.ZipFile, objects: ObjectStore) -> tuple[int, int]:
    count = size = 0
    with file.open(_OBJECTS, "w", force_zip64=True) as entry, io.TextIOWrapper(entry, "utf-8", newline="") as text:
        text.write(csv_line(("key", "bytes", "written_at")))
        for lot in objects.lots(""):
            text.writelines(csv_line((each.key, each.bytes, each.written_at.isoformat())) for each in lot)
            count += len(lot)
            size += sum(each.bytes for each in lot)
    return count, size


def read_backup(path: Path) -> Backup:
    """What a backup says of itself; raises `RestoreRefused` for a file that is none."""
    try:
        with zipfile.ZipFile(path) as file:
            told: dict[str, Any] = json.loads(file.read(_ABOUT))
        if told["format"] != _FORMAT:
            raise RestoreRefused(f"{path} is of format {told['format']}, and this version reads {_FORMAT}")
        tables = tuple(TableText(**table | {"columns": tuple(table["columns"])}) for table in told["tables"])
        return Backup(**told | {"tables": tables})
    except (OSError, zipfile.BadZipFile, KeyError, TypeError, ValueError) as error:
        raise RestoreRefused(f"{path} is no backup: {error}") from error


def restore(settings: Settings, path: Path, *, overwrite: bool, actor: str) -> Compared:
    """Fills the catalog from a backup, brings it to this version's schema, and compares it and the bucket. Audited.

    Raises:
        RestoreRefused: the file is no backup, or of a later version; the catalog holds something, and `overwrite` is
            not given; or processes of ours are connected.
    """
    backup, url = read_backup(path), settings.database_url.get_secret_value()
    if not schema.is_known(backup.revision):
        raise RestoreRefused(
            f"{path} was made by version {backup.version}, which is later than this one: renew Pantile"
        )
    with closing(Database.from_settings(settings, connections=1, application="pantile restore")) as database:
        _make_room(database, overwrite=overwrite)
        schema.migrate(url, revision=backup.revision)
        with zipfile.ZipFile(path) as file:
            with database.transaction() as connection:
                backups.take_time(connection)
                for table in backup.tables:
                    backups.copy_in(connection, table, _parts(file, _entry(table.name)))
                backups.set_counters(connection, backup.counters)
            differing = _compare_tables(database, backup)
            missing, other_size = _compare_objects(file, ObjectStore.from_settings(settings))
        schema.migrate(url)
        with database.transaction() as connection:
            details = {"taken_at": backup.taken_at, "version": backup.version, "rows": backup.rows}
            record_action(connection, actor=actor, action="restore", subject="catalog", details=details)
    return Compared(tables=differing, missing=missing, other_size=other_size)


def _make_room(database: Database, *, overwrite: bool) -> None:
    with database.transaction() as connection:
        if connected := backups.list_connected(connection):
            raise RestoreRefused(f"stop these first: {', '.join(connected)}")
        if backups.read_state(connection) == "filled" and not overwrite:
            raise RestoreRefused("the catalog is not empty, and all that is in it would be lost (--overwrite)")
        backups.drop_all(connection)


def _compare_tables(database: Database, backup: Backup) -> tuple[str, ...]:
    """The tables whose text is not the backup's."""
    with database.transaction() as connection:
        backups.freeze(connection)
        return tuple(
            table.name for table in backup.tables if backups.copy_out(connection, table.name, lambda _: None) != table
        )


def _compare_objects(file: zipfile.ZipFile, objects: ObjectStore) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Keys that the bucket lacks, and those with objects of another size; what else is in the bucket does no harm."""
    there = {each.key: each.bytes for lot in objects.lots("") for each in lot}
    missing, other_size = [], []
    with file.open(_OBJECTS) as entry, io.TextIOWrapper(entry, "utf-8", newline="") as text:
        rows = read_csv_rows(text)
        next(rows)
        for _, (key, size, _) in rows:
            found = there.get(key)
            if found is None:
                missing.append(key)
            elif found != int(size):
                other_size.append(key)
    return tuple(missing), tuple(other_size)


def _entry(table: str) -> str:
    return f"tables/{table}.copy"


def _parts(file: zipfile.ZipFile, name: str) -> Iterator[bytes]:
    with file.open(name) as entry:
        yield from iter(lambda: _read(entry), b"")


def _read(entry: IO[bytes]) -> bytes:
    return entry.read(_CHUNK_BYTES)

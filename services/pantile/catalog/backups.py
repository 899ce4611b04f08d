"""The whole catalog as text, table by table in PostgreSQL's own COPY format, and back into an empty database."""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import psycopg
from psycopg import sql

from pantile.catalog.database import Connection
from pantile.domain.errors import RestoreRefused

_REVISIONS = "alembic_version"

_OURS = ("web", "coordinator", "segment", "imaging", "evaluate", "train")


@dataclass(frozen=True, slots=True, kw_only=True)
class TableText:
    """A table as it was written: its columns, how many rows, and the SHA-256 of their text."""

    name: str
    columns: tuple[str, ...]
    rows: int
    sha256: str


def freeze(connection: Connection) -> None:
    """Lets a transaction that has just begun see the catalog as it is now until it ends, however long that takes."""
    connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
    take_time(connection)


def take_time(connection: Connection) -> None:
    """Lifts the limits on how long a statement of this transaction, and a pause in it, may last."""
    connection.execute("SET LOCAL statement_timeout = 0")
    connection.execute("SET LOCAL idle_in_transaction_session_timeout = 0")


def list_tables(connection: Connection) -> list[str]:
    """All tables, each after those that it refers to."""
    rows = connection.execute(
        """
        SELECT c.relname AS name, array_remove(array_agg(DISTINCT p.relname), NULL) AS parents
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = 'public'
        LEFT JOIN pg_constraint k ON k.conrelid = c.oid AND k.contype = 'f' AND k.confrelid <> c.oid
        LEFT JOIN pg_class p ON p.oid = k.confrelid
        WHERE c.relkind = 'r' AND c.relname <> %s GROUP BY c.relname ORDER BY c.relname
        """,
        [_REVISIONS],
    ).fetchall()
    parents: dict[str, set[str]] = {row["name"]: set(row["parents"]) for row in rows}
    ordered: list[str] = []
    while len(ordered) < len(parents):
        ready = [name for name in parents if name not in ordered and parents[name] <= set(ordered)]
        assert ready, "tables refer to each other in a circle"  # noqa: S101 — none do, and a test copies them all
        ordered += ready
    return ordered


def copy_out(connection: Connection, table: str, write: Callable[[bytes], object]) -> TableText:
    """Writes all rows of a table, in the order of its key; rows that are the same give the same text."""
    columns = _columns(connection, table)
    order = _key(connection, table) or columns
    digest, rows = hashlib.sha256(), 0
    asked = sql.SQL("COPY (SELECT {columns} FROM {table} ORDER BY {order}) TO STDOUT").format(
        columns=_list(columns), table=sql.Identifier(table), order=_list(order)
    )
    with connection.cursor() as cursor, cursor.copy(asked) as copy:
        for part in copy:
            text = bytes(part)
            digest.update(text)
            rows += text.count(b"\n")  # a line break within a value is written as \n
            write(text)
    return TableText(name=table, columns=tuple(columns), rows=rows, sha256=digest.hexdigest())


def copy_in(connection: Connection, table: TableText, parts: Iterable[bytes]) -> None:
    """Fills an empty table; triggers of ours are not run, since what they would do is in the other tables."""
    name = sql.Identifier(table.name)
    connection.execute(sql.SQL("ALTER TABLE {table} DISABLE TRIGGER USER").format(table=name))
    asked = sql.SQL("COPY {table} ({columns}) FROM STDIN").format(table=name, columns=_list(table.columns))
    with connection.cursor() as cursor, cursor.copy(asked) as copy:
        for part in parts:
            copy.write(part)
    connection.execute(sql.SQL("ALTER TABLE {table} ENABLE TRIGGER USER").format(table=name))


def read_counters(connection: Connection) -> dict[str, int]:
    """The last number that each sequence gave."""
    rows = connection.execute(
        """
        SELECT sequencename AS name, last_value FROM pg_sequences
        WHERE schemaname = 'public' AND last_value IS NOT NULL
        """
    )
    return {row["name"]: row["last_value"] for row in rows}


def set_counters(connection: Connection, counters: dict[str, int]) -> None:
    """Lets sequences go on after these numbers."""
    for name, last in counters.items():
        connection.execute("SELECT setval(quote_ident(%s)::regclass, %s)", [name, last])


def read_state(connection: Connection) -> Literal["empty", "filled"]:
    """Whether the catalog holds any cohort, account, segmenter or study. A first token alone leaves it empty."""
    row = connection.execute("SELECT to_regclass('public.cohorts') IS NOT NULL AS is_there").fetchone()
    if row is None or not row["is_there"]:
        return "empty"
    held = connection.execute(
        """
        SELECT EXISTS (SELECT 1 FROM cohorts) OR EXISTS (SELECT 1 FROM segmenters) OR EXISTS (SELECT 1 FROM accounts)
            OR EXISTS (SELECT 1 FROM studies) AS is_filled
        """
    ).fetchone()
    return "filled" if held is not None and held["is_filled"] else "empty"


def list_connected(connection: Connection) -> list[str]:
    """Those of our processes that are connected, such as `web`."""
    rows = connection.execute(
        """
        SELECT DISTINCT application_name AS name FROM pg_stat_activity
        WHERE datname = current_database() AND application_name = ANY(%s) ORDER BY application_name
        """,
        [[f"pantile {name}" for name in _OURS]],
    )
    return [row["name"].removeprefix("pantile ") for row in rows]


def drop_all(connection: Connection) -> None:
    """Removes the schema `public` with all that is in it, and makes it anew; raises `RestoreRefused`."""
    try:
        connection.execute("DROP SCHEMA public CASCADE")
        connection.execute("CREATE SCHEMA public")
    except psycopg.errors.InsufficientPrivilege as error:
        raise RestoreRefused("the database's user does not own the schema public; empty it by hand") from error


def _columns(connection: Connection, table: str) -> list[str]:
    rows = connection.execute(
        """
        SELECT attname AS name FROM pg_attribute WHERE attrelid = quote_ident(%s)::regclass
          AND attnum > 0 AND NOT attisdropped AND attgenerated = '' ORDER BY attnum
        """,
        [table],
    )
    return [row["name"] for row in rows]


def _key(connection: Connection, table: str) -> list[str]:
    rows = connection.execute(
        """
        SELECT a.attname AS name FROM pg_index i CROSS JOIN LATERAL unnest(i.indkey) WITH ORDINALITY AS k(number, place)
        JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.number
        WHERE i.indisprimary AND i.indrelid = quote_ident(%s)::regclass ORDER BY k.place
        """,
        [table],
    )
    return [row["name"] for row in rows]


def _list(names: Sequence[str]) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, names))

"""Holdings: which objects of the bucket the catalog knows of."""

from collections.abc import Sequence
from datetime import datetime

from psycopg import sql

from pantile.catalog.database import Connection

KEY_COLUMNS = (
    ("images", "object_key"),
    ("class_maps", "object_key"),
    ("class_maps", "confidence_key"),
    ("overlays", "object_key"),
    ("segmenters", "checkpoint_key"),
    ("trainings", "state_key"),
    ("trainings", "best_key"),
)
"""Every column that names an object."""

_UNION = sql.SQL(" UNION ALL ").join(
    sql.SQL("SELECT {column} FROM {table} WHERE {column} = ANY(%(keys)s)").format(
        column=sql.Identifier(column), table=sql.Identifier(table)
    )
    for table, column in KEY_COLUMNS
)


def find_unknown(connection: Connection, keys: Sequence[str]) -> list[str]:
    """Those of the keys that no row names."""
    rows = connection.execute(
        sql.SQL("SELECT unnest(%(keys)s::text[]) AS key EXCEPT ({known}) ORDER BY key").format(known=_UNION),
        {"keys": list(keys)},
    )
    return [row["key"] for row in rows]


def find_unawaited(connection: Connection, digests: Sequence[str]) -> list[str]:
    """Those of the digests (SHA-256, hex) under which no ROI awaits an upload, or has one that is yet to be checked."""
    rows = connection.execute(
        """
        SELECT unnest(%(digests)s::text[]) AS digest EXCEPT
        SELECT expected_sha256 FROM rois WHERE state IN ('awaiting', 'arriving') AND expected_sha256 = ANY(%(digests)s)
        ORDER BY digest
        """,
        {"digests": list(digests)},
    )
    return [row["digest"] for row in rows]


def read_clock(connection: Connection) -> datetime:
    """The time by the database's clock, the only one that counts."""
    row = connection.execute("SELECT clock_timestamp() AS now").fetchone()
    assert row is not None  # noqa: S101 — a SELECT without FROM gives one row
    now: datetime = row["now"]
    return now

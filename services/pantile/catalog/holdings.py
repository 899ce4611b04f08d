"""Holdings: which objects of the bucket the catalog knows of."""

from collections.abc import Sequence
from datetime import datetime

from psycopg import sql

from pantile.catalog.database import Connection

FOLDERS = {
    ("images", "object_key"): "rois/",
    ("class_maps", "object_key"): "class-maps/",
    ("class_maps", "confidence_key"): "confidence/",
    ("overlays", "object_key"): "overlays/",
    ("ground_truths", "object_key"): "ground-truth/",
    ("pyramids", "object_key"): "pyramids/",
    ("slide_pyramids", "object_key"): "pyramids/",
    ("slides", "overview_key"): "overviews/",
    ("slides", "tissue_key"): "overviews/",
    ("reports", "page_key"): "reports/",
    ("reports", "archive_key"): "reports/",
    ("segmenters", "checkpoint_key"): "checkpoints/",
    ("trainings", "state_key"): "trainings/",
    ("trainings", "best_key"): "trainings/",
}
"""Every column that names an object, and the folder of the bucket where those objects are."""


def incoming_key(sha256: str) -> str:
    """Where an upload of this digest arrives before it is checked."""
    return f"incoming/{sha256}"


_UNION = sql.SQL(" UNION ALL ").join(
    sql.SQL("SELECT {column} FROM {table} WHERE {column} = ANY(%(keys)s)").format(
        column=sql.Identifier(column), table=sql.Identifier(table)
    )
    for table, column in FOLDERS
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

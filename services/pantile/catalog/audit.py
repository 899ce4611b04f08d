"""The audit log: what people changed, when, and who. It only grows; the database refuses everything else."""

from collections.abc import Mapping
from typing import Any

from psycopg.types.json import Jsonb

from pantile.catalog.database import Connection, Row


def record_action(
    connection: Connection, *, actor: str, action: str, subject: str, details: Mapping[str, Any] | None = None
) -> None:
    """Adds a line to the audit log."""
    connection.execute(
        "INSERT INTO audit (actor, action, subject, details) VALUES (%s, %s, %s, %s)",
        [actor, action, subject, Jsonb(dict(details or {}))],
    )


def list_actions(
    connection: Connection, *, actor: str | None = None, before: int | None = None, limit: int = 100
) -> list[Row]:
    """The audit log, newest line first, from the one before the line `before`; all actors' or one's."""
    return connection.execute(
        """
        SELECT id, at, actor, action, subject, details FROM audit
        WHERE (%(before)s::bigint IS NULL OR id < %(before)s) AND (%(actor)s::text IS NULL OR actor = %(actor)s)
        ORDER BY id DESC LIMIT %(limit)s
        """,
        {"before": before, "actor": actor, "limit": limit},
    ).fetchall()

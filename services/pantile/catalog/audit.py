"""The audit log: what people changed, when, and who."""

from collections.abc import Mapping
from typing import Any

from psycopg.types.json import Jsonb

from pantile.catalog.database import Connection


def record_action(
    connection: Connection, *, actor: str, action: str, subject: str, details: Mapping[str, Any] | None = None
) -> None:
    """Adds a line to the audit log."""
    connection.execute(
        "INSERT INTO audit (actor, action, subject, details) VALUES (%s, %s, %s, %s)",
        [actor, action, subject, Jsonb(dict(details or {}))],
    )

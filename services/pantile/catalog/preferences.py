"""Preferences of accounts."""

from collections.abc import Mapping
from typing import Any

from psycopg.types.json import Jsonb

from pantile.catalog.database import Connection


def find_preferences(connection: Connection, account_id: int) -> dict[str, Any]:
    """What an account prefers; nothing where it never said."""
    row = connection.execute("SELECT document FROM preferences WHERE account_id = %s", [account_id]).fetchone()
    return dict(row["document"]) if row else {}


def keep_preferences(connection: Connection, account_id: int, document: Mapping[str, Any]) -> None:
    """Keeps what an account prefers, in place of what it did."""
    connection.execute(
        """
        INSERT INTO preferences (account_id, document) VALUES (%s, %s)
        ON CONFLICT (account_id) DO UPDATE SET document = excluded.document
        """,
        [account_id, Jsonb(dict(document))],
    )

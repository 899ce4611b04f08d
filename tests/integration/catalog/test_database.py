"""Connections: one error for a database that cannot be worked with."""

import pytest

from pantile.catalog.database import Database
from pantile.domain.errors import DatabaseDown
from pantile.settings import Settings


def test_a_database_without_our_tables_says_what_to_do(settings: Settings, database: Database) -> None:
    with database.transaction() as connection:
        connection.execute("DROP SCHEMA public CASCADE")

    with pytest.raises(DatabaseDown, match="pantile database migrate"), database.transaction() as connection:
        connection.execute("SELECT * FROM jobs")


def test_a_failed_transaction_leaves_nothing_behind(database: Database) -> None:
    with pytest.raises(DatabaseDown, match="migrate"):
        fail_after_insert(database)

    with database.transaction() as connection:
        assert connection.execute("SELECT count(*) AS cohorts FROM cohorts").fetchone() == {"cohorts": 0}


def fail_after_insert(database: Database) -> None:
    with database.transaction() as connection:
        connection.execute("INSERT INTO cohorts (name) VALUES ('C')")
        connection.execute("SELECT * FROM no_such_table")

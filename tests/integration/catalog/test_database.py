"""Connections: one error for a database that cannot be worked with."""

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from pantile.catalog.database import Database
from pantile.domain.errors import DatabaseDown
from pantile.settings import Settings
from tests.faults.proxies import Mode, Proxy


@pytest.fixture
def proxy(settings: Settings) -> Iterator[Proxy]:
    """A proxy before the test's PostgreSQL."""
    port = urlsplit(settings.database_url.get_secret_value()).port or 0
    proxy = Proxy(lambda: port)
    yield proxy
    proxy.close()


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


def test_a_database_that_comes_back_is_found_at_once(settings: Settings, proxy: Proxy) -> None:
    url = urlsplit(settings.database_url.get_secret_value())
    at_proxy = url._replace(netloc=f"{url.username}:{url.password}@127.0.0.1:{proxy.port}").geturl()
    database = Database(at_proxy, patience_s=0.5)
    proxy.set(Mode.DOWN)
    # By then a pool that is left to itself tries every few seconds only.
    for _ in range(8):
        with pytest.raises(DatabaseDown), database.transaction():
            pass

    proxy.set(Mode.PASS)

    with database.transaction() as connection:
        assert connection.execute("SELECT 1 AS one").fetchone() == {"one": 1}
    database.close()

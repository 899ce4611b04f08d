"""Migrations go forward, once, whoever starts first."""

from concurrent.futures import ThreadPoolExecutor

from pantile.catalog.database import Database
from pantile.catalog.schema import migrate, pending_migrations
from pantile.settings import Settings


def test_a_migrated_catalog_has_nothing_pending(settings: Settings) -> None:
    assert pending_migrations(settings.database_url.get_secret_value()) == []


def test_starting_at_once_migrates_once(settings: Settings, database: Database) -> None:
    url = settings.database_url.get_secret_value()
    with database.transaction() as connection:
        connection.execute("DROP SCHEMA public CASCADE")
        connection.execute("CREATE SCHEMA public")

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(migrate, [url] * 4))

    with database.transaction() as connection:
        assert connection.execute("SELECT count(*) AS jobs FROM jobs").fetchone() == {"jobs": 0}

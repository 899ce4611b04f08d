"""Migrations of the catalog: forward only, run before the new code."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, make_url, text

_PACKAGED = Path(__file__).parent / "_migrations"
_IN_SOURCE_TREE = Path(__file__).parents[3] / "infra" / "migrations"
_LOCK = 8_246_120_113
"""Advisory lock held while migrating, so that two that start at once do it once."""


def migrate(database_url: str) -> None:
    """Brings the catalog at `database_url` to the newest schema; safe to call at every start, by several at once."""
    engine = create_engine(_sqlalchemy_url(database_url))
    with engine.connect() as connection:
        connection.execute(text("SELECT pg_advisory_lock(:lock)"), {"lock": _LOCK})
        connection.commit()
        try:
            command.upgrade(_config(connection), "head")
            connection.commit()
        finally:
            connection.execute(text("SELECT pg_advisory_unlock(:lock)"), {"lock": _LOCK})
            connection.commit()
    engine.dispose()


def pending_migrations(database_url: str) -> list[str]:
    """The revisions that `migrate` would run, oldest first."""
    engine = create_engine(_sqlalchemy_url(database_url))
    with engine.connect() as connection:
        current = MigrationContext.configure(connection).get_current_revision()
        revisions = ScriptDirectory.from_config(_config(connection)).iterate_revisions("head", current or "base")
        pending = [revision.revision for revision in revisions]
    engine.dispose()
    return pending[::-1]


def _config(connection: Connection) -> Config:
    config = Config()
    scripts = _PACKAGED if _PACKAGED.is_dir() else _IN_SOURCE_TREE
    config.set_main_option("script_location", str(scripts).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def _sqlalchemy_url(database_url: str) -> str:
    return make_url(database_url).set(drivername="postgresql+psycopg").render_as_string(hide_password=False)

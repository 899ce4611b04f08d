"""Migrations of the catalog: forward only, run before the new code."""

from dataclasses import dataclass
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


def migrate(database_url: str, *, revision: str = "head") -> None:
    """Brings the catalog at `database_url` to the newest schema; safe to call at every start, by several at once.

    With a `revision`, only as far as that: for a backup, which is of the schema that it was taken from.
    """
    engine = create_engine(_sqlalchemy_url(database_url))
    with engine.connect() as connection:
        connection.execute(text("SELECT pg_advisory_lock(:lock)"), {"lock": _LOCK})
        connection.commit()
        try:
            command.upgrade(_config(connection), revision)
            connection.commit()
        finally:
            connection.execute(text("SELECT pg_advisory_unlock(:lock)"), {"lock": _LOCK})
            connection.commit()
    engine.dispose()


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaState:
    """The catalog's revision (None: it is empty), the newest that this version has, and whether it knows the former."""

    revision: str | None
    newest: str
    is_known: bool


def read_schema(database_url: str) -> SchemaState:
    """Which schema the catalog has."""
    engine = create_engine(_sqlalchemy_url(database_url))
    with engine.connect() as connection:
        current = MigrationContext.configure(connection).get_current_revision()
        scripts = ScriptDirectory.from_config(_config(connection))
        known = {script.revision for script in scripts.walk_revisions()}
        newest = scripts.get_current_head()
    engine.dispose()
    return SchemaState(revision=current, newest=newest or "", is_known=current is None or current in known)


def is_known(revision: str) -> bool:
    """Whether this version has a migration of that revision."""
    return any(script.revision == revision for script in ScriptDirectory(str(_scripts())).walk_revisions())


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
    config.set_main_option("script_location", str(_scripts()).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def _scripts() -> Path:
    return _PACKAGED if _PACKAGED.is_dir() else _IN_SOURCE_TREE


def _sqlalchemy_url(database_url: str) -> str:
    return make_url(database_url).set(drivername="postgresql+psycopg").render_as_string(hide_password=False)

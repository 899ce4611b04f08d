"""What has to be done once to the servers: the schema of the database, the first admin token, the bucket."""

import secrets
import socket
from contextlib import closing

import typer

from pantile.cli.reaching import server_settings
from pantile.cli.screen import remark, say
from pantile.domain.access import SECRET_BYTES, Scope, make_token

app = typer.Typer(rich_markup_mode="markdown")
_ADMIN_TOKEN_DAYS = 90

database = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="Bring the database to the newest schema, make the first admin token.",
)
bucket = typer.Typer(no_args_is_help=True, rich_markup_mode="markdown", help="Make the bucket.")
app.add_typer(database, name="database")
app.add_typer(bucket, name="bucket")


@database.callback()
def _database() -> None:
    """Bring the database to the newest schema, make the first admin token."""


@bucket.callback()
def _bucket() -> None:
    """Make the bucket."""


@database.command()
def migrate() -> None:
    """Run the migrations that are pending; safe to repeat, and for several to start at once."""
    from pantile.catalog import schema  # noqa: PLC0415 — SQLAlchemy only where it is used

    url = server_settings().database_url.get_secret_value()
    pending = schema.pending_migrations(url)
    schema.migrate(url)
    say(f"Ran {', '.join(pending)}." if pending else "The schema is the newest already.")


@database.command("admin-token")
def make_admin_token() -> None:
    """Make an API token with all scopes, straight in the database: the first one, or one in place of a lost one.

    It is valid for 90 days and shown this once, alone on standard output.
    """
    from pantile.catalog.database import Database  # noqa: PLC0415 — psycopg only where it is used
    from pantile.catalog.tokens import create_token  # noqa: PLC0415

    token = make_token(secrets.token_bytes(SECRET_BYTES))
    actor = f"the command line at {socket.gethostname()}"
    catalog = Database.from_settings(server_settings(), connections=1)
    with closing(catalog), catalog.transaction() as connection:
        create_token(connection, token, name="admin", scopes=[Scope.ADMIN], days=_ADMIN_TOKEN_DAYS, actor=actor)
    remark(f"Set it as PANTILE_API_TOKEN; it is valid for {_ADMIN_TOKEN_DAYS} days, and shown this once:")
    say(token)


@bucket.command()
def create() -> None:
    """Make the bucket, if it is not there."""
    from pantile.objects import ObjectStore  # noqa: PLC0415 — boto3 only where it is used

    settings = server_settings()
    ObjectStore.from_settings(settings).create_bucket()
    say(f"The bucket {settings.s3_bucket} is there.")

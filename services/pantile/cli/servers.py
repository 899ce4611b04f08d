"""What has to be done once to the servers: the schema of the database, the bucket."""

import typer

from pantile.cli.reaching import server_settings
from pantile.cli.screen import say

app = typer.Typer(rich_markup_mode="markdown")
database = typer.Typer(
    no_args_is_help=True, rich_markup_mode="markdown", help="Bring the database to the newest schema."
)
bucket = typer.Typer(no_args_is_help=True, rich_markup_mode="markdown", help="Make the bucket.")
app.add_typer(database, name="database")
app.add_typer(bucket, name="bucket")


@database.callback()
def _database() -> None:
    """Bring the database to the newest schema."""


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


@bucket.command()
def create() -> None:
    """Make the bucket, if it is not there."""
    from pantile.objects import ObjectStore  # noqa: PLC0415 — boto3 only where it is used

    settings = server_settings()
    ObjectStore.from_settings(settings).create_bucket()
    say(f"The bucket {settings.s3_bucket} is there.")

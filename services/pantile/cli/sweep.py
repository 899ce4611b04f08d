"""`pantile sweep`: removes objects that no row names, as the coordinator does every hour."""

from contextlib import closing
from typing import Annotated

import typer

from pantile.cli.reaching import server_settings
from pantile.cli.screen import count, say

app = typer.Typer(rich_markup_mode="markdown")


@app.command()
def sweep(
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only name what would be set aside.")] = False,
    age_s: Annotated[
        float | None, typer.Option("--age", min=60, help="Spare what is younger, in seconds; PANTILE_SWEEP_AGE_S.")
    ] = None,
) -> None:
    """Set objects aside that no row names, put back those that one names after all, remove what was set aside long ago.

    It talks to the servers itself. The coordinator does the same by itself; two at once do no harm.
    """
    from pantile.catalog.database import Database  # noqa: PLC0415 — psycopg and boto3 only where they are used
    from pantile.coordinator import sweep as sweeper  # noqa: PLC0415
    from pantile.objects import ObjectStore  # noqa: PLC0415

    settings = server_settings()
    age = settings.sweep_age_s if age_s is None else age_s
    objects = ObjectStore.from_settings(settings)
    with closing(Database.from_settings(settings, connections=1, application="pantile sweep")) as database:
        if dry_run:
            keys = sweeper.find_abandoned(database, objects, age_s=age)
            for key in keys:
                say(key)
            say(f"{count(len(keys), 'object')} would be set aside.")
            return
        swept = sweeper.sweep(database, objects, age_s=age)
    say(f"Set aside {count(swept.set_aside, 'object')}, put back {swept.put_back}, removed {swept.removed}.")

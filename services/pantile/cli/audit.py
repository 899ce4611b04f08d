"""`pantile audit`: who changed what, and when."""

import json
from itertools import islice
from typing import Annotated

import typer

from pantile.cli.reaching import Api, open_api
from pantile.cli.screen import say, show_table

app = typer.Typer(rich_markup_mode="markdown")


@app.command()
def audit(
    *,
    actor: Annotated[str | None, typer.Option(help="Only what this one did, as the log names them.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="So many lines at most.")] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document a line, as the API gives it.")] = False,
    api: Api = "",
) -> None:
    """Show who changed what, and when; newest first."""
    with open_api(api) as client:
        found = list(islice(client.actions(actor=actor), limit + 1))
    if as_json:
        for each in found[:limit]:
            say(each.model_dump_json())
        return
    columns = ("id", "when (UTC)", "who", "what", "of what", "details")
    rows = [
        (each.id, f"{each.at:%Y-%m-%d %H:%M:%S}", each.actor, each.action, each.subject, _details(each.details))
        for each in found[:limit]
    ]
    show_table(columns, rows)
    if len(found) > limit:
        say(f"There are more; --limit {10 * limit} shows more of them.")


def _details(details: dict[str, object]) -> str:
    return ", ".join(
        f"{name} {value if isinstance(value, str) else json.dumps(value)}" for name, value in details.items()
    )

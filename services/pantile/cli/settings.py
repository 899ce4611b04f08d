"""`pantile settings`: all values, where each comes from, and which Pantile commands would reach."""

import os
from typing import Annotated

import typer
from pydantic import SecretStr

from pantile.cli.reaching import find_api, read_settings
from pantile.cli.screen import say, show_table
from pantile.domain.errors import ApiUnknown
from pantile.settings import Settings

app = typer.Typer(rich_markup_mode="markdown")


@app.command()
def settings(
    *, names: Annotated[bool, typer.Option("--describe", help="Say what each setting means.")] = False
) -> None:
    """Show all settings, secrets hidden, and where they come from."""
    current = read_settings()
    columns = ("variable", "value", "source", "meaning") if names else ("variable", "value", "source")
    show_table(columns, [_row(current, name)[: len(columns)] for name in Settings.model_fields])
    try:
        say(f"Commands reach the web service at {find_api('')}.")
    except ApiUnknown as error:
        say(str(error))


def _row(current: Settings, name: str) -> tuple[str, str, str, str]:
    value = getattr(current, name)
    variable = f"PANTILE_{name.upper()}"
    return variable, _shown(value), _source(current, name, variable), Settings.model_fields[name].description or ""


def _source(current: Settings, name: str, variable: str) -> str:
    if name not in current.model_fields_set:
        return "default"
    return "environment" if variable in os.environ else "file"


def _shown(value: object) -> str:
    if isinstance(value, SecretStr):
        return "(hidden)" if value.get_secret_value() else ""
    return str(value)

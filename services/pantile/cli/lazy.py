"""A group of commands that are named in a table and loaded only when one of them is used."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

ENTRY_POINTS = "pantile.commands"
"""The group under which other packages name their commands."""

_FOREIGN_HELP = {
    "worker": "Start a segment, an imaging, an evaluate or a train worker.",
    "train": "Train a segmenter from images with class maps.",
    "bench": "Measure how fast segmenters run here.",
    "checkpoints": "Import checkpoints.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class LazyCommand:
    """A command by its name, its line in the help, and what loads it."""

    name: str
    help: str
    panel: str
    load: Callable[[], Any]

    def placeholder(self) -> TyperCommand:
        """What the help shows of it."""
        return TyperCommand(self.name, help=self.help, short_help=self.help, rich_help_panel=self.panel)


def load_own(module: str, name: str) -> Any:
    """The command (or group of commands) `name` of a module's `app`."""
    group = _group(import_module(module).app, name)
    return group.commands.get(name, group)


def find_foreign(panel: str) -> list[LazyCommand]:
    """The commands that other packages bring, found by entry point and not loaded."""
    return [
        LazyCommand(
            name=entry.name,
            help=_FOREIGN_HELP.get(entry.name, f"A command of {entry.module.partition('.')[0]}."),
            panel=panel,
            load=partial(_load_foreign, entry),
        )
        for entry in entry_points(group=ENTRY_POINTS)
    ]


def _load_foreign(entry: EntryPoint) -> Any:
    loaded = entry.load()
    if isinstance(loaded, typer.Typer):
        return _group(loaded, entry.name)
    app = typer.Typer()
    app.command(entry.name)(loaded)
    return _group(app, entry.name).commands[entry.name]


def _group(app: typer.Typer, name: str) -> Any:
    """The commands of an application as a group below ours, which alone installs completion."""
    parent = typer.Typer(add_completion=False, rich_markup_mode="markdown")
    parent.add_typer(app, name=name)
    return getattr(get_command(parent), "commands")[name]  # noqa: B009 — typer names no type that has it


class LazyGroup(TyperGroup):
    """A group whose help shows placeholders; the command itself is loaded when it is resolved.

    The types of click, which typer carries inside itself, have no public name: hence Any.
    """

    lazy: tuple[LazyCommand, ...] = ()

    def list_commands(self, ctx: Any) -> list[str]:
        """The names, in the order of the table."""
        return [*(command.name for command in self.lazy), *super().list_commands(ctx)]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """What the help and completion show of a command."""
        found = {command.name: command for command in self.lazy}.get(cmd_name)
        return found.placeholder() if found else super().get_command(ctx, cmd_name)

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """The command itself."""
        self.commands = {command.name: command.placeholder() for command in self.lazy} | dict(self.commands)
        name, command, rest = super().resolve_command(ctx, args)
        found = {command.name: command for command in self.lazy}.get(name or "")
        return name, found.load() if found else command, rest

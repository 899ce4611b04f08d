"""`pantile backup` and `pantile restore`: the catalog and a list of the bucket's objects in one file, and back."""

import socket
from pathlib import Path
from typing import Annotated

import typer

from pantile.cli.reaching import server_settings
from pantile.cli.screen import amount, complain, count, say
from pantile.domain.errors import FileRefused

app = typer.Typer(rich_markup_mode="markdown")

EXIT_INCOMPLETE = 1

_NAMED = 20

_File = Annotated[Path, typer.Argument(metavar="FILE", help="A .zip file.", show_default=False)]


def _actor() -> str:
    return f"the command line at {socket.gethostname()}"


@app.command()
def backup(
    file: _File, *, overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file.")] = False
) -> None:
    """Write the catalog as it is at this moment, and a list of the bucket's objects, into one file.

    It may be taken while everything runs. The objects themselves are not in it: docs/operating.md says how to keep
    them.
    """
    from pantile.coordinator.backups import back_up  # noqa: PLC0415 — psycopg and boto3 only where they are used

    if file.exists() and not overwrite:
        raise FileRefused(f"{file} is there already (--overwrite)")
    if not file.parent.is_dir():
        raise FileRefused(f"the folder {file.parent} is not there")
    written = back_up(server_settings(), file, actor=_actor())
    size = file.stat().st_size
    say(f"{file}: {count(written.rows, 'row')} of {count(len(written.tables), 'table')}, {amount(size)}; and a list of "
        f"{count(written.objects, 'object')}, {amount(written.object_bytes)}.")  # fmt: skip


@app.command()
def restore(
    file: _File,
    *,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Lose what is in the catalog.")] = False,
) -> None:
    """Fill the catalog from a backup and compare it, and the bucket, with what the backup says; stop Pantile first.

    It ends with 1 where objects are missing from the bucket.
    """
    from pantile.coordinator.backups import read_backup  # noqa: PLC0415 — as above
    from pantile.coordinator.backups import restore as restore_catalog  # noqa: PLC0415

    told = read_backup(file)
    compared = restore_catalog(server_settings(), file, overwrite=overwrite, actor=_actor())
    say(f"Restored {count(told.rows, 'row')} of {count(len(told.tables), 'table')}, as of {told.taken_at}.")
    _name("Tables that differ from the backup", compared.tables)
    _name("Objects that the bucket lacks", compared.missing)
    _name("Objects of another size", compared.other_size)
    if not compared.is_whole:
        raise typer.Exit(EXIT_INCOMPLETE)
    say(f"All tables are as they were, and the bucket has all that it had: {count(told.objects, 'object')}.")


def _name(what: str, names: tuple[str, ...]) -> None:
    if not names:
        return
    more = f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else ""
    complain(f"{what} ({len(names):,}): {', '.join(names[:_NAMED])}{more}")

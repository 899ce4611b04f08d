"""`pantile workers`: the worker processes, what each holds, and how one is emptied before it is stopped."""

import time
from typing import Annotated

import typer

from pantile.cli.reaching import Api, open_api
from pantile.cli.screen import count, say, show_table
from pantile.domain.workers import WorkerState
from pantile.schemas.workers import HeldOut, WorkerOut

app = typer.Typer(no_args_is_help=True, rich_markup_mode="markdown", help="List workers and what they hold, drain one.")

EXIT_SILENT = 1

_LOOK_S = 1.0

_Name = Annotated[str, typer.Argument(metavar="NAME", help="As `pantile workers list` shows it.", show_default=False)]


@app.command("list")
def list_workers(*, api: Api = "") -> None:
    """List all workers with what they hold now."""
    with open_api(api) as client:
        found = client.workers()
    if not found:
        say("There is no worker; `pantile worker segment` starts one, `pantile up` one of each kind.")
        return
    columns = ("name", "state", "device", "threads", "version", "since (UTC)", "holds")
    show_table(columns, [_row(each) for each in found])


def _row(worker: WorkerOut) -> tuple[object, ...]:
    return (
        worker.name,
        worker.state.value,
        worker.device or "",
        worker.threads,
        worker.version,
        f"{worker.started_at:%Y-%m-%d %H:%M}",
        "; ".join(_held(each) for each in worker.holds),
    )


def _held(held: HeldOut) -> str:
    return " ".join(filter(None, (held.what, held.segmenter, held.roi)))


@app.command()
def drain(
    name: _Name,
    *,
    wait: Annotated[bool, typer.Option(help="Wait until it has ended what it holds.")] = True,
    api: Api = "",
) -> None:
    """Let a worker take no new work and end what it holds; then it may be stopped without anything being given back."""
    with open_api(api) as client:
        worker = client.drain_worker(name)
        while wait and worker.state is WorkerState.DRAINING:
            time.sleep(_LOOK_S)
            # One that ends meanwhile is taken off the list, and the web service's sentence says so.
            worker = client.worker(name)
    match worker.state:
        case WorkerState.DRAINED:
            say(f"{name} holds nothing, and may be stopped.")
        case WorkerState.SILENT:
            say(f"{name} is silent: what it holds comes back by itself, and it may be stopped.")
            raise typer.Exit(EXIT_SILENT)
        case _:
            say(f"{name} takes no new work, and holds {count(len(worker.holds), 'piece')} of it.")


@app.command()
def undrain(name: _Name, *, api: Api = "") -> None:
    """Let a worker take work again."""
    with open_api(api) as client:
        client.undrain_worker(name)
    say(f"{name} takes work again.")

"""`pantile up`, `down` and `status`."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Column, Table

from pantile.local.health import answers
from pantile.local.processes import our_processes
from pantile.local.servers import RedisKind
from pantile.local.shutdown import stop_stack
from pantile.local.stack import Stack, StackPlan
from pantile.local.state import USER, RunningService, StackState, find_stack, read_state
from pantile.local.supervisor import run_in_background, run_in_foreground
from pantile.settings import Settings

app = typer.Typer(help="The embedded stack: PostgreSQL, Redis, S3 and our own processes in one folder.")

Home = Annotated[Path | None, typer.Option(help="Data folder; default: PANTILE_HOME, or ~/.local/share/pantile.")]


@app.command()
def up(
    *,
    home: Home = None,
    detach: Annotated[bool, typer.Option("--detach", "-d", help="Return when ready; it runs on.")] = False,
    redis: Annotated[RedisKind, typer.Option(help="The bundled valkey-server, or the system's.")] = RedisKind.BUNDLED,
    workers: Annotated[int, typer.Option(min=1, help="Segment workers.")] = 1,
) -> None:
    """Start the embedded stack; Ctrl-C or `pantile down` stops it."""
    plan = StackPlan(home=_home(home), processes=our_processes(workers), redis=redis)
    known = _api_token(plan.home)
    console = Console()
    console.print(
        f"Starting PostgreSQL, Redis, S3 and {len(plan.processes)} processes in {plan.home} …", soft_wrap=True
    )
    if detach:
        _show(console, run_in_background(plan))
        _show_token(console, plan.home, known)
        console.print("It runs in the background; `pantile down` stops it.")
        return

    def show(state: StackState) -> None:
        _show(console, state)
        _show_token(console, plan.home, known)
        console.print("Ctrl-C stops it.")

    run_in_foreground(Stack.from_plan(plan), show)
    console.print("Stopped.")


@app.command()
def down(*, home: Home = None) -> None:
    """Stop the embedded stack, and whatever a killed one left behind."""
    folder = _home(home)
    was_running = stop_stack(folder)
    Console().print("Stopped." if was_running else f"Nothing runs in {folder}.", soft_wrap=True)


@app.command()
def status(*, home: Home = None) -> None:
    """Show each service with its address, pid and health; exit code 0 only if all are well."""
    folder = _home(home)
    state = find_stack(folder)
    if state is None:
        Console().print(f"Nothing runs in {folder}; `pantile up` starts it.", soft_wrap=True)
        raise typer.Exit(1)
    if not _show(Console(), state):
        raise typer.Exit(1)


def _home(home: Path | None) -> Path:
    return (home or Settings().home).expanduser().resolve()


def _show(console: Console, state: StackState) -> bool:
    """Prints the table of services, and says whether all are well."""
    # In a narrow terminal an address goes over two lines; cut off it would be of no use.
    folded = (Column(name, overflow="fold") for name in ("address", "metrics"))
    table = Table("service", *folded, "pid", "health")
    verdicts = {service.name: _health(service) for service in state.services}
    for service in state.services:
        verdict = verdicts[service.name]
        colour = "green" if verdict == "well" else "red"
        table.add_row(
            service.name, service.address, service.metrics, str(service.identity.pid), f"[{colour}]{verdict}[/]"
        )
    console.print(table)
    console.print(f"Flower asks for {USER} / {state.credentials.flower}. Logs: {state.home / 'logs'}", soft_wrap=True)
    if not state.is_ready:
        console.print("It is still starting.")
    return state.is_ready and set(verdicts.values()) == {"well"}


def _api_token(home: Path) -> str:
    state = read_state(home)
    return state.credentials.api_token if state else ""


def _show_token(console: Console, home: Path, known: str) -> None:
    """Shows the API token of a stack that has just been made."""
    token = _api_token(home)
    if token != known:
        console.print(f"API token, shown this once: {token}", soft_wrap=True, highlight=False)
        console.print(f"Commands here find it in {home / 'stack.json'} by themselves.", soft_wrap=True)


def _health(service: RunningService) -> str:
    if not service.identity.is_running():
        return "stopped"
    return "well" if answers(service.probe) else "does not answer"

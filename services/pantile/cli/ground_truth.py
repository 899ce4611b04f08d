"""`pantile ground-truth`: class maps by experts added to a cohort, listed and removed."""

from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from pantile.cli.reaching import Api, open_api
from pantile.cli.screen import complain, count, make_console, say, show_table
from pantile.cli.segmenters import read_card
from pantile.client.ground_truths import LEGEND_FILE, TruthsAdded, add_ground_truths, find_truth_files
from pantile.domain.errors import FileRefused, GroundTruthRefused
from pantile.domain.ground_truth import TruthScheme, read_legend, scheme_of_card, study_scheme
from pantile.domain.segmenters import parse_card

app = typer.Typer(
    no_args_is_help=True, rich_markup_mode="markdown", help="Add class maps by experts to a cohort, list, remove them."
)

EXIT_INCOMPLETE = 1
_STUDY = "protocol"
_SHOWN = 10


@app.command()
def add(
    cohort: Annotated[str, typer.Argument(help="Its name or id.")],
    folder: Annotated[Path, typer.Argument(help="A folder of PNGs.")],
    *,
    scheme: Annotated[
        str,
        typer.Option(
            metavar="CARD|legend.csv|protocol",
            help="What the indices mean: a segmenter's card (name or TOML file), a legend, or the study's 0, 1, 2.",
            show_default=f"{LEGEND_FILE} in the folder",
        ),
    ] = "",
    replace: Annotated[bool, typer.Option("--replace", help="Take the place of other ground truth.")] = False,
    api: Api = "",
) -> None:
    """Add class maps by experts as ground truth of a cohort's ROIs; their Dice is then computed by itself.

    A file is named as its ROI or the ROI's image, with or without `_mask`, or
    `{slide}_class_map_ground_truth_roi_{N}.png`. A legend is CSV with the columns index, name, and target (background,
    tumor, tumor_stroma, ignored) or group. `protocol` is what the study exports: 1 tumor, 2 tumor stroma, all else
    background. Adding again adds nothing; class maps that come later are evaluated as well.
    """
    files = find_truth_files(folder)
    with open_api(api) as client:
        known = client.cohort(cohort).name
        meaning = read_scheme(scheme or str(folder / LEGEND_FILE), known)
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
        with Progress(*columns, console=make_console(stderr=True)) as bar:
            task = bar.add_task("Adding ground truth", total=len(files))
            done = add_ground_truths(client, known, files, meaning, replace=replace, on_file=lambda: bar.advance(task))
    _tell(done, known, meaning)
    if done.unknown or done.other:
        raise typer.Exit(EXIT_INCOMPLETE)


def read_scheme(asked: str, cohort: str) -> TruthScheme:
    """The scheme that is meant: `protocol`, a legend, or a card by path or name; raises `GroundTruthRefused`."""
    if asked == _STUDY:
        return study_scheme()
    path = Path(asked)
    if path.suffix.lower() != ".csv":
        return scheme_of_card(parse_card(read_card(asked)), cohort)
    if not path.is_file():
        raise GroundTruthRefused(
            f"what its indices mean is not known: there is no {path}; name a legend, a card or {_STUDY} with --scheme"
        )
    try:
        return read_legend(path.read_text("utf-8-sig").splitlines(keepends=True), path.name)
    except (OSError, UnicodeDecodeError) as error:
        raise FileRefused(f"{path}, {error}") from error


def _tell(done: TruthsAdded, cohort: str, scheme: TruthScheme) -> None:
    parts = [("added", done.added), ("replaced", done.replaced), ("there already", done.unchanged)]
    told = ", ".join(f"{len(names):,} {word}" for word, names in parts if names) or "nothing added"
    say(f"{cohort}, scheme {scheme.name}: ground truth of {told}.")
    if done.added or done.replaced:
        say(f"`pantile evaluations {cohort}` shows the Dice of its class maps.")
    if done.other:
        complain(f"{count(len(done.other), 'ROI')} with other ground truth, which --replace would replace:")
        _list(done.other)
    if done.unknown:
        complain(f"{count(len(done.unknown), 'file')} named after no ROI of the cohort, and passed over:")
        _list(done.unknown)


def _list(names: list[str]) -> None:
    for name in names[:_SHOWN]:
        complain(f"  {name}")
    if len(names) > _SHOWN:
        complain(f"  … and {len(names) - _SHOWN:,} more")


@app.command("list")
def list_ground_truth(cohort: Annotated[str, typer.Argument(help="Its name or id.")], *, api: Api = "") -> None:
    """List a cohort's ground truth, and how far its class maps are evaluated."""
    with open_api(api) as client:
        known = list(client.ground_truths(cohort))
    if not known:
        say("There is none yet; `pantile ground-truth add` adds it.")
        return
    rows = [
        (each.roi, each.file, f"{each.width_px} x {each.height_px}", each.scheme, each.evaluated, each.error or "")
        for each in known
    ]
    show_table(("ROI", "file", "px", "scheme", "evaluated", "error"), rows)


@app.command()
def remove(
    cohort: Annotated[str, typer.Argument(help="Its name or id.")],
    roi: Annotated[str, typer.Argument(help="The ROI's name.")],
    *,
    api: Api = "",
) -> None:
    """Remove the ground truth of an ROI, and the evaluations made with it."""
    with open_api(api) as client:
        client.remove_ground_truth(cohort, roi)
    say(f"{roi} has no ground truth any more.")

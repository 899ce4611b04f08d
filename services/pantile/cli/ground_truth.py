"""`pantile ground-truth`: class maps by experts added to a cohort, listed and removed, and coarse ones made fine."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from pantile.cli.reaching import Api, open_api
from pantile.cli.screen import complain, count, make_console, remark, say, show_table
from pantile.cli.segmenters import read_card
from pantile.client.api import ApiClient
from pantile.client.downloads import make_folder
from pantile.client.ground_truths import LEGEND_FILE, TruthsAdded, add_ground_truths, find_truth_files
from pantile.client.refining import (
    DERIVATION_FILE,
    Coarse,
    Labels,
    Paired,
    Refined,
    Regions,
    pair_with_rois,
    read_labels,
    refine_results,
    write_derivation,
    write_legend,
)
from pantile.domain.errors import FileRefused, GroundTruthRefused, SegmenterUnknown
from pantile.domain.ground_truth import TruthScheme, read_legend, scheme_of_card, study_scheme
from pantile.domain.refining import parse_allowance
from pantile.domain.segmenters import Mode, Precision, Stitching, parse_card
from pantile.schemas.segmenters import ClassOut

app = typer.Typer(
    no_args_is_help=True, rich_markup_mode="markdown", help="Add class maps by experts to a cohort, list, remove them."
)

EXIT_INCOMPLETE = 1
_STUDY = "protocol"
_SHOWN = 10

Scheme = Annotated[
    str,
    typer.Option(
        metavar="CARD|legend.csv|protocol",
        help="What the indices mean: a segmenter's card (name or TOML file), a legend, or the study's 0, 1, 2.",
        show_default=f"{LEGEND_FILE} in the folder",
    ),
]
Segmenter = Annotated[str, typer.Option(help="Whose class maps to go by: NAME, or NAME@VERSION.", show_default=False)]
Allow = Annotated[
    list[str],
    typer.Option(
        metavar="LABEL=CLASS,CLASS", help="What may lie where the label is; for each label.", show_default=False
    ),
]
InMode = Annotated[Mode | None, typer.Option(help="Of class maps in both modes, those in this.", show_default=False)]
InStitching = Annotated[
    Stitching | None, typer.Option(help="Of class maps stitched both ways, those in this.", show_default=False)
]
Out = Annotated[Path, typer.Option(metavar="DIR", help="Where to put the files; made if it is not there.")]


@app.command()
def add(
    cohort: Annotated[str, typer.Argument(help="Its name or id.")],
    folder: Annotated[Path, typer.Argument(help="A folder of PNGs.")],
    *,
    scheme: Scheme = "",
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


@app.command("refine")
def refine_annotations(
    cohort: Annotated[str, typer.Argument(help="Its name or id.")],
    folder: Annotated[Path, typer.Argument(help="A folder of PNGs with coarse regions.")],
    *,
    segmenter: Segmenter,
    allow: Allow,
    out: Out,
    mode: InMode = None,
    stitching: InStitching = None,
    scheme: Scheme = "",
    outside: Annotated[
        str, typer.Option(metavar="CLASS", help="What the rest becomes.", show_default="the scheme's background")
    ] = "",
    api: Api = "",
) -> None:
    """Make coarse regions fine: what was drawn stays where a segmenter found a class that the region allows.

    Regions drawn around Gleason 4 become the glands in them with `--allow "gleason 4=tumor,benign_epithelium"`: classes
    of the segmenter, or groups of classes. Classes that no `--allow` names stay as they were drawn. Files are named as
    for `add`, and stay; what is made has their size and colours, and `derivation.json` says from what it was made.
    """
    allowances = [parse_allowance(text) for text in allow]
    legend = folder / LEGEND_FILE
    if out.resolve() == folder.resolve():
        raise GroundTruthRefused(f"{folder} holds the regions as they were drawn; name another folder with --out")
    with open_api(api) as client:
        files = {file.name: file for file in find_truth_files(folder)}
        chosen = _choose(client, cohort, segmenter, mode=mode, stitching=stitching)
        meaning = read_scheme(scheme or str(legend), chosen.cohort)
        paired = pair_with_rois(files, client.rois(chosen.cohort))
        coarse = Regions(paired.by_roi, meaning, allowances, chosen.classes, outside=outside)
        refined = _refine(client, chosen, coarse, paired.stems, make_folder(out))
    write_derivation(out, refined, cohort=chosen.cohort, allowances=allowances)
    if not scheme:
        shutil.copyfile(legend, out / LEGEND_FILE)
    _tell_refined(chosen.cohort, paired, refined, out)


@app.command("from-labels")
def refine_labels(
    cohort: Annotated[str, typer.Argument(help="Its name or id.")],
    labels: Annotated[Path, typer.Argument(help="CSV with the columns roi (its name, or its image) and label.")],
    *,
    segmenter: Segmenter,
    allow: Allow,
    out: Out,
    mode: InMode = None,
    stitching: InStitching = None,
    api: Api = "",
) -> None:
    """Make class maps for training out of images that have one label each.

    Of a segmenter's class maps the classes stay that the image's label allows, `--allow carcinoma=tumor,stroma`; all
    else is ignored (255). They have the images' size, and `pantile train` takes them beside the images.
    `derivation.json` says from what each was made.
    """
    allowances = [parse_allowance(text) for text in allow]
    known = read_labels(labels)
    with open_api(api) as client:
        chosen = _choose(client, cohort, segmenter, mode=mode, stitching=stitching)
        paired = pair_with_rois(known, client.rois(chosen.cohort))
        coarse = Labels(paired.by_roi, allowances, chosen.classes)
        refined = _refine(client, chosen, coarse, paired.stems, make_folder(out))
    write_derivation(out, refined, cohort=chosen.cohort, allowances=allowances)
    write_legend(out, chosen.classes)
    _tell_refined(chosen.cohort, paired, refined, out)


class _Chosen(NamedTuple):
    """The cohort's class maps that are to be gone by, one of each ROI, and the classes in them."""

    cohort: str
    segmenter: str
    way: tuple[str, Mode, Stitching, Precision]
    classes: list[ClassOut]


def _choose(
    client: ApiClient, cohort: str, segmenter: str, *, mode: Mode | None, stitching: Stitching | None
) -> _Chosen:
    """The one way in which the cohort has class maps by this segmenter; raises where there is none, or more."""
    progress = client.cohort(cohort)
    own = [each for each in progress.segmenters if segmenter in {each.segmenter, f"{each.segmenter}@{each.version}"}]
    if not own:
        names = ", ".join(sorted({each.segmenter for each in progress.segmenters}))
        raise SegmenterUnknown(f"{segmenter}; {progress.name} has {names}")
    ways = [
        (each.version, settings.mode, settings.stitching, settings.precision)
        for each in own
        for settings in each.settings
        if mode in {None, settings.mode} and stitching in {None, settings.stitching}
    ]
    if len(ways) != 1:
        told = "; ".join(" ".join(way) for way in ways) or "in none that was asked for"
        raise GroundTruthRefused(
            f"{progress.name} has class maps by {segmenter} made in {len(ways)} ways ({told}); "
            "name one with --segmenter NAME@VERSION, --mode, --stitching"
        )
    name, version = own[0].segmenter, ways[0][0]
    classes = [each.classes for each in client.segmenters() if (each.name, each.version) == (name, version)]
    return _Chosen(progress.name, name, ways[0], classes[0])


def _refine(client: ApiClient, chosen: _Chosen, coarse: Coarse, stems: Mapping[str, str], folder: Path) -> Refined:
    refined = Refined()
    for page in client.results(chosen.cohort):
        own = [
            each
            for each in page
            if each.segmenter == chosen.segmenter
            and (each.segmenter_version, each.mode, each.stitching, each.precision) == chosen.way
        ]
        refine_results(own, coarse, refined, stems=stems, folder=folder)
    return refined


def _tell_refined(cohort: str, paired: Paired[Any], refined: Refined, folder: Path) -> None:
    say(f"{cohort}: {count(len(refined.files), 'class map')} written to {folder}, and {DERIVATION_FILE} beside them.")
    for line in refined.problems[:_SHOWN]:
        complain(line)
    if paired.unknown:
        remark(f"{count(len(paired.unknown), 'name')} of no ROI of the cohort, such as {paired.unknown[0]}.")
    without = sorted(set(paired.by_roi) - set(refined.files) - {line.partition(":")[0] for line in refined.problems})
    if without:
        complain(f"{count(len(without), 'ROI')} without a class map by this segmenter:")
        _list(without)
    if refined.problems or not refined.files:
        raise typer.Exit(EXIT_INCOMPLETE)

"""`pantile analyse`: a study's tables, figures and one report, from its files or from a Pantile."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from pantile.analysis.analyse import analyse as analyse_study
from pantile.analysis.bootstrap import DEFAULT_DRAWS
from pantile.analysis.comparisons import DEFAULT_MARGIN
from pantile.analysis.design import ARTICLE, Design, categories, parse_cutoffs
from pantile.analysis.generated_files import write_generated
from pantile.analysis.read_study import StudyFiles, clinical_files, find_files, read_study
from pantile.analysis.report import write_analysis
from pantile.analysis.study import Options, Study
from pantile.cli.reaching import Api, open_api
from pantile.cli.screen import count, make_console, remark, say
from pantile.client.downloads import make_folder
from pantile.client.study_tables import fetch_study
from pantile.domain.dice import DiceProtocol
from pantile.domain.errors import InputRefused

app = typer.Typer(rich_markup_mode="markdown")


def _path(metavar: str, text: str) -> typer.models.OptionInfo:
    option: typer.models.OptionInfo = typer.Option(metavar=metavar, help=text, show_default=False)
    return option


_Second = Annotated[Path | None, _path("FILE", "A second rater's CSV of scores.")]
_Dice = Annotated[Path | None, _path("DIR", "Folder of Dice results, as the study's.")]
_Ratings = Annotated[Path | None, _path("FILE", "Scores of the ROIs with Dice.")]
_Clinical = Annotated[list[Path] | None, _path("FILE", "Clinical tables of the GDC (TSV); may be given again.")]
_Exclusions = Annotated[Path | None, _path("FILE", "CSV of roi and reason: left out.")]
_Training = Annotated[Path | None, _path("FILE", "CSV of model and case: what was trained on.")]
_Long = Annotated[Path | None, _path("FILE", "Long export: raters, rounds, panes.")]


@app.command()
def analyse(
    study: Annotated[
        str, typer.Argument(help="A study's name, a CSV of its scores, or a folder.", show_default=False)
    ] = "",
    *,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where to put it all; made if it is not there.")],
    generated: Annotated[
        bool, typer.Option("--generated", help="Generate a study that gives the article's Table 1, and analyse that.")
    ] = False,
    second: _Second = None,
    dice: _Dice = None,
    ratings: _Ratings = None,
    clinical: _Clinical = None,
    exclusions: _Exclusions = None,
    training: _Training = None,
    long: _Long = None,
    seed: Annotated[int, typer.Option(min=0, help="Of everything that is drawn.")] = 1,
    draws: Annotated[int, typer.Option(min=100, max=100_000, help="So often patients are drawn.")] = DEFAULT_DRAWS,
    cutoffs: Annotated[str, typer.Option(help="Categories by their lower ends: poor=0,good=5,excellent=8.")] = "",
    margin: Annotated[float, typer.Option(min=0.1, max=5, help="Means this close are equivalent.")] = DEFAULT_MARGIN,
    protocol: Annotated[
        DiceProtocol, typer.Option(help="Of the Dice of a Pantile's study; files are by theirs.")
    ] = DiceProtocol.PUBLISHED_CODE,
    api: Api = "",
) -> None:
    """Make a study's tables, figures and report.

    STUDY is the name of a study of a Pantile, whose scores and Dice are fetched; or a CSV with the columns of the
    study's scoring_data.csv (or Parquet); or a folder that has also scoring_data_second_rater.csv,
    pathologist_inference_ratings.csv, dice-results/ and clinical-data/. To DIR go report.html, which needs nothing
    else, tables/ as CSV, figures/ as SVG, PNG and CSV.
    """
    chosen = parse_cutoffs(cutoffs) if cutoffs else categories()
    options = Options(seed=seed, draws=draws, margin=margin, categories=chosen)
    if bool(study) == generated:
        raise InputRefused("name a study, or ask for --generated, and not both")
    path, design = _generate(make_folder(out), seed) if generated else _find(study, make_folder(out), api, protocol)
    found = find_files(path)
    files = replace(
        found,
        second=second or found.second,
        dice=dice or found.dice,
        ratings=ratings or found.ratings,
        clinical=clinical_files(clinical) if clinical else found.clinical,
        exclusions=exclusions or found.exclusions,
        training=training or found.training,
        long=long or found.long,
    )
    _run(files, design, out, options, name=path.resolve().stem)


def _generate(folder: Path, seed: int) -> tuple[Path, Design]:
    path = folder / "generated-study"
    write_generated(path, seed=seed)
    remark("The data are generated; they are not the study's.")
    return path, ARTICLE


def _find(study: str, folder: Path, api: str, protocol: DiceProtocol) -> tuple[Path, Design]:
    """Files that are there; or what a Pantile exports of a study, put into the folder. A name is no path."""
    path = Path(study)
    if path.exists() or path.name != study or path.suffix in (".csv", ".parquet"):
        return path, ARTICLE
    with open_api(api) as client:
        design = fetch_study(client, study, folder / study, protocol=protocol)
    return folder / study, design


def _run(files: StudyFiles, design: Design, folder: Path, options: Options, *, name: str) -> None:
    console = make_console(stderr=True)
    with console.status("Reading") as status:
        study = read_study(files, design, name=name)
        _tell_remarks(study)
        sections = analyse_study(study, options, status.update)
        written = write_analysis(
            folder, study, sections, options, now=datetime.now(UTC), tell=lambda step: status.update(f"Writing {step}")
        )
    say(f"{count(study.scores.scored, 'score')} of {count(len(study.scores.rois), 'ROI')}.")
    say(f"{count(written.tables, 'table')} and {count(written.figures, 'figure')}; the report is {written.report}.")


def _tell_remarks(study: Study) -> None:
    """What the files' readers have to say, but for the clinical tables, of which there are many."""
    for file in study.files:
        if file.role != "clinical":
            for text in file.remarks:
                remark(f"{file.name}: {text}.")

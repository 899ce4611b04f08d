"""`pantile import-study`: the article's published study, taken in to be gone on with."""

from pathlib import Path
from typing import Annotated

import typer

from pantile.analysis.design import ARTICLE
from pantile.analysis.dice_files import read_dice
from pantile.analysis.read_study import clinical_files
from pantile.analysis.reading import read_text
from pantile.analysis.side_files import read_diagnoses
from pantile.cards import load_shipped_cards
from pantile.cli.reaching import Api, open_imports
from pantile.cli.screen import count, remark, say
from pantile.client.published import (
    CLINICAL_FOLDER,
    DICE_FOLDER,
    RATINGS,
    PublishedStudy,
    read_published,
)
from pantile.client.study_imports import StudyAsked, StudyTaken, import_study
from pantile.domain.errors import InputRefused
from pantile.domain.study_names import STUDY_NUMBERS

app = typer.Typer(rich_markup_mode="markdown")

EXIT_NOTHING = 1


@app.command("import-study")
def import_published(
    folder: Annotated[Path, typer.Argument(help="The published evaluation data.")],
    *,
    study: Annotated[str, typer.Option(help="What the study is to be called here.")],
    rater: Annotated[list[str], typer.Option(help="The account of the first rater; given again, that of the second.")],
    title: Annotated[str, typer.Option(help="What people read above their cases.")] = "The article's study",
    images: Annotated[Path | None, typer.Option(metavar="FOLDER", help="The published ROIs, if elsewhere.")] = None,
    masks: Annotated[Path | None, typer.Option(metavar="FOLDER", help="The published masks, if elsewhere.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Read and check only; nothing is sent.")] = False,
    api: Api = "",
) -> None:
    """Take the article's published study in, so that it can be gone on with.

    FOLDER has `scoring_data.csv` and what else was published: `scoring_data_second_rater.csv`,
    `pathologist_inference_ratings.csv`, `dice-results`, `clinical-data`, and below it or elsewhere images
    (`…_original.jpg`) and masks (`…_model3_mask.png`). Masks become class maps of the study's segmenters, which need no
    weights for that. ROIs without image or mask cannot be looked at and are counted. The same again adds nothing.
    """
    if len(rater) > 2 or len(set(rater)) != len(rater):
        raise InputRefused("one or two raters are named, each once")
    published = read_published(folder, images=images, masks=masks)
    _tell_folder(published)
    if dry_run or not published.whole:
        raise typer.Exit(0 if published.whole else EXIT_NOTHING)
    cards = load_shipped_cards()
    with open_imports(api) as client:
        asked = StudyAsked(name=study, title=title, raters=rater)
        done = import_study(client, published, asked, [cards[name] for name in STUDY_NUMBERS], on_step=remark)
    _tell(study, done)


def _tell_folder(study: PublishedStudy) -> None:
    """What the folder has; its tables are read whole, so that what is wrong in them is told by line."""
    without_image = sum(roi.image is None for roi in study.rois.values())
    without_mask = sum(not roi.masks for roi in study.rois.values())
    say(f"{count(len(study.rois), 'ROI')} with scores: {without_image:,} without image, {without_mask:,} without mask.")
    if study.strangers:
        say(f"{count(study.strangers, 'mask')} of ROIs that have no scores, left out.")
    if (study.folder / DICE_FOLDER).is_dir():
        ratings = study.folder / RATINGS
        table, _ = read_dice(study.folder / DICE_FOLDER, ratings if ratings.is_file() else None, ARTICLE)
        say(f"Dice of {count(len(table.rois), 'ROI')}: stays in the folder, where `pantile analyse` reads it.")
    if (study.folder / CLINICAL_FOLDER).is_dir():
        cases = sorted({roi.columns.case.upper() for roi in study.rois.values()})
        files = [read_text(path) for path in clinical_files([study.folder / CLINICAL_FOLDER])]
        found, inputs = read_diagnoses(files, cases)
        say(
            f"Diagnoses of {count(len(found), 'case')} in {count(len(inputs), 'clinical table')}: they stay there, too."
        )


def _tell(study: str, done: StudyTaken) -> None:
    say(f"{count(done.rois, 'ROI')} in {study}, {count(done.class_maps, 'new class map')}.")
    for name, told in done.scores.items():
        already = f", {count(told.already, 'case')} were there already" if told.already else ""
        say(f"{name}: {count(told.scores, 'score')} of {count(told.readings, 'case')} taken{already}.")
    for name, left_out in done.left_out.items():
        if left_out:
            say(f"{name}: {count(left_out, 'score')} left out, of outputs without image or class map.")

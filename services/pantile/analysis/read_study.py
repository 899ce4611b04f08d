"""Reads a study from its files: one CSV (or Parquet), or a folder laid out as the study's published data."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from pantile.analysis.design import Design
from pantile.analysis.dice_files import DICE_FILE, RATINGS_FILE, DiceTable, read_dice
from pantile.analysis.generated_files import CLINICAL_FOLDER, DICE_FOLDER, NOTE_FILE, SCORES_FILE, SECOND_FILE
from pantile.analysis.long_files import read_readings
from pantile.analysis.reading import InputFile, read_text
from pantile.analysis.scores import ScoreTable, gather_scores, read_scores
from pantile.analysis.side_files import read_diagnoses, read_exclusions, read_trained
from pantile.analysis.study import Study
from pantile.analysis.study_dice import read_study_dice
from pantile.domain.errors import FileRefused
from pantile.domain.study_dice import STUDY_DICE_FILE


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyFiles:
    """Where the parts of a study are; None where there are none."""

    scores: Path
    second: Path | None = None
    dice: Path | None = None
    ratings: Path | None = None
    clinical: tuple[Path, ...] = ()
    exclusions: Path | None = None
    training: Path | None = None
    long: Path | None = None
    is_generated: bool = False


def find_files(path: Path) -> StudyFiles:
    """The parts of a study by the names that the study's own data have; of a file, just that file.

    Raises:
        FileRefused: it is neither a file nor a folder with `scoring_data.csv`.
    """
    if path.is_file():
        return StudyFiles(scores=path)
    if not (path / SCORES_FILE).is_file():
        raise FileRefused(f"{path} is no file, and no folder with a {SCORES_FILE}")
    dice = path / DICE_FOLDER
    return StudyFiles(
        scores=path / SCORES_FILE,
        second=_if_file(path / SECOND_FILE),
        dice=dice if dice.is_dir() and any(dice.rglob(DICE_FILE)) else _if_file(path / STUDY_DICE_FILE),
        ratings=_if_file(path / RATINGS_FILE),
        clinical=tuple(sorted((path / CLINICAL_FOLDER).glob("*.tsv"))),
        exclusions=_if_file(path / "exclusions.csv"),
        training=_if_file(path / "training.csv"),
        long=_if_file(path / "long.csv"),
        is_generated=(path / NOTE_FILE).is_file(),
    )


def _if_file(path: Path) -> Path | None:
    return path if path.is_file() else None


def clinical_files(paths: Sequence[Path]) -> tuple[Path, ...]:
    """Clinical tables given as files or as folders of TSV files.

    Raises:
        FileRefused: a folder has none.
    """
    found: list[Path] = []
    for path in paths:
        inside = sorted(path.glob("*.tsv")) if path.is_dir() else [path]
        if not inside:
            raise FileRefused(f"{path} has no .tsv file")
        found += inside
    return tuple(found)


def read_study(files: StudyFiles, design: Design, *, name: str) -> Study:
    """Everything that the files say.

    Raises:
        ScoresRefused: a file is at fault; the sentence names the lines.
        FileRefused: a file cannot be read.
    """
    scores, read = _read_scores(files.scores, design)
    study = Study(name=name, scores=scores, files=(read,), is_generated=files.is_generated)
    if files.second is not None:
        second, read = read_scores(read_text(files.second), design, role="second rater")
        study = replace(study, second=second, files=(*study.files, read))
    if files.dice is not None:
        dice, many = _read_dice(files.dice, files.ratings, design)
        study = replace(study, dice=dice, files=(*study.files, *many))
    if files.clinical:
        diagnoses, many = read_diagnoses([read_text(path) for path in files.clinical], scores.cases.tolist())
        study = replace(study, diagnoses=diagnoses, files=(*study.files, *many))
    if files.training is not None:
        trained, read = read_trained(read_text(files.training), scores)
        study = replace(study, trained=trained, files=(*study.files, read))
    if files.long is not None:
        readings, read = read_readings(read_text(files.long), design)
        study = replace(study, readings=readings, files=(*study.files, read))
    return _with_exclusions(study, files.exclusions)


def _read_dice(path: Path, ratings: Path | None, design: Design) -> tuple[DiceTable | None, list[InputFile]]:
    """From the study's folder with the scores of its ratings, or from one table of a Pantile, which has them."""
    if path.is_dir():
        return read_dice(path, ratings, design)
    table, read = read_study_dice(read_text(path), design)
    return table if len(table.rois) else None, [read]


def _with_exclusions(study: Study, path: Path | None) -> Study:
    if path is None:
        return study
    known = study.scores.rois.tolist() + (study.dice.rois.tolist() if study.dice is not None else [])
    exclusions, read = read_exclusions(read_text(path), known)
    return replace(study, exclusions=exclusions, files=(*study.files, read))


def _read_scores(path: Path, design: Design) -> tuple[ScoreTable, InputFile]:
    if path.suffix != ".parquet":
        return read_scores(read_text(path), design)
    try:
        content = path.read_bytes()
        frame = pd.read_parquet(path)
    except (OSError, ValueError) as error:
        raise FileRefused(f"{path} cannot be read as Parquet: {error}") from error
    return scores_of_frame(frame, design, name=path.name, sha256=hashlib.sha256(content).hexdigest())


def scores_of_frame(frame: pd.DataFrame, design: Design, *, name: str, sha256: str) -> tuple[ScoreTable, InputFile]:
    """The scores of a frame with the study's columns, under the same rules as those of a file."""
    texts = frame.astype(object).where(frame.notna(), "").astype(str)
    rows = (
        (f"row {number}", dict(zip(texts.columns, row, strict=True)))
        for number, row in enumerate(texts.to_numpy().tolist(), 1)
    )
    return gather_scores(rows, design, name=name, sha256=sha256, role="scores")

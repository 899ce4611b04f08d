"""Dice and the scores of the same class maps, read from the study's folder of Dice results and its file of ratings."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from pantile.analysis.design import Design
from pantile.analysis.reading import InputFile, Problems, TextFile, how_many, is_missing, read_text
from pantile.analysis.scores import Mask, Texts
from pantile.domain.dice_remaps import published_cohort
from pantile.domain.errors import ScoresRefused
from pantile.domain.rois import parse_name

DICE_FILE = "detailed_dice_results.csv"
RATINGS_FILE = "pathologist_inference_ratings.csv"

COHORTS = {"BRCA": "breast", "COADREAD": "colorectal", "LUNG": "lung", "PRAD": "prostate"}
"""The cohorts with ground truth, by what the study's folders call them."""

_MODELS = {"BRCA": "breast", "COADREAD": "colon", "CRC": "colon", "LUNG": "lung", "KIDNEY": "kidney", "RCC": "kidney"}
_MODELS |= {"PROSTATE": "prostate", "PRAD": "prostate"}
_COHORT_FOLDER = re.compile(r"(?:\d+_)?([A-Z]+)_COHORT", re.IGNORECASE)
_MODEL_FOLDER = re.compile(r"([A-Z]+)_MODEL", re.IGNORECASE)
_IMAGE = re.compile(
    r"(?P<slide>.+?)(?:_\d+(?:\.\d+)?)?(?:_tumor|_(?P<normal>normal))?_original(?:_roi_(?P<number>\d+))?"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DiceTable:
    """Dice, and the scores beside it, of ROIs (rows) by segmenters (columns); NaN where there is none."""

    design: Design
    rois: Texts
    cohorts: Texts
    cases: Texts
    dice: NDArray[np.float64]
    scores: NDArray[np.float64]

    def where(self, rows: Mask) -> Self:
        """The same of some of the ROIs."""
        return replace(self, **{it.name: getattr(self, it.name)[rows] for it in fields(self) if it.name != "design"})

    @property
    def cohort_names(self) -> tuple[str, ...]:
        """The cohorts that are there, in the article's order."""
        present = set(self.cohorts.tolist())
        return tuple(name for name in (*COHORTS.values(), *sorted(present - set(COHORTS.values()))) if name in present)

    def is_home(self, cohort: str, place: int) -> bool:
        """Whether a segmenter was trained on a cohort."""
        return cohort in {cohort_title(name) for name in self.design.segmenters[place].native}


def cohort_title(project: str) -> str:
    """What tables call the cohort in which the published code evaluates a project: TCGA-LUAD is lung."""
    name = published_cohort(project)
    return COHORTS.get(name, name)


def read_dice(folder: Path, ratings: Path | None, design: Design) -> tuple[DiceTable, list[InputFile]]:
    """Dice of every `detailed_dice_results.csv` below a folder, and the scores of the ratings file, where there is one.

    Raises:
        ScoresRefused: there is no such file, a path names no cohort or no known model, or a line is at fault.
        FileRefused: a file cannot be read.
    """
    found: dict[tuple[str, str], dict[int, float]] = {}
    inputs = [
        _read_one(read_text(path), path.relative_to(folder).parts, found, design)
        for path in sorted(folder.rglob(DICE_FILE))
    ]
    if not inputs:
        raise ScoresRefused(f"{folder} has no {DICE_FILE}")
    scores: dict[tuple[str, str], dict[int, float]] = {}
    if ratings is not None:
        inputs.append(_read_ratings(read_text(ratings), set(found), scores, design))
    return _table(found, scores, design), inputs


def _read_one(
    file: TextFile, parts: Sequence[str], found: dict[tuple[str, str], dict[int, float]], design: Design
) -> InputFile:
    cohort, place = _place(parts, design)
    problems, rows, empty = Problems("/".join(parts)), 0, 0
    for rows, (where, row) in enumerate(file.rows(("Slide", "ROI", "Overall_DICE")), 1):  # noqa: B007
        value = _number(row["Overall_DICE"], 1.0)
        if isinstance(value, str):
            problems.add(where, f"Dice {value}")
            continue
        key = (cohort, image_key(row["Slide"], row["ROI"]))
        if found.setdefault(key, {}).setdefault(place, value) != value:
            problems.add(where, f"a second Dice of {key[1]}")
        empty += {row.get("GT_Percent_Tumor"), row.get("GT_Percent_Tumor_Stroma")} <= {"0", "0.0"}
    problems.raise_if_any()
    told = (f"{how_many(empty, 'ROI')} without tumor and stroma in the ground truth: Dice is 0 there",) if empty else ()
    return InputFile(role="Dice", name=problems.file, sha256=file.sha256, rows=rows, remarks=told)


def _place(parts: Sequence[str], design: Design) -> tuple[str, int]:
    cohort = next((match[1].upper() for part in parts if (match := _COHORT_FOLDER.fullmatch(part))), "")
    model = next((match[1].upper() for part in parts if (match := _MODEL_FOLDER.fullmatch(part))), "")
    place = design.place_of().get(_MODELS.get(model, model.lower()))
    if not cohort or place is None:
        raise ScoresRefused(f"{'/'.join(parts)} names no cohort and known model, as 01_LUNG_COHORT/BRCA_MODEL/ does")
    return cohort_title(cohort), place


def _read_ratings(
    file: TextFile,
    known: set[tuple[str, str]],
    scores: dict[tuple[str, str], dict[int, float]],
    design: Design,
) -> InputFile:
    problems, places, rows, strangers = Problems(file.name), design.place_of(), 0, 0
    for rows, (where, row) in enumerate(file.rows(("base_image", "cohort")), 1):  # noqa: B007
        key = (cohort_title(row["cohort"]), image_key(row["base_image"], ""))
        strangers += key not in known
        for column, cell in row.items():
            model = column.removesuffix("_score")
            place = places.get(_MODELS.get(model, model.lower())) if column.endswith("_score") else None
            if place is None or is_missing(cell):
                continue
            value = _number(cell, 10.0)
            if isinstance(value, str):
                problems.add(where, f"{column} {value}")
            else:
                scores.setdefault(key, {})[place] = value
    problems.raise_if_any()
    told = (f"{how_many(strangers, 'rated ROI')} without a Dice result, left out",) if strangers else ()
    return InputFile(role="scores beside Dice", name=file.name, sha256=file.sha256, rows=rows, remarks=told)


def image_key(slide: str, roi: str) -> str:
    """One name for an ROI, whether its mpp and its number stand in the slide's name, beside it, or nowhere.

    Tumor tissue goes without saying, normal does not: a slide may have an ROI of each.
    """
    stem = re.sub(r"\.(?:jpe?g|png|tiff?)$", "", slide, flags=re.IGNORECASE)
    match = _IMAGE.fullmatch(stem)
    number = re.search(r"(\d+)\D*$", roi)
    plain = match["slide"] if match else re.sub(r"_\d+\.\d+$", "", stem)
    plain += "_normal" if match and match["normal"] else ""
    return f"{plain}_roi_{(number[1] if number else match and match['number']) or 1}"


def _number(cell: str, highest: float) -> float | str:
    if is_missing(cell):
        return float("nan")
    try:
        value = float(cell)
    except ValueError:
        return f"{cell!r} is no number"
    return value if 0 <= value <= highest + 1e-9 else f"{cell} is not between 0 and {highest:g}"


def _table(
    found: Mapping[tuple[str, str], Mapping[int, float]],
    scores: Mapping[tuple[str, str], Mapping[int, float]],
    design: Design,
) -> DiceTable:
    dice = np.full((len(found), len(design.segmenters)), np.nan)
    given = dice.copy()
    for number, key in enumerate(found):
        for place, value in found[key].items():
            dice[number, place] = value
        for place, value in scores.get(key, {}).items():
            given[number, place] = value
    names = [roi for _, roi in found]
    return DiceTable(
        design=design,
        rois=np.array(names, dtype=np.str_),
        cohorts=np.array([cohort for cohort, _ in found], dtype=np.str_),
        cases=np.array([parse_name(name).case or name for name in names], dtype=np.str_),
        dice=dice,
        scores=given,
    )

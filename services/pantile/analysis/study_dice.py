"""Dice of a study's outputs from one table, as a Pantile gives it: every ROI under its own name, beside its score."""

from collections import Counter
from collections.abc import Iterable, Mapping

import numpy as np

from pantile.analysis.design import Design
from pantile.analysis.dice_files import DiceTable, cohort_title
from pantile.analysis.reading import InputFile, Problems, TextFile, how_many, is_missing
from pantile.analysis.scores import read_score
from pantile.domain.dice_remaps import RemapOrigin
from pantile.domain.rois import TissueType

_REQUIRED = ("cohort", "case", "roi", "tissue_type", "model", "score", "protocol", "remap_origin", "Overall_DICE")

Key = tuple[str, str, str]
"""Cohort, patient, ROI."""


def read_study_dice(file: TextFile, design: Design) -> tuple[DiceTable, InputFile]:
    """The Dice of a file with the columns of `pantile.domain.study_dice`; tumor ROIs alone, as in all that is told.

    Raises:
        ScoresRefused: a line has an unknown model, a Dice or a score that is none, or what an earlier line had.
    """
    return gather_study_dice(file.rows(_REQUIRED), design, name=file.name, sha256=file.sha256)


def gather_study_dice(
    rows: Iterable[tuple[str, Mapping[str, str]]], design: Design, *, name: str, sha256: str
) -> tuple[DiceTable, InputFile]:
    """A table from rows of those columns, each with where it stands; raises as `read_study_dice`."""
    problems, places, told = Problems(name), design.place_of(), Counter[str]()
    found: dict[Key, dict[int, tuple[float, float]]] = {}
    for where, row in rows:
        told["rows"] += 1
        place, score, dice = places.get(row["model"].lower()), read_score(row["score"]), _read_dice(row["Overall_DICE"])
        if place is None:
            problems.add(where, f"model {row['model']!r} is unknown; known are {', '.join(places)}")
        elif isinstance(dice, str) or isinstance(score, str):
            problems.add(where, dice if isinstance(dice, str) else str(score))
        elif row["tissue_type"] != TissueType.TUMOR:
            told["normal"] += 1
        elif np.isnan(dice):
            told["empty"] += 1
        elif place in (own := found.setdefault((row["cohort"], row["case"].upper(), row["roi"]), {})):
            problems.add(where, f"a second Dice of {row['roi']}, {row['model']}")
        else:
            own[place] = (dice, score)
            told[f"protocol {row['protocol']}"] += 1
            told["inferred"] += row["remap_origin"] != RemapOrigin.STATED
    problems.raise_if_any()
    read = InputFile(role="Dice", name=name, sha256=sha256, rows=told["rows"], remarks=_remarks(told))
    return _table(found, design), read


def _read_dice(cell: str) -> float | str:
    if is_missing(cell):
        return float("nan")
    try:
        value = float(cell)
    except ValueError:
        return f"Dice {cell!r} is no number"
    return value if 0 <= value <= 1 else f"Dice {cell} is not between 0 and 1"


def _table(found: Mapping[Key, Mapping[int, tuple[float, float]]], design: Design) -> DiceTable:
    values = np.full((2, len(found), len(design.segmenters)), np.nan)
    for number, own in enumerate(found.values()):
        for place, pair in own.items():
            values[:, number, place] = pair
    return DiceTable(
        design=design,
        rois=np.array([roi for _, _, roi in found], dtype=np.str_),
        cohorts=np.array([cohort_title(cohort) for cohort, _, _ in found], dtype=np.str_),
        cases=np.array([case for _, case, _ in found], dtype=np.str_),
        dice=values[0],
        scores=values[1],
    )


def _remarks(told: Counter[str]) -> tuple[str, ...]:
    remarks = [f"by the {name}" for name in told if name.startswith("protocol ")]
    if told["inferred"]:
        remarks.append(f"{told['inferred']:,} rest on a remap that the study does not state")
    if told["normal"]:
        remarks.append(f"{how_many(told['normal'], 'output')} of normal tissue, left out")
    if told["empty"]:
        remarks.append(f"{how_many(told['empty'], 'output')} without foreground in the ground truth, left out")
    return tuple(remarks)

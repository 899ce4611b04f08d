"""Dice of a study's outputs as tables: the study's own `detailed_dice_results.csv`, and all of a study in one."""

from collections.abc import Iterable, Mapping
from typing import Any

from pantile.domain.csv_text import Cell, write_csv
from pantile.domain.dice import Target

DETAILED_COLUMNS = (
    *("Slide", "ROI", "Overall_DICE", "Non_Background_Percentage"),
    *("DICE_Tumor", "GT_Percent_Tumor", "Pred_Percent_Tumor"),
    *("DICE_Tumor_Stroma", "GT_Percent_Tumor_Stroma", "Pred_Percent_Tumor_Stroma"),
)
"""The columns of the study's detailed_dice_results.csv."""

_BEFORE = ("cohort", "case", "roi", "tissue_type", "model", "segmenter", "score", "protocol", "remap_origin")

OUTPUT_COLUMNS = (*_BEFORE, "Overall_DICE")
"""What tells which output it is, its first score, the protocol, and its Dice."""

STUDY_DICE_COLUMNS = (*_BEFORE, *DETAILED_COLUMNS)
"""The columns of a study's Dice in one table: which output, its first score, the protocol, then the study's own."""

STUDY_DICE_FILE = "dice.csv"
"""Under this name an analysis finds that table."""


def detailed_cells(row: Mapping[str, Any], figures: Mapping[str, Any]) -> tuple[Cell, ...]:
    """The study's cells of an evaluated class map; percentages are of all pixels whose truth is known."""
    known = figures["known_pixels"] or 1
    tumor, stroma = figures["classes"]
    foreground = sum(figures["confusion"][Target.TUMOR]) + sum(figures["confusion"][Target.TUMOR_STROMA])
    return (
        row["slide"],
        row["roi_number"],
        figures["overall"],
        100 * foreground / known,
        *(
            value
            for each in (tumor, stroma)
            for value in (each["dice"], 100 * each["truth_pixels"] / known, 100 * each["predicted_pixels"] / known)
        ),
    )


def output_cells(row: Mapping[str, Any]) -> tuple[Cell, ...]:
    """The cells of an evaluated output under `OUTPUT_COLUMNS`."""
    return (*_before(row), row["overall"])


def _before(row: Mapping[str, Any]) -> tuple[Cell, ...]:
    return (
        *(row["cohort"], row["case_id"], row["roi"], row["tissue_type"], f"model{row['number']}"),
        *(row["segmenter"], row["score"], row["protocol"], row["remap_origin"]),
    )


def study_dice_csv(rows: Iterable[Mapping[str, Any]]) -> str:
    """The evaluated outputs of a study as CSV under `STUDY_DICE_COLUMNS`."""
    return write_csv(
        STUDY_DICE_COLUMNS,
        ((*_before(row), *detailed_cells(row, row)) for row in rows),
    )

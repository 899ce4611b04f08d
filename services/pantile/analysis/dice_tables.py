"""Tables of Dice, of scores against Dice, and of subgroups."""

from collections.abc import Sequence
from math import nan

import numpy as np

from pantile.analysis.bootstrap import interval_of_mean
from pantile.analysis.dice_agreement import DELTA, DiceAgreement
from pantile.analysis.dice_files import DiceTable
from pantile.analysis.estimates import show_2, show_range
from pantile.analysis.subgroups import Subgroup
from pantile.analysis.table import Table, make_table, spread
from pantile.domain.csv_text import Cell


def dice_table(table: DiceTable, note: str, *, draws: int, seed: int) -> Table:
    """Mean and SD of Dice per cohort and segmenter, per segmenter and over all."""
    rows: list[tuple[Cell, ...]] = []
    for place, title in enumerate(table.design.titles):
        for cohort in (*table.cohort_names, "all"):
            inside = np.ones(len(table.rois), dtype=np.bool_) if cohort == "all" else table.cohorts == cohort
            rows.append((cohort, title, *_mean(table.dice[inside, place], table.cases[inside], draws, seed)))
    cases = np.repeat(table.cases, table.dice.shape[1])
    rows.append(("all", "all", *_mean(table.dice.ravel(), cases, draws, seed)))
    columns = ("Cohort", "Segmenter", "ROIs", "Mean Dice", "SD", "95 % low", "95 % high")
    return make_table(
        "dice", "Dice by segmenter and cohort of the ground truth", columns, rows, note=note, is_long=True
    )


def _mean(values: np.ndarray, cases: np.ndarray, draws: int, seed: int) -> tuple[int, float, float, float, float]:
    known = ~np.isnan(values)
    kept = values[known]
    if not len(kept):
        return 0, nan, nan, nan, nan
    low, high = interval_of_mean(kept, cases[known], draws=draws, seed=seed)
    sd = float(kept.std(ddof=1)) if len(kept) > 1 else float("nan")
    return len(kept), float(kept.mean()), sd, low, high


_CHANCE = (
    "By chance: the same scores dealt out anew among the same ROIs. Where scores cluster, that alone is high, and the "
    "share says little. Bias is a tenth of the score less Dice."
)


def dice_agreement_table(found: Sequence[DiceAgreement], note: str) -> Table:
    """Scores against Dice, with what chance alone gives, for people."""
    rows = [
        (
            it.cohort,
            f"{it.segmenter} (home)" if it.is_home else it.segmenter,
            it.within.n,
            str(it.icc_c1),
            str(it.within),
            f"{show_2(it.baseline.expected)} {show_range(it.baseline.low, it.baseline.high)}" if it.baseline else "–",
            it.baseline.p if it.baseline else None,
            f"{show_2(it.limits.bias.value)} {show_range(it.limits.low.value, it.limits.high.value)}",
        )
        for it in found
    ]
    return make_table(
        "dice_agreement",
        f"Scores against Dice: a tenth of the score within ±{DELTA:g} of Dice",
        ("Cohort", "Segmenter", "n", "ICC(C,1)", "Share within", "By chance", "p beyond chance", "Bias and limits"),
        rows,
        note=f"{note} {_CHANCE}",
    )


def dice_agreement_numbers(found: Sequence[DiceAgreement], note: str) -> Table:
    """The same, each number in a column of its own."""
    rows: list[tuple[Cell, ...]] = []
    for it in found:
        chance = (
            (it.baseline.expected, it.baseline.low, it.baseline.high, it.baseline.p) if it.baseline else (None,) * 4
        )
        limits = (it.limits.bias.value, it.limits.low.value, it.limits.high.value)
        home = "home" if it.is_home else ""
        rows.append(
            (it.cohort, it.segmenter, home, it.within.n, *spread(it.icc_c1), *spread(it.within), *chance, *limits)
        )
    columns = [
        "Cohort",
        "Segmenter",
        "Home",
        "n",
        "ICC(C,1)",
        "ICC low",
        "ICC high",
        "Within",
        "Within low",
        "Within high",
    ]
    columns += [
        "By chance",
        "By chance 2.5 %",
        "By chance 97.5 %",
        "p beyond chance",
        "Bias",
        "Limit low",
        "Limit high",
    ]
    return make_table(
        "dice_agreement_numbers", "Scores against Dice, number by number", columns, rows,
        note=f"{note} {_CHANCE}", is_long=True,
    )  # fmt: skip


def subgroups_table(found: Sequence[Subgroup], note: str, *, draws: int, seed: int) -> Table:
    """Each segmenter within each subgroup."""
    rows: list[tuple[Cell, ...]] = []
    for group in found:
        for place, title in enumerate(group.table.design.titles):
            rows.append((group.title, title, *_mean(group.table.scores[:, place], group.table.cases, draws, seed)))
    rules = " ".join(_rule(it) for it in found)
    columns = ("Subgroup", "Segmenter", "ROIs", "Mean", "SD", "95 % low", "95 % high")
    return make_table("subgroups", "Scores by primary diagnosis", columns, rows, note=f"{note} {rules}")


def _rule(it: Subgroup) -> str:
    return f"{it.title} (n = {len(it.table.rois):,}): {it.rule}; {it.remark}".rstrip("; ") + "."


def composition_table(found: Sequence[Subgroup]) -> Table:
    """Which diagnoses, in which cohorts, a subgroup is made of."""
    rows: list[tuple[Cell, ...]] = []
    for group in found:
        pairs = list(zip(group.table.cohorts.tolist(), group.diagnoses, strict=True))
        counted = sorted(set(pairs), key=lambda pair: (-pairs.count(pair), pair))
        rows += [(group.title, cohort, diagnosis, pairs.count((cohort, diagnosis))) for cohort, diagnosis in counted]
    columns = ("Subgroup", "Cohort", "Primary diagnosis", "ROIs")
    return make_table("composition", "What the subgroups are made of", columns, rows, is_long=True)

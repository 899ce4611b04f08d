"""Tables of scores: Table 1 and its cells, categories, rankings, coverage."""

from collections.abc import Sequence

import numpy as np

from pantile.analysis.bootstrap import Draws, few_patients, interval, share_at_least
from pantile.analysis.design import Category
from pantile.analysis.reading import how_many
from pantile.analysis.scores import ScoreTable
from pantile.analysis.summaries import Summary, count_categories, order_by_mean
from pantile.analysis.table import Table, make_table, mean_sd
from pantile.domain.csv_text import Cell

GOOD_MEAN = 8.0
"""How probable a mean of at least this is stands in the tables."""


def table_1(summary: Summary, table: ScoreTable, note: str) -> Table:
    """The article's Table 1, as it prints it."""
    rows: list[tuple[Cell, ...]] = [
        (
            cohort,
            int(summary.rois[row]),
            *(mean_sd(float(m), float(s)) for m, s in zip(summary.cells.mean[row], summary.cells.sd[row], strict=True)),
            mean_sd(float(summary.rows.mean[row]), float(summary.rows.sd[row])),
        )
        for row, cohort in enumerate(summary.cohorts)
    ]
    columns = [mean_sd(float(m), float(s)) for m, s in zip(summary.columns.mean, summary.columns.sd, strict=True)]
    everything = mean_sd(float(summary.overall.mean), float(summary.overall.sd))
    last: tuple[Cell, ...] = ("All ROIs", int(summary.rois.sum()), *columns, everything)
    return make_table(
        "table1",
        "Table 1. Scores by cohort and segmenter, mean ± SD",
        ("Cohort", "ROIs", *table.design.titles, "All segmenters"),
        [*rows, last],
        note=f"{note} The last row pools ROIs: large cohorts weigh more. Unscored outputs are missing, never 0.",
    )


def cells_table(summary: Summary, draws: Draws, table: ScoreTable, note: str) -> Table:
    """Each cell of Table 1 with its interval and the probability of a mean of at least 8."""
    low, high = interval(draws.cells)
    likely = share_at_least(draws.cells, GOOD_MEAN)
    rows: list[tuple[Cell, ...]] = []
    for row, cohort in enumerate(summary.cohorts):
        patients = len(np.unique(table.cases[table.cohorts == cohort]))
        for place, segmenter in enumerate(table.design.segmenters):
            rows.append(
                (
                    cohort,
                    segmenter.title,
                    "native" if cohort in segmenter.native else "foreign",
                    int(summary.cells.n[row, place]),
                    patients,
                    float(summary.cells.mean[row, place]),
                    float(summary.cells.sd[row, place]),
                    float(low[row, place]),
                    float(high[row, place]),
                    float(likely[row, place]),
                )
            )
    columns = ("Cohort", "Segmenter", "Home", "ROIs", "Patients", "Mean", "SD", "95 % low", "95 % high", "P(mean ≥ 8)")
    return make_table(
        "cells",
        "Every cohort and segmenter, with intervals by drawing patients",
        columns,
        rows,
        note=f"{note} {len(draws.cells):,} draws of patients within cohorts, the same for all segmenters."
        f"{few_patients(table)}",
        is_long=True,
    )


def margins_table(summary: Summary, draws: Draws, table: ScoreTable, note: str) -> Table:
    """Segmenters over all ROIs, with intervals."""
    low, high = interval(draws.columns)
    rows = [
        (
            title,
            int(summary.columns.n[place]),
            float(summary.columns.mean[place]),
            float(summary.columns.sd[place]),
            float(low[place]),
            float(high[place]),
        )
        for place, title in enumerate(table.design.titles)
    ]
    columns = ("Segmenter", "Scores", "Mean", "SD", "95 % low", "95 % high")
    return make_table("segmenters", "Segmenters over all ROIs", columns, rows, note=note)


def categories_table(table: ScoreTable, categories: Sequence[Category], note: str) -> Table:
    """How many scores of each segmenter fall into each category."""
    counts = count_categories(table, tuple(categories)).sum(axis=0)
    rows: list[tuple[Cell, ...]] = [
        (
            title,
            int(counts[place].sum()),
            *(int(count) for count in counts[place]),
            *(100 * float(count) / max(1, int(counts[place].sum())) for count in counts[place]),
        )
        for place, title in enumerate(table.design.titles)
    ]
    names = [f"{it.name} ({say_range(it)})" for it in categories]
    columns = ("Segmenter", "Scores", *names, *(f"% {it.name}" for it in categories))
    return make_table("categories", "Scores by category", columns, rows, note=note)


def say_range(category: Category) -> str:
    """A category's range: 5 to <8."""
    return f"{category.low:g} to 10" if category.high > 10 else f"{category.low:g} to <{category.high:g}"


def cohort_categories_table(summary: Summary, categories: Sequence[Category], table: ScoreTable, note: str) -> Table:
    """How many foreign cohorts of each segmenter have a mean in each category: the article's 11 of 19."""
    rows: list[tuple[Cell, ...]] = []
    for place, segmenter in enumerate(table.design.segmenters):
        foreign = [row for row, cohort in enumerate(summary.cohorts) if cohort not in segmenter.native]
        means = summary.cells.mean[foreign, place]
        known = means[~np.isnan(means)]
        counts = [int(((known >= it.low) & (known < it.high)).sum()) for it in categories]
        rows.append((segmenter.title, len(known), *counts))
    columns = ("Segmenter", "Foreign cohorts", *(f"{it.name} ({say_range(it)})" for it in categories))
    return make_table(
        "cohort_categories",
        "Foreign cohorts by the category of their mean (unrounded)",
        columns,
        rows,
        note=f"{note} A mean just below a cut-off falls below it: see how probable a mean of at least 8 is.",
    )


def ranking_table(summary: Summary, draws: Draws, table: ScoreTable, note: str) -> Table:
    """Which segmenter for which tumor: the best of each cohort, how sure that is, and the runner-up."""
    filled = np.where(np.isnan(draws.cells), -np.inf, draws.cells)
    best_share = (filled == filled.max(axis=2, keepdims=True)).mean(axis=0)
    titles = table.design.titles
    rows: list[tuple[Cell, ...]] = []
    for row in order_by_mean(summary):
        means = summary.cells.mean[row]
        first, *others = (int(place) for place in np.argsort(-means, kind="stable") if not np.isnan(means[place]))
        runner_up: tuple[Cell, ...] = (None,) * 4
        if others:
            low, high = interval(draws.cells[:, row, first] - draws.cells[:, row, others[0]])
            runner_up = (titles[others[0]], float(means[first] - means[others[0]]), float(low), float(high))
        best = (titles[first], float(means[first]), float(best_share[row, first]))
        rows.append((summary.cohorts[row], int(summary.rois[row]), *best, *runner_up))
    columns = ("Cohort", "ROIs", "Best", "Mean", "P(best)", "Next", "Ahead by", "95 % low", "95 % high")
    return make_table("ranking", "Which segmenter for which tumor", columns, rows, note=note + few_patients(table))


def coverage_table(table: ScoreTable, note: str) -> Table:
    """How many outputs of tumor and of normal tissue have a score."""
    rows: list[tuple[Cell, ...]] = []
    for tissue in np.unique(table.tissue_types).tolist():
        part = table.where(table.tissue_types == tissue)
        for place, title in enumerate(table.design.titles):
            scored = int((~np.isnan(part.scores[:, place])).sum())
            rows.append((tissue, title, len(part.rois), scored, 100 * scored / len(part.rois)))
    columns = ("Tissue", "Segmenter", "ROIs", "Scored", "% scored")
    return make_table("coverage", "What is scored", columns, rows, note=note, is_long=True)


def say_n(before: ScoreTable, after: ScoreTable) -> str:
    """How many ROIs and patients take part, before and after exclusions."""
    patients = len(np.unique(np.char.add(np.char.add(after.cohorts, " "), after.cases)))
    left_out = len(before.rois) - len(after.rois)
    return (
        f"n = {how_many(len(after.rois), 'tumor ROI')} of {patients:,} patients, {after.scored:,} scores; "
        f"{len(before.rois):,} ROIs before exclusions, {left_out:,} excluded."
    )

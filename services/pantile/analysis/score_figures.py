"""Figures 4A to 4D: scores by segmenter, the heat map, native and foreign, cohorts by segmenter."""

from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.ticker import MultipleLocator

from pantile.analysis.bootstrap import Draws, few_patients, interval
from pantile.analysis.colours import ink_on
from pantile.analysis.design import Category
from pantile.analysis.figure import (
    BOXES,
    GREY,
    LIGHT,
    Figure,
    draw_boxes,
    in_style,
    label,
    make_plot,
    width_for,
    width_for_panels,
)
from pantile.analysis.reading import how_many
from pantile.analysis.scores import ScoreTable
from pantile.analysis.summaries import Summary, order_by_mean
from pantile.analysis.table import Table, make_table, mean_sd, show
from pantile.domain.csv_text import Cell

_HEAT = "GnBu"
_PALEST = 12.0
"""Beyond the highest score, so that black numbers stay legible on the darkest cell."""

_DODGE = 0.7
"""Of a row, over which segmenters' marks are spread, so that equal means do not hide each other."""

_LETTER_IN = 0.065
"""The width of a letter of a table."""


@in_style
def draw_table_1(table: Table) -> Figure:
    """Table 1 as a picture."""
    lines = [table.columns, *table.rows]
    width = width_for(len(table.columns) - 3)
    column_in = width / len(table.columns)
    longer = max(0.0, _LETTER_IN * max(len(str(row[0])) for row in lines) / column_in - 1)
    plot, (axis,) = make_plot(0.165 * (len(lines) + 1), width_in=width + column_in * longer)
    axis.set_xlim(0, len(table.columns) + longer + 0.08)
    axis.set_ylim(len(lines) - 0.5, -0.5)
    axis.axis("off")
    for row, cells in enumerate(lines):
        for column, cell in enumerate(cells):
            at, side = (0.02, "left") if column == 0 else (column + longer + 0.55, "center")
            axis.text(at, row, show(cell), ha=side, va="center", fontweight="bold" if row == 0 else "normal")
    for height, thickness in ((0.5, 0.8), (len(lines) - 1.5, 0.4)):
        axis.axhline(height, color="black", linewidth=thickness)
    return Figure(name="table1", title=table.title, caption=table.note, plot=plot, numbers=table, is_in_report=False)


@in_style
def draw_distributions(table: ScoreTable, summary: Summary) -> Figure:
    """Figure 4A: how often each segmenter gets each score."""
    segmenters = len(table.design.segmenters)
    plot, axes = make_plot(1.9, columns=segmenters, width_in=width_for_panels(segmenters))
    rows: list[tuple[Cell, ...]] = []
    shares = []
    for place, segmenter in enumerate(table.design.segmenters):
        scores = table.scores[:, place]
        known = scores[~np.isnan(scores)].astype(np.int64)
        counts = np.bincount(known, minlength=11)
        shares.append(100 * counts / max(1, len(known)))
        rows += [(segmenter.title, score, int(count), float(shares[-1][score])) for score, count in enumerate(counts)]
    for place, (axis, segmenter) in enumerate(zip(axes, table.design.segmenters, strict=True)):
        mean, sd = float(summary.columns.mean[place]), float(summary.columns.sd[place])
        axis.bar(np.arange(11), shares[place], width=0.85, color=segmenter.colour)
        axis.axvline(mean, color="black", linewidth=0.8, linestyle=(0, (3, 2)))
        axis.set_title(f"{label(segmenter.title)}\n{mean_sd(mean, sd)}, n = {summary.columns.n[place]:,}")
        axis.set_xlabel("score")
        axis.set_ylim(0, 1.08 * max(float(share.max()) for share in shares))
        axis.xaxis.set_major_locator(MultipleLocator(2))
        if place:
            axis.set_yticklabels([])
    axes[0].set_ylabel("% of scores")
    return Figure(
        name="figure4A",
        title="Figure 4A. Scores by segmenter",
        caption=f"Share of each score over {how_many(len(table.rois), 'tumor ROI')} of "
        f"{how_many(len(summary.cohorts), 'cohort')}. The dashed line is the mean, above each panel mean ± SD and "
        "number of scores.",
        plot=plot,
        numbers=make_table("figure4A", "Figure 4A", ("Segmenter", "Score", "Scores", "%"), rows),
    )


@in_style
def draw_heat_map(table: ScoreTable, summary: Summary) -> Figure:
    """Figure 4B: mean score of each segmenter on each cohort, the best cohorts first."""
    order = order_by_mean(summary)
    means = np.column_stack([summary.cells.mean, summary.rows.mean])[order]
    means = np.vstack([means, [*summary.columns.mean, float(summary.overall.mean)]])
    plot, (axis,) = make_plot(0.6 + 0.185 * len(means), width_in=width_for(means.shape[1] - 1, five_in=4.6))
    colours = mpl.colormaps[_HEAT]
    axis.imshow(np.ma.masked_invalid(means), cmap=colours, vmin=0, vmax=_PALEST, aspect="auto")
    names = [f"{summary.cohorts[row]} ({summary.rois[row]:,})" for row in order]
    axis.set_yticks(range(len(means)), [*names, f"all ({summary.rois.sum():,})"])
    axis.set_xticks(range(means.shape[1]), [*map(label, table.design.titles), "all"])
    axis.tick_params(length=0, top=False, labeltop=True, labelbottom=False)
    axis.spines[:].set_visible(False)
    for (row, column), mean in np.ndenumerate(means):
        text = "–" if np.isnan(mean) else f"{mean:.1f}"
        ink = "black" if np.isnan(mean) else ink_on(mpl.colors.to_hex(colours(mean / _PALEST)))
        axis.text(column, row, text, ha="center", va="center", color=ink, fontsize=6.5)
    for place, segmenter in enumerate(table.design.segmenters):
        for row in (at for at, cohort in enumerate(order) if summary.cohorts[cohort] in segmenter.native):
            axis.add_patch(
                Rectangle((place - 0.46, row - 0.4), 0.92, 0.8, fill=False, edgecolor="black", linewidth=1.1, zorder=3)
            )
    axis.axhline(len(order) - 0.5, color="white", linewidth=2.5)
    axis.axvline(means.shape[1] - 1.5, color="white", linewidth=2.5)
    rows = [
        (summary.cohorts[row], title, int(summary.cells.n[row, place]), float(summary.cells.mean[row, place]))
        for row in order
        for place, title in enumerate(table.design.titles)
    ]
    return Figure(
        name="figure4B",
        title="Figure 4B. Mean score by cohort and segmenter",
        caption="Cohorts by their mean over all segmenters, tumor ROIs in brackets; native cohorts are framed. "
        "Last row and column pool scores.",
        plot=plot,
        numbers=make_table("figure4B", "Figure 4B", ("Cohort", "Segmenter", "Scores", "Mean"), rows),
    )


@in_style
def draw_native(table: ScoreTable, draws: Draws) -> Figure:
    """Figure 4C: each segmenter at home and elsewhere."""
    plot, (axis,) = make_plot(2.5, width_in=width_for(len(table.design.segmenters), five_in=5.2))
    native = table.is_native()
    rows: list[tuple[Cell, ...]] = []
    labels, groups, places, colours = [], [], [], []
    for place, segmenter in enumerate(table.design.segmenters):
        known = ~np.isnan(table.scores[:, place])
        halves = [
            ("native", native[:, place] & known, draws.native),
            ("foreign", ~native[:, place] & known, draws.foreign),
        ]
        there = [half for half in halves if half[1].any()]
        for part, (name, inside, means) in enumerate(there):
            scores = table.scores[inside, place]
            low, high = interval(means[:, place])
            rows.append((segmenter.title, name, len(scores), float(scores.mean()), float(low), float(high)))
            groups.append(scores.tolist())
            places.append(place + 0.4 * part - 0.2 * (len(there) - 1))
            colours.append(segmenter.colour if name == "native" else _pale(segmenter.colour))
            labels.append(f"{name}\n{len(scores):,}")
        if not there:
            places.append(place)
            groups.append([])
            colours.append(segmenter.colour)
            labels.append("not scored")
    draw_boxes(axis, groups, at=places, colours=colours, width=0.32)
    axis.set_xticks(places, labels, fontsize=5.5)
    axis.set_xlim(-0.5, len(table.design.segmenters) - 0.5)
    axis.set_ylim(-0.4, 11.2)
    axis.yaxis.set_major_locator(MultipleLocator(2))
    axis.set_ylabel("score")
    for place, segmenter in enumerate(table.design.segmenters):
        axis.text(place, 10.7, label(segmenter.title), ha="center", va="bottom", fontsize=7.5, color="black")
    return Figure(
        name="figure4C",
        title="Figure 4C. Segmenters at home and elsewhere",
        caption=f"Scores in native (full colour) and foreign cohorts (pale), their number below. {BOXES}",
        plot=plot,
        numbers=make_table(
            "figure4C", "Figure 4C", ("Segmenter", "Cohorts", "Scores", "Mean", "95 % low", "95 % high"), rows
        ),
    )


def _pale(colour: str) -> str:
    """A colour mixed with white."""
    red, green, blue = (0.35 * part + 0.65 for part in mpl.colors.to_rgb(colour))
    return mpl.colors.to_hex((red, green, blue))


def _shade(axis: Axes, categories: Sequence[Category], *, names_at: float) -> None:
    """Bands of scores behind a plot, their names above it."""
    for number, category in enumerate(categories):
        shade = 0.93 - 0.07 * (number % 2)
        axis.axvspan(category.low, min(category.high, 10.15), color=str(shade), zorder=0, linewidth=0)
        axis.text(
            (category.low + min(category.high, 10)) / 2, names_at, category.name,
            ha="center", va="bottom", fontsize=6.5, color=GREY,
        )  # fmt: skip


@in_style
def draw_cohorts(table: ScoreTable, summary: Summary, draws: Draws, categories: Sequence[Category]) -> Figure:
    """Figure 4D: every cell's mean with its interval, against the categories."""
    order = order_by_mean(summary)[::-1]
    low, high = interval(draws.cells)
    segmenters = len(table.design.segmenters)
    step = _DODGE / max(5, segmenters)
    plot, (axis,) = make_plot(0.9 + 0.23 * len(order), width_in=5.6)
    rows: list[tuple[Cell, ...]] = []
    _shade(axis, categories, names_at=len(order) - 0.25)
    for height, row in enumerate(order):
        for place, segmenter in enumerate(table.design.segmenters):
            mean = float(summary.cells.mean[row, place])
            at = height + step * ((segmenters - 1) / 2 - place)
            if np.isnan(mean):
                continue
            is_native = summary.cohorts[row] in segmenter.native
            ends = float(low[row, place]), float(high[row, place])
            axis.plot(ends, [at, at], color=segmenter.colour, linewidth=1.0, solid_capstyle="butt", zorder=2)
            axis.plot(
                mean, at, marker="D" if is_native else "o", markersize=4.0 if is_native else 3.6, zorder=3,
                color=segmenter.colour, markeredgecolor="black" if is_native else "white", markeredgewidth=0.7,
            )  # fmt: skip
            rows.append((summary.cohorts[row], segmenter.title, mean, *ends, "native" if is_native else "foreign"))
    axis.set_yticks(range(len(order)), [f"{summary.cohorts[row]} ({summary.rois[row]:,})" for row in order])
    axis.set_xlim(0, 10.15)
    axis.set_ylim(-0.7, len(order) + 0.55)
    axis.set_xlabel("mean score")
    axis.tick_params(axis="y", length=0)
    axis.grid(axis="y", color=LIGHT, linewidth=0.4, zorder=1)
    axis.set_axisbelow(True)
    handles = [
        Line2D([], [], color=it.colour, marker="o", linestyle="", markersize=4, label=it.title)
        for it in table.design.segmenters
    ]
    if any(row[-1] == "native" for row in rows):
        native = Line2D([], [], color="white", marker="D", linestyle="", markeredgecolor="black", label="native")
        native.set_markersize(4)
        handles.append(native)
    plot.legend(handles=handles, loc="outside upper center", ncols=min(6, len(handles)))
    return Figure(
        name="figure4D",
        title="Figure 4D. Means by cohort, with intervals and categories",
        caption="Mean scores with 95 % intervals by drawing patients; cohorts by their mean over all segmenters, tumor "
        "ROIs in brackets; diamonds are native cohorts. Bands are the categories, applied to unrounded means."
        f"{few_patients(table)}",
        plot=plot,
        numbers=make_table(
            "figure4D", "Figure 4D", ("Cohort", "Segmenter", "Mean", "95 % low", "95 % high", "Home"), rows
        ),
    )

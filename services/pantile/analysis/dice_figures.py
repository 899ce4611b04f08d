"""Figures 3C to 3E: Dice by segmenter and cohort, and scores against Dice beside what chance alone gives."""

from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Patch

from pantile.analysis.colours import ink_on
from pantile.analysis.dice_agreement import DELTA, DiceAgreement
from pantile.analysis.dice_files import DiceTable
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
from pantile.analysis.table import make_table
from pantile.domain.csv_text import Cell

_PALEST = 1.2
"""Beyond the highest Dice, so that black numbers stay legible on the darkest cell."""

_MANY = 20
"""Dots of a panel, from which on they are small."""


@in_style
def draw_dice(table: DiceTable) -> Figure:
    """Figure 3C: Dice of each segmenter on each cohort with ground truth."""
    plot, (axis,) = make_plot(2.3, width_in=width_for(len(table.design.segmenters), five_in=5.6))
    step = 1 / (len(table.design.segmenters) + 1.5)
    groups, places, colours, rows, centres = [], [], [], list[tuple[Cell, ...]](), []
    for number, cohort in enumerate(table.cohort_names):
        inside = table.cohorts == cohort
        for place, segmenter in enumerate(table.design.segmenters):
            dice = table.dice[inside, place]
            dice = dice[~np.isnan(dice)]
            groups.append(dice.tolist())
            places.append(number + step * (place - (len(table.design.segmenters) - 1) / 2))
            colours.append(segmenter.colour)
            quartiles = np.quantile(dice, [0.25, 0.5, 0.75]) if len(dice) else [np.nan] * 3
            rows.append((cohort, segmenter.title, len(dice), *(float(it) for it in quartiles)))
        centres.append(f"{cohort} cohort\n{how_many(int(inside.sum()), 'ROI')}")
    draw_boxes(axis, groups, at=places, colours=colours, width=0.8 * step)
    axis.set_xticks(range(len(centres)), centres)
    axis.set_xlim(-0.6, len(centres) - 0.4)
    axis.set_ylim(-0.02, 1.02)
    axis.set_ylabel("Dice")
    handles = [Patch(facecolor=it.colour, label=it.title) for it in table.design.segmenters]
    plot.legend(handles=handles, loc="outside upper center", ncols=min(6, len(handles)))
    return Figure(
        name="figure3C",
        title="Figure 3C. Dice by segmenter and cohort",
        caption=BOXES,
        plot=plot,
        numbers=make_table("figure3C", "Figure 3C", ("Cohort", "Segmenter", "ROIs", "25 %", "Median", "75 %"), rows),
    )


@in_style
def draw_dice_means(table: DiceTable) -> Figure:
    """Figure 3D: mean and SD of Dice, per cohort and over all."""
    names = (*table.cohort_names, "all")
    titles = (*table.design.titles, "all")
    plot, (axis,) = make_plot(0.5 + 0.27 * len(names), width_in=width_for(len(titles) - 1, five_in=4.6))
    colours = mpl.colormaps["GnBu"]
    means = np.full((len(names), len(titles)), np.nan)
    spreads = means.copy()
    rows: list[tuple[Cell, ...]] = []
    for row, cohort in enumerate(names):
        part = table.dice if cohort == "all" else table.dice[table.cohorts == cohort]
        for column, title in enumerate(titles):
            dice = part.ravel() if title == "all" else part[:, column]
            dice = dice[~np.isnan(dice)]
            sd = float(dice.std(ddof=1)) if len(dice) > 1 else float("nan")
            means[row, column], spreads[row, column] = dice.mean() if len(dice) else np.nan, sd
            rows.append((cohort, title, len(dice), float(means[row, column]), sd))
    axis.imshow(np.ma.masked_invalid(means), cmap=colours, vmin=0, vmax=_PALEST, aspect="auto")
    for (row, column), mean in np.ndenumerate(means):
        ink = ink_on(mpl.colors.to_hex(colours(mean / _PALEST))) if not np.isnan(mean) else "black"
        text = mean_sd_2(float(mean), float(spreads[row, column]))
        axis.text(column, row, text, ha="center", va="center", color=ink, fontsize=6.5)
    sizes = [len(table.rois) if name == "all" else int((table.cohorts == name).sum()) for name in names]
    axis.set_yticks(range(len(names)), [f"{name} ({size:,})" for name, size in zip(names, sizes, strict=True)])
    axis.set_xticks(range(len(titles)), [label(title) for title in titles])
    axis.tick_params(length=0, labeltop=True, labelbottom=False)
    axis.spines[:].set_visible(False)
    axis.axhline(len(names) - 1.5, color="white", linewidth=2.5)
    axis.axvline(len(titles) - 1.5, color="white", linewidth=2.5)
    return Figure(
        name="figure3D",
        title="Figure 3D. Mean Dice",
        caption="Mean ± SD by cohort of the ground truth (ROIs in brackets) and segmenter.",
        plot=plot,
        numbers=make_table("figure3D", "Figure 3D", ("Cohort", "Segmenter", "ROIs", "Mean", "SD"), rows),
    )


def mean_sd_2(mean: float, sd: float) -> str:
    """A mean of Dice with its standard deviation: 0.77 ± 0.16."""
    if np.isnan(mean):
        return "–"
    return f"{mean:.2f}" if np.isnan(sd) else f"{mean:.2f} ± {sd:.2f}"


@in_style
def draw_scores_against_dice(table: DiceTable, found: Sequence[DiceAgreement]) -> Figure:
    """Figure 3E: a tenth of the score against Dice, for each cohort and segmenter."""
    names = table.cohort_names
    segmenters = len(table.design.segmenters)
    plot, axes = make_plot(
        1.62 * len(names), rows=len(names), columns=segmenters, width_in=width_for_panels(segmenters)
    )
    by_cell = {(it.cohort, it.place): it for it in found}
    rows: list[tuple[Cell, ...]] = []
    for row, cohort in enumerate(names):
        inside = table.cohorts == cohort
        for place, segmenter in enumerate(table.design.segmenters):
            axis = axes[row * len(table.design.segmenters) + place]
            dice, scores = table.dice[inside, place], table.scores[inside, place] / 10
            known = ~np.isnan(dice) & ~np.isnan(scores)
            _scatter(axis, dice[known], scores[known], segmenter.colour)
            pairs = np.stack([dice[known], scores[known]], axis=1).tolist()
            rows += [(cohort, segmenter.title, *pair) for pair in pairs]
            axis.set_title(_say(by_cell.get((cohort, place))), fontsize=5.6, linespacing=1.15, pad=2.5)
            axis.set_xlabel("Dice" if row == len(names) - 1 else "")
            axis.set_ylabel(f"{cohort} cohort\nscore / 10" if place == 0 else "")
            axis.tick_params(labelbottom=row == len(names) - 1, labelleft=place == 0)
            if row == 0:
                axis.annotate(
                    label(segmenter.title), (0.5, 1.0), xytext=(0, 21), xycoords="axes fraction",
                    textcoords="offset points", ha="center", va="bottom", fontsize=8,
                )  # fmt: skip
    return Figure(
        name="figure3E",
        title="Figure 3E. Scores against Dice",
        caption=f"The band is ±{DELTA:g} around equality. Above each panel: number of ROIs and ICC(C,1); the share "
        "within the band, and what the same scores give when dealt out anew among the same ROIs: chance alone. "
        "Where scores cluster that is high, and the share says little.",
        plot=plot,
        numbers=make_table("figure3E", "Figure 3E", ("Cohort", "Segmenter", "Dice", "Score / 10"), rows),
    )


@in_style
def draw_chance(found: Sequence[DiceAgreement], colours: Sequence[str]) -> Figure:
    """Figure 3E, beside it: the share within the band against what chance alone gives."""
    plot, (axis,) = make_plot(0.7 + 0.155 * len(found), width_in=5.6)
    rows: list[tuple[Cell, ...]] = []
    for height, it in enumerate(found):
        shares = [100 * part for part in (it.within.value, it.within.low, it.within.high)]
        axis.plot(shares[1:], [height, height], color=colours[it.place], linewidth=1.0, zorder=2)
        axis.plot(shares[0], height, marker="o", markersize=3.8, color=colours[it.place], zorder=3)
        chance = [float("nan")] * 3
        if it.baseline is not None:
            chance = [100 * part for part in (it.baseline.expected, it.baseline.low, it.baseline.high)]
            axis.barh(height, chance[2] - chance[1], left=chance[1], height=0.7, color=LIGHT, zorder=0)
            axis.plot([chance[0]] * 2, [height - 0.38, height + 0.38], color="black", linewidth=1.1, zorder=1)
        rows.append((it.cohort, it.segmenter, it.within.n, *shares, *chance))
        if height and it.cohort != found[height - 1].cohort:
            axis.axhline(height - 0.5, color=LIGHT, linewidth=0.6, zorder=0)
    axis.set_yticks(range(len(found)), [f"{it.segmenter} on {it.cohort} ({it.within.n:,})" for it in found])
    axis.set_ylim(len(found) - 0.4, -0.6)
    axis.tick_params(axis="y", length=0)
    axis.set_xlim(0, 102)
    axis.set_xlabel(f"% of ROIs with a tenth of the score within ±{DELTA:g} of Dice")
    columns = ("Cohort", "Segmenter", "n", "Within %", "95 % low", "95 % high", "By chance %", "2.5 %", "97.5 %")
    return Figure(
        name="figure3E_chance",
        title="Figure 3E, continued. Agreement with Dice, and by chance",
        caption="Dots: the share within the band, with Wilson's 95 % interval. Black lines: what the same scores give "
        "when dealt out anew among the same ROIs; grey, where 95 % of the dealings lie.",
        plot=plot,
        numbers=make_table("figure3E_chance", "Figure 3E, chance", columns, rows),
    )


def _say(it: DiceAgreement | None) -> str:
    if it is None:
        return "no scores"
    chance = f"{100 * it.baseline.expected:.0f} %" if it.baseline else "–"
    icc = f"{it.icc_c1.value:.2f}" if it.icc_c1.is_known else "–"
    return f"n = {it.within.n:,}, ICC {icc}\nwithin {100 * it.within.value:.0f} %, chance {chance}"


def _scatter(axis: Axes, dice: Sequence[float], scores: Sequence[float], colour: str) -> None:
    axis.fill_between([0, 1], [-DELTA, 1 - DELTA], [DELTA, 1 + DELTA], color=LIGHT, alpha=0.6, linewidth=0, zorder=0)
    axis.plot([0, 1], [0, 1], color=GREY, linewidth=0.6, zorder=1)
    axis.scatter(dice, scores, s=5 if len(dice) > _MANY else 12, color=colour, alpha=0.55, linewidth=0, zorder=2)
    axis.set_xlim(-0.03, 1.03)
    axis.set_ylim(-0.05, 1.07)
    axis.set_xticks([0, 0.5, 1])
    axis.set_yticks([0, 0.5, 1])

"""Figures 3A and 3B: two raters on the same outputs, pooled and per segmenter."""

import re

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MultipleLocator
from numpy.typing import NDArray

from pantile.analysis.agreement import bias, icc, share_within, spearman
from pantile.analysis.design import Design
from pantile.analysis.figure import GREY, LIGHT, Figure, in_style, label, make_plot, width_for_panels
from pantile.analysis.rater_tables import RaterPairs
from pantile.analysis.table import make_table

_BUBBLE = 150.0
"""Square points of the largest bubble."""


@in_style
def draw_raters(pairs: RaterPairs) -> Figure:
    """Figure 3A: first against second rater, all segmenters."""
    plot, axes = make_plot(2.9, columns=2, width_in=5.6)
    counts = _count(pairs.ratings)
    _bubbles(axes[0], counts, "#4477AA", largest=_BUBBLE)
    within, pooled, rho = pairs.within()[0], icc(pairs.ratings), spearman(pairs.ratings)
    axes[0].set_title(f"n = {len(pairs.ratings):,} outputs, all segmenters")
    differences = pairs.ratings[:, 1] - pairs.ratings[:, 0]
    values, sizes = np.unique(differences, return_counts=True)
    shares = 100 * sizes / len(differences)
    furthest = max(3, float(abs(values).max())) + 0.6
    axes[1].bar(values, shares, width=0.85, color="#4477AA")
    axes[1].set_xlim(-furthest, furthest)
    axes[1].set_xlabel("second rater less first")
    axes[1].set_ylabel("% of outputs")
    axes[1].xaxis.set_major_locator(MultipleLocator(2))
    axes[1].set_yticks([share for share in axes[1].get_yticks() if share <= shares.max()])
    axes[1].set_ylim(0, 1.42 * shares.max())
    lines = (
        f"ICC(C,1) within segmenters {within}",
        f"ICC(C,1) pooled {pooled}",
        f"Spearman's rho pooled {rho}",
        f"bias {bias(pairs.ratings)}",
        f"within one point {100 * share_within(pairs.ratings).value:.0f} %",
    )
    text = re.sub(r"-(?=\d)", "\N{MINUS SIGN}", "\n".join(lines))
    axes[1].text(0.02, 0.99, text, transform=axes[1].transAxes, ha="left", va="top", fontsize=6.5)
    rows = [(first, second, int(n)) for (first, second), n in np.ndenumerate(counts) if n]
    return Figure(
        name="figure3A",
        title="Figure 3A. Two raters on the same outputs",
        caption=f"Left: a bubble's area is the number of outputs, {counts.max():,} in the largest; the line is "
        "equality, the band one point. Right: differences. In brackets 95 % intervals. The figure within segmenters is "
        "the primary one; pooling adds that segmenters differ in their mean.",
        plot=plot,
        numbers=make_table("figure3A", "Figure 3A", ("First", "Second", "Outputs"), rows),
    )


@in_style
def draw_raters_by_segmenter(pairs: RaterPairs, design: Design) -> Figure:
    """Figure 3B: the same for each segmenter."""
    segmenters = len(design.segmenters)
    lines = max(label(title).count("\n") for title in design.titles)
    plot, axes = make_plot(2.25 + 0.13 * lines, columns=segmenters, width_in=width_for_panels(segmenters))
    rows = []
    largest = max(int(_count(pairs.of(place)).max()) for place in range(len(design.segmenters)))
    for place, (axis, segmenter) in enumerate(zip(axes, design.segmenters, strict=True)):
        part = pairs.of(place)
        counts = _count(part)
        _bubbles(axis, counts, segmenter.colour, largest=_BUBBLE / 2.5 * counts.max() / max(1, largest))
        agreement, rho = icc(part), spearman(part)
        found = ", ".join(
            f"{name} {it.value:.2f}" if it.is_known else f"{name} –" for name, it in (("ICC", agreement), ("ρ", rho))
        )
        axis.set_title(f"{label(segmenter.title)}\nn = {len(part):,}\n{found}", fontsize=7)
        if place:
            axis.set_ylabel("")
            axis.set_yticklabels([])
        rows += [(segmenter.title, first, second, int(n)) for (first, second), n in np.ndenumerate(counts) if n]
    return Figure(
        name="figure3B",
        title="Figure 3B. Two raters, by segmenter",
        caption=f"ICC is ICC(C,1), ρ Spearman's. A bubble's area is the number of outputs, {largest:,} in the largest "
        "of all panels; line: equality, band: one point.",
        plot=plot,
        numbers=make_table("figure3B", "Figure 3B", ("Segmenter", "First", "Second", "Outputs"), rows),
    )


def _count(ratings: NDArray[np.float64]) -> NDArray[np.int64]:
    """(11, 11) outputs by first and second score."""
    counts = np.zeros((11, 11), dtype=np.int64)
    np.add.at(counts, tuple(ratings.astype(np.int64).T), 1)
    return counts


def _bubbles(axis: Axes, counts: NDArray[np.int64], colour: str, *, largest: float) -> None:
    first, second = np.nonzero(counts)
    axis.fill_between([-0.7, 10.7], [-1.7, 9.7], [0.3, 11.7], color=LIGHT, alpha=0.6, linewidth=0, zorder=0)
    axis.plot([-0.7, 10.7], [-0.7, 10.7], color=GREY, linewidth=0.6, zorder=1)
    sizes = largest * counts[first, second] / max(1, counts.max())
    axis.scatter(first, second, s=sizes, color=colour, alpha=0.85, linewidth=0, zorder=2)
    axis.set_xlim(-0.7, 10.7)
    axis.set_ylim(-0.7, 10.7)
    axis.set_aspect("equal")
    axis.xaxis.set_major_locator(MultipleLocator(2))
    axis.yaxis.set_major_locator(MultipleLocator(2))
    axis.set_xlabel("first rater")
    axis.set_ylabel("second rater")

"""Figure 6B and the supplementary composition: scores by primary diagnosis, and what each subgroup is made of."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from matplotlib.patches import Patch
from matplotlib.ticker import MultipleLocator

from pantile.analysis.design import OTHER_COLOURS
from pantile.analysis.figure import BOXES, Figure, draw_boxes, in_style, make_plot, width_for
from pantile.analysis.reading import how_many
from pantile.analysis.subgroups import Subgroup
from pantile.analysis.table import make_table
from pantile.domain.csv_text import Cell

_SHOWN = 7
"""So many diagnoses have a colour of their own; the others share one."""


@in_style
def draw_subgroups(found: Sequence[Subgroup]) -> Figure:
    """Figure 6B: scores of each segmenter within each subgroup."""
    plot, axes = make_plot(2.6, columns=len(found), width_in=width_for(len(found[0].table.design.segmenters)))
    rows: list[tuple[Cell, ...]] = []
    for number, (axis, group) in enumerate(zip(axes, found, strict=True)):
        segmenters = group.table.design.segmenters
        groups = []
        for place, segmenter in enumerate(segmenters):
            scores = group.table.scores[:, place]
            groups.append(scores[~np.isnan(scores)].tolist())
            quartiles = np.quantile(groups[-1], [0.25, 0.5, 0.75]) if groups[-1] else [np.nan] * 3
            rows.append((group.title, segmenter.title, len(groups[-1]), *(float(it) for it in quartiles)))
        draw_boxes(axis, groups, at=range(len(segmenters)), colours=[it.colour for it in segmenters])
        axis.set_xticks(range(len(segmenters)), [it.title for it in segmenters], rotation=35, ha="right")
        axis.set_title(
            f"{group.title.replace(' outside', chr(10) + 'outside')}\nn = {how_many(len(group.table.rois), 'ROI')}"
        )
        axis.set_ylim(-0.4, 10.4)
        axis.yaxis.set_major_locator(MultipleLocator(2))
        axis.set_ylabel("score" if number == 0 else "")
    return Figure(
        name="figure6B",
        title="Figure 6B. Scores by primary diagnosis",
        caption=f"{BOXES} Diffuse carcinoma is shown under both definitions: the article's and that of the study's "
        "code.",
        plot=plot,
        numbers=make_table(
            "figure6B", "Figure 6B", ("Subgroup", "Segmenter", "Scores", "25 %", "Median", "75 %"), rows
        ),
    )


@in_style
def draw_composition(found: Sequence[Subgroup]) -> Figure:
    """Supplementary figure: diagnoses and cohorts of each subgroup."""
    bars = [(group, cohort) for group in found for cohort in _by_size(group)]
    counted = Counter(diagnosis for group in found for diagnosis in group.diagnoses)
    named = [diagnosis for diagnosis, _ in counted.most_common(_SHOWN)]
    colours = dict(zip(named, OTHER_COLOURS, strict=False))
    plot, (axis,) = make_plot(0.9 + 0.24 * len(bars))
    rows: list[tuple[Cell, ...]] = []
    for height, (group, cohort) in enumerate(bars):
        own = Counter(
            diagnosis
            for diagnosis, of in zip(group.diagnoses, group.table.cohorts.tolist(), strict=True)
            if of == cohort
        )
        left = 0
        for diagnosis, number in own.most_common():
            axis.barh(height, number, left=left, height=0.75, color=colours.get(diagnosis, "#BBBBBB"))
            left += number
            rows.append((group.title, cohort, diagnosis, number))
        axis.text(left, height, f" {left:,}", va="center", fontsize=6.5)
    axis.set_yticks(range(len(bars)), [f"{group.title}: {cohort}" for group, cohort in bars])
    axis.invert_yaxis()
    axis.margins(x=0.08)
    axis.set_xlabel("ROIs")
    handles = [Patch(facecolor=colour, label=diagnosis) for diagnosis, colour in colours.items()]
    if len(counted) > len(named):
        handles.append(Patch(facecolor="#BBBBBB", label="other diagnoses"))
    plot.legend(handles=handles, loc="outside upper center", ncols=2 if max(map(len, counted)) > 40 else 3)
    return Figure(
        name="supplementary6",
        title="Supplementary figure. What the subgroups are made of",
        caption="ROIs by cohort and primary diagnosis (GDC).",
        plot=plot,
        numbers=make_table(
            "supplementary6", "Supplementary figure", ("Subgroup", "Cohort", "Primary diagnosis", "ROIs"), rows
        ),
    )


def _by_size(group: Subgroup) -> list[str]:
    return [cohort for cohort, _ in Counter(group.table.cohorts.tolist()).most_common()]

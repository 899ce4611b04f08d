"""The heat map of mean scores, Figure 4B, drawn as SVG by a template: where each cell lies, its colour and number."""

from dataclasses import dataclass

import numpy as np

from pantile.analysis.colours import ink_on, score_colour
from pantile.analysis.design import Design
from pantile.analysis.summaries import Summary, order_by_mean
from pantile.web.charts import Tick

_LEFT, _TOP, _CELL_WIDTH, _CELL_HEIGHT, _GAP = 150, 28, 92, 26, 4


@dataclass(frozen=True, slots=True, kw_only=True)
class HeatCell:
    """A mean in its place, its colour, and what is said of it; `mean` is None where there is none."""

    x: float
    y: float
    mean: float | None
    fill: str
    ink: str
    label: str
    is_native: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class HeatMap:
    """Cohorts by segmenters, the best cohorts first; last row and column pool scores."""

    cells: tuple[HeatCell, ...]
    rows: tuple[Tick, ...]
    columns: tuple[Tick, ...]
    width: float
    height: float
    cell_width: int = _CELL_WIDTH - 2
    cell_height: int = _CELL_HEIGHT - 2
    left: int = _LEFT


def draw_heat_map(summary: Summary, design: Design) -> HeatMap:
    """The figure's means, order and frames."""
    order = order_by_mean(summary)
    means = np.vstack(
        [
            np.column_stack([summary.cells.mean, summary.rows.mean])[order],
            [*summary.columns.mean, float(summary.overall.mean)],
        ]
    )
    cohorts = [*(summary.cohorts[row] for row in order), "all"]
    rois = [*(int(summary.rois[row]) for row in order), int(summary.rois.sum())]
    titles = (*design.titles, "all")
    ys = [_TOP + _CELL_HEIGHT * row + (_GAP if cohort == "all" else 0) for row, cohort in enumerate(cohorts)]
    xs = [_LEFT + _CELL_WIDTH * column + (_GAP if title == "all" else 0) for column, title in enumerate(titles)]
    native = [[cohort in it.native for it in design.segmenters] + [False] for cohort in cohorts]
    cells = tuple(
        _cell(xs[column], ys[row], float(mean), f"{titles[column]} on {cohorts[row]}", is_native=native[row][column])
        for (row, column), mean in np.ndenumerate(means)
    )
    middle = _CELL_HEIGHT / 2 - 1
    return HeatMap(
        cells=cells,
        rows=tuple(Tick(at=y + middle, label=f"{name} ({n:,})") for y, name, n in zip(ys, cohorts, rois, strict=True)),
        columns=tuple(Tick(at=x + _CELL_WIDTH / 2 - 1, label=title) for x, title in zip(xs, titles, strict=True)),
        width=xs[-1] + _CELL_WIDTH + 2,
        height=ys[-1] + _CELL_HEIGHT + 2,
    )


def _cell(x: float, y: float, mean: float, what: str, *, is_native: bool) -> HeatCell:
    if np.isnan(mean):
        label = f"{what}: no score"
        return HeatCell(x=x, y=y, mean=None, fill="none", ink="none", label=label, is_native=is_native)
    fill = score_colour(mean)
    label = f"{what}: {mean:.2f}" + (", native" if is_native else "")
    return HeatCell(x=x, y=y, mean=mean, fill=fill, ink=ink_on(fill), label=label, is_native=is_native)

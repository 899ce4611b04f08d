"""A figure: drawn at the article's size, kept with the numbers that it shows, written as SVG, PNG and CSV."""

import base64
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from html import escape
from pathlib import Path
from textwrap import wrap
from typing import ParamSpec

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure as Plot

from pantile.analysis.table import Table

WIDTH_IN = 7.09
"""180 mm, a page of the article."""

_LOWEST_IN = 1.4
_USUAL_SEGMENTERS = 5
_LABEL_LETTERS = 11
_FEWEST_IN_BOX = 5
_BESIDE = np.array([-0.2, 0.3, -0.4, 0.1])
"""Of a box's width, where the values of too small a group stand, so that none hides another."""

BOXES = (
    "Boxes are quartiles (type 7), whiskers reach the last value within 1.5 times their distance, diamonds are means; "
    f"fewer than {_FEWEST_IN_BOX} values are shown one by one."
)
"""What `draw_boxes` draws, for captions."""

PNG_DPI = 300
Ask = ParamSpec("Ask")
GREY, LIGHT = "#555555", "#DDDDDD"

_STYLE = Path(__file__).with_name("figures.mplstyle")


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A plot with its title, what it shows in words, and its numbers."""

    name: str
    title: str
    caption: str
    plot: Plot
    numbers: Table
    is_in_report: bool = True

    def stamp(self, text: str) -> None:
        """Writes a line below the plot, so that it says what it is wherever it goes."""
        self.plot.supxlabel(text, x=0.995, ha="right", fontsize=5.5, color=GREY)

    def svg(self) -> bytes:
        """As SVG; the same bytes for the same numbers."""
        return self._save("svg")

    def png(self) -> bytes:
        """As PNG, 300 dots an inch."""
        return self._save("png")

    def _save(self, kind: str) -> bytes:
        content = io.BytesIO()
        with mpl.rc_context(fname=_STYLE):
            FigureCanvasAgg(self.plot)
            # Panels of a fixed shape are moved once they are drawn, and only then is there room for their titles.
            self.plot.draw_without_rendering()
            metadata = {"Date": None} if kind == "svg" else {"Software": ""}
            self.plot.savefig(content, format=kind, dpi=PNG_DPI, metadata=metadata)
        return content.getvalue()

    def html(self) -> str:
        """The figure within a page, nothing outside needed."""
        picture, title, caption = base64.b64encode(self.svg()).decode(), escape(self.title), escape(self.caption)
        return (
            f"<figure id='{self.name}'><img style='--width: {self.plot.get_figwidth():.2f}in' "
            f"src='data:image/svg+xml;base64,{picture}' alt='{title}: {caption}'>"
            f"<figcaption><b>{title}.</b> {caption}</figcaption></figure>"
        )


def in_style(draw: Callable[Ask, Figure]) -> Callable[Ask, Figure]:
    """Draws with the style of every figure: matplotlib takes sizes when text is made, not when it is saved."""

    @wraps(draw)
    def drawn(*args: Ask.args, **kwargs: Ask.kwargs) -> Figure:
        with mpl.rc_context(fname=_STYLE):
            return draw(*args, **kwargs)

    return drawn


def width_for(segmenters: int, *, five_in: float = WIDTH_IN, least: float = 1.0) -> float:
    """The width in inches at which each segmenter has as much room as one of the article's five, which have `five_in`.

    Fewer segmenters have at least that share of it.
    """
    return five_in * max(least, segmenters / _USUAL_SEGMENTERS)


def width_for_panels(segmenters: int) -> float:
    """The width in inches of a figure with a panel a segmenter, about as large as with five."""
    return width_for(segmenters, least=0.36)


def label(title: str) -> str:
    """A segmenter's title as it stands over a column: broken at its hyphens where it is long."""
    return "\n".join(wrap(title, _LABEL_LETTERS))


def make_plot(
    height_in: float, *, rows: int = 1, columns: int = 1, width_in: float = WIDTH_IN
) -> tuple[Plot, list[Axes]]:
    """An empty plot and its axes, row by row; never lower than its labels are."""
    plot = Plot(figsize=(width_in, max(height_in, _LOWEST_IN)), layout="constrained")
    axes = plot.subplots(rows, columns, squeeze=False)
    return plot, [axis for row in axes for axis in row]


def draw_boxes(
    axis: Axes, groups: Sequence[Sequence[float]], *, at: Sequence[float], colours: Sequence[str], width: float = 0.6
) -> None:
    """Box plots as `BOXES` says, a group's values as points where they are too few for a box."""
    boxed = [number for number, group in enumerate(groups) if len(group) >= _FEWEST_IN_BOX]
    for number, group in enumerate(groups):
        if len(group) < _FEWEST_IN_BOX:
            beside = at[number] + _BESIDE[: len(group)] * min(width, 0.3)
            axis.scatter(beside, group, s=14, color=colours[number], edgecolor="black", linewidth=0.6, zorder=3)
    if not boxed:
        return
    parts = axis.boxplot(
        [list(groups[number]) for number in boxed],
        positions=[at[number] for number in boxed],
        widths=width,
        patch_artist=True,
        manage_ticks=False,
        showmeans=True,
        medianprops={"color": "black", "linewidth": 1.0},
        boxprops={"linewidth": 0.6},
        whiskerprops={"linewidth": 0.6},
        capprops={"linewidth": 0.6},
        meanprops={
            "marker": "D",
            "markersize": 2.6,
            "markerfacecolor": "white",
            "markeredgecolor": "black",
            "markeredgewidth": 0.6,
        },
        flierprops={"marker": ".", "markersize": 2.2, "markerfacecolor": GREY, "markeredgecolor": "none"},
    )
    for number, box in zip(boxed, parts["boxes"], strict=True):
        box.set_facecolor(colours[number])

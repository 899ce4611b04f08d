"""Charts of agreement, drawn as SVG by the templates: where each point lies, and how large it is."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from math import sqrt

from pantile.schemas.study_figures import PairCount

SIZE = 440
_LEFT, _TOP, _PLOT = 44, 12, 384
_LARGEST = 15.0
_SMALLEST_DOT, _DOT, _LARGEST_DOT = 1.5, 2.5, 7.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A point of a chart in its own coordinates; its area says how many outputs it stands for."""

    x: float
    y: float
    radius: float
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A level across a chart."""

    y: float
    kind: str
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """A number beside an axis, and where."""

    at: float
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """Points over a square field with its ticks; `lines` cross it, `band` is a shaded part of it (SVG's points)."""

    points: tuple[Point, ...]
    lines: tuple[Line, ...]
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    band: str = ""
    left: int = _LEFT
    top: int = _TOP
    plot: int = _PLOT
    size: int = SIZE


def scatter(pairs: Iterable[PairCount]) -> Chart:
    """The second score over the first, both 0 to 10, one point for each pair of scores."""
    counted = list(pairs)
    return Chart(
        points=tuple(
            Point(
                x=_x(each.first),
                y=_y(each.second, 0, 10),
                radius=_radius(each.outputs, counted),
                label=f"{each.first} and {each.second}: {each.outputs}",
            )
            for each in counted
        ),
        lines=(),
        x_ticks=_x_ticks(),
        y_ticks=tuple(Tick(at=_y(value, 0, 10), label=str(value)) for value in range(0, 11, 2)),
    )


def bland_altman(pairs: Iterable[PairCount], *, levels: Iterable[tuple[str, str, float | None]]) -> Chart:
    """The difference (second minus first) over the mean; `levels` are (kind, label, value) of lines across."""
    counted = list(pairs)
    return Chart(
        points=tuple(
            Point(
                x=_x((each.first + each.second) / 2),
                y=_y(each.second - each.first, -10, 10),
                radius=_radius(each.outputs, counted),
                label=f"{each.first} and {each.second}: {each.outputs}",
            )
            for each in counted
        ),
        lines=tuple(
            Line(y=_y(value, -10, 10), kind=kind, label=f"{label} {value:.2f}")
            for kind, label, value in levels
            if value is not None
        ),
        x_ticks=_x_ticks(),
        y_ticks=tuple(
            Tick(at=_y(value, -10, 10), label=f"{value:+d}" if value else "0") for value in range(-10, 11, 5)
        ),
    )


def scores_against_dice(pairs: Iterable[tuple[float, float]], *, delta: float) -> Chart:
    """Tenths of scores over Dice, a point for each hundredth and score; the band is where they differ by `delta`."""
    counted = Counter((round(dice, 2), score) for dice, score in pairs)
    scale = min(_DOT, _LARGEST_DOT / sqrt(max(counted.values(), default=1)))
    # From the left edge up to the top, and back: what is within the field of the band around equality.
    corners = [(0.0, 0.0), (0.0, delta), (1 - delta, 1.0), (1.0, 1.0), (1.0, 1 - delta), (delta, 0.0)]
    fifths = [number / 5 for number in range(6)]
    return Chart(
        points=tuple(
            Point(
                x=_x(10 * dice),
                y=_y(score, 0, 1),
                radius=round(max(_SMALLEST_DOT, scale * sqrt(outputs)), 1),
                label=f"Dice {dice:.2f}, score {10 * score:g}: {outputs}",
            )
            for (dice, score), outputs in counted.items()
        ),
        lines=(),
        x_ticks=tuple(Tick(at=_x(10 * share), label=f"{share:.1f}") for share in fifths),
        y_ticks=tuple(Tick(at=_y(share, 0, 1), label=f"{10 * share:g}") for share in fifths),
        band=" ".join(f"{_x(10 * x)},{_y(y, 0, 1)}" for x, y in corners),
    )


def _x_ticks() -> tuple[Tick, ...]:
    return tuple(Tick(at=_x(value), label=str(value)) for value in range(0, 11, 2))


def _x(value: float) -> float:
    return round(_LEFT + value / 10 * _PLOT, 1)


def _y(value: float, low: float, high: float) -> float:
    return round(_TOP + (high - max(low, min(high, value))) / (high - low) * _PLOT, 1)


def _radius(outputs: int, counted: list[PairCount]) -> float:
    most = max(each.outputs for each in counted)
    return round(max(2.5, _LARGEST * sqrt(outputs / most)), 1)

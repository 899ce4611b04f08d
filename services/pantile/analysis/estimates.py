"""A figure with its interval, or the reason why there is none."""

from dataclasses import dataclass
from math import isnan, nan
from typing import Self

LEVEL = 0.95
"""The level of every interval."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A figure with its 95 % interval. Where the figure or its interval is NaN, `reason` says why."""

    value: float
    low: float = nan
    high: float = nan
    n: int
    """What was rated, by all raters."""

    dropped: int = 0
    """What was left out because a score is missing."""

    reason: str = ""

    @property
    def is_known(self) -> bool:
        """Whether there is a figure."""
        return not isnan(self.value)

    @classmethod
    def unknown(cls, reason: str, *, n: int, dropped: int = 0) -> Self:
        """No figure, and why."""
        return cls(value=nan, n=n, dropped=dropped, reason=reason)

    def __str__(self) -> str:
        """For people: 0.71 [0.34, 0.95]."""
        if not self.is_known:
            return "–"
        return show_2(self.value) if isnan(self.low) else f"{show_2(self.value)} {show_range(self.low, self.high)}"


def show_2(value: float) -> str:
    """A number with two digits; none is shown as less than nothing when it rounds to 0."""
    return f"{value:z.2f}"


def show_range(low: float, high: float) -> str:
    """An interval: [0.34, 0.95]."""
    return f"[{show_2(low)}, {show_2(high)}]"

"""Windows: rectangles of a patch, and the parts of tensors that lie within them."""

from collections.abc import Sequence
from typing import NamedTuple, Self

from torch import Tensor

from pantile.domain.patches import AxisPatch, Patch


class Span(NamedTuple):
    """A half-open range of pixels along one axis."""

    start: int
    end: int

    def widened(self, by_px: int, limits: Self) -> Self:
        """The range with so many pixels more at either end, as far as `limits` go."""
        return self._replace(start=max(self.start - by_px, limits.start), end=min(self.end + by_px, limits.end))

    def joined(self, other: Self) -> Self:
        """The shortest range that holds both."""
        return self._replace(start=min(self.start, other.start), end=max(self.end, other.end))

    def halved(self) -> Self:
        """The range of pixels twice as large that holds it."""
        return self._replace(start=self.start // 2, end=(self.end + 1) // 2)

    def doubled(self) -> Self:
        """The same range in pixels half as large."""
        return self._replace(start=2 * self.start, end=2 * self.end)

    def within(self, other: Self) -> slice:
        """The range as counted from the start of another that holds it."""
        return slice(self.start - other.start, self.end - other.start)


class Window(NamedTuple):
    """A rectangle of pixels."""

    rows: Span
    columns: Span

    def widened(self, by_px: int, limits: Self) -> Self:
        """The rectangle with so many pixels more on each side, as far as `limits` go."""
        return self._replace(
            rows=self.rows.widened(by_px, limits.rows), columns=self.columns.widened(by_px, limits.columns)
        )

    def joined(self, other: Self) -> Self:
        """The smallest rectangle that holds both."""
        return self._replace(rows=self.rows.joined(other.rows), columns=self.columns.joined(other.columns))

    def halved(self) -> Self:
        """The rectangle of pixels twice as large that holds it."""
        return self._replace(rows=self.rows.halved(), columns=self.columns.halved())

    def doubled(self) -> Self:
        """The same rectangle in pixels half as large."""
        return self._replace(rows=self.rows.doubled(), columns=self.columns.doubled())

    def take(self, values: Tensor, held: Self) -> Tensor:
        """The part of `values`, (..., rows, columns) of the larger rectangle `held`, that lies within this one."""
        return values[..., self.rows.within(held.rows), self.columns.within(held.columns)]


def whole(values: Tensor) -> Window:
    """The rectangle of all of the tensor's last two axes."""
    return Window(rows=Span(0, values.shape[-2]), columns=Span(0, values.shape[-1]))


def kept_window(patches: Sequence[Patch]) -> Window:
    """The smallest rectangle, counted from a patch's own corner, with all that is kept of each of the patches."""
    first, *others = (Window(rows=_kept(patch.row), columns=_kept(patch.column)) for patch in patches)
    for other in others:
        first = first.joined(other)
    return first


def _kept(axis: AxisPatch) -> Span:
    return Span(axis.keep_start - axis.start, axis.keep_end - axis.start)

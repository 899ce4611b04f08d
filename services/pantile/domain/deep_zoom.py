"""Deep zoom: the levels of a pyramid and the tiles of a level, numbered as Microsoft's Deep Zoom format numbers them.

Level 0 is one pixel; each level is twice as large as the one before it, and the last has the image's own size. A tile
is `tile_px` square and overlaps its neighbours by `overlap_px` at each side that has one.
"""

from collections.abc import Iterator
from dataclasses import dataclass


def count_levels(width_px: int, height_px: int) -> int:
    """How many levels a picture of this size has."""
    return (max(width_px, height_px) - 1).bit_length() + 1


def level_size(width_px: int, height_px: int, level: int) -> tuple[int, int]:
    """Width and height of a level of a picture of this size, in its own pixels."""
    halvings = count_levels(width_px, height_px) - 1 - level
    return _halved(width_px, halvings), _halved(height_px, halvings)


def _halved(length_px: int, times: int) -> int:
    return -(-length_px >> times)  # rounded up


@dataclass(frozen=True, slots=True, kw_only=True)
class TilePlace:
    """Which tile of a pyramid: its level, column and row."""

    level: int
    column: int
    row: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TileGrid:
    """A pyramid's size and how it is cut."""

    width_px: int
    height_px: int
    tile_px: int
    overlap_px: int

    @property
    def levels(self) -> int:
        """How many levels there are."""
        return count_levels(self.width_px, self.height_px)

    @property
    def tiles(self) -> int:
        """How many tiles there are on all levels."""
        sizes = (level_size(self.width_px, self.height_px, level) for level in range(self.levels))
        return sum(-(-width_px // self.tile_px) * -(-height_px // self.tile_px) for width_px, height_px in sizes)

    def places(self) -> Iterator[TilePlace]:
        """All tiles, level by level from the coarsest, row by row."""
        for level in range(self.levels):
            width_px, height_px = level_size(self.width_px, self.height_px, level)
            for row in range(-(-height_px // self.tile_px)):
                for column in range(-(-width_px // self.tile_px)):
                    yield TilePlace(level=level, column=column, row=row)

    def has(self, place: TilePlace) -> bool:
        """Whether there is such a tile."""
        if not 0 <= place.level < self.levels or place.column < 0 or place.row < 0:
            return False
        width_px, height_px = level_size(self.width_px, self.height_px, place.level)
        return place.column * self.tile_px < width_px and place.row * self.tile_px < height_px

    def box(self, place: TilePlace) -> tuple[slice, slice]:
        """Rows and columns of a tile in its level's pixels."""
        width_px, height_px = level_size(self.width_px, self.height_px, place.level)
        return self._span(place.row, height_px), self._span(place.column, width_px)

    def _span(self, number: int, length_px: int) -> slice:
        start = number * self.tile_px
        return slice(max(0, start - self.overlap_px), min(length_px, start + self.tile_px + self.overlap_px))

"""Levels and tiles are numbered as in the Deep Zoom format."""

import pytest

from pantile.domain.deep_zoom import TileGrid, TilePlace, count_levels, level_size


@pytest.mark.parametrize(("size", "levels"), [((1, 1), 1), ((2, 1), 2), ((12_500, 10_000), 15), ((512, 3), 10)])
def test_level_zero_is_one_pixel_and_the_last_the_whole_picture(size: tuple[int, int], levels: int) -> None:
    assert count_levels(*size) == levels
    assert level_size(*size, 0) == (1, 1)
    assert level_size(*size, levels - 1) == size


def test_a_level_is_half_of_the_next_rounded_up() -> None:
    assert [level_size(13, 5, level) for level in range(5)] == [(1, 1), (2, 1), (4, 2), (7, 3), (13, 5)]


def test_tiles_cover_their_level_and_overlap() -> None:
    grid = TileGrid(width_px=1200, height_px=600, tile_px=510, overlap_px=1)

    assert grid.box(TilePlace(level=11, column=0, row=0)) == (slice(0, 511), slice(0, 511))
    assert grid.box(TilePlace(level=11, column=2, row=1)) == (slice(509, 600), slice(1019, 1200))
    assert grid.has(TilePlace(level=11, column=2, row=1))
    assert not grid.has(TilePlace(level=11, column=3, row=0))
    assert not grid.has(TilePlace(level=12, column=0, row=0))
    assert not grid.has(TilePlace(level=-1, column=0, row=0))

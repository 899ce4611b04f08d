"""Pyramids of slides: deep-zoom tiles in one SZI file, as those of ROIs' images, to look for places of ROIs on.

They end at about 0.5 mpp, where cells can be told apart: a slide's finest level would take four times the room and
shows nothing more of where the tumor is.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from io import BytesIO
from itertools import islice
from math import floor, log2
from pathlib import Path
from zipfile import ZIP_STORED, ZipFile, ZipInfo

import openslide
from PIL import Image

from pantile.domain.deep_zoom import TileGrid, TilePlace
from pantile.domain.szi_files import tile_name
from pantile_workers.imaging.pyramids import JPEG_QUALITY, OVERLAP_PX, TILE_PX, PyramidFacts
from pantile_workers.imaging.slides import on_white

_COARSEST_MPP = 0.6
"""Of the finest level of a pyramid, where the slide has that much: scanners mean 20x by 0.45 to 0.55 mpp."""

_MOST_TILES = 30_000
"""About 3 GB; an SZI file ends at 4 GiB. A slide of 42 x 34 mm has that many."""

_READERS = 2
_AT_ONCE = 64
"""Tiles that are in memory together."""

_ALMOST = 1.01
"""Levels of slides are 4.0003 times smaller than the finest as well as 4."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SlidePyramidFacts(PyramidFacts):
    """How a slide's pyramid is cut, and how many pixels of the slide a pixel of its finest level is wide and high."""

    downsample: int


def make_slide_pyramid(slide: openslide.OpenSlide, target: Path, *, slide_mpp: float) -> SlidePyramidFacts:
    """Writes the pyramid of a slide to `target`: the same bytes each time. White where the slide has no pixels."""
    width_px, height_px = slide.dimensions
    downsample = choose_downsample(width_px, height_px, slide_mpp=slide_mpp)
    grid = _grid(width_px, height_px, downsample)
    with ZipFile(target, "w", ZIP_STORED, allowZip64=False) as szi:
        for place, tile in _read_tiles(slide, grid, downsample):
            szi.writestr(ZipInfo(tile_name(place)), tile)
    return SlidePyramidFacts(
        width_px=grid.width_px, height_px=grid.height_px, levels=grid.levels, downsample=downsample
    )


def choose_downsample(width_px: int, height_px: int, *, slide_mpp: float) -> int:
    """How many times smaller than a slide its pyramid is: a power of two, more where there would be too many tiles."""
    downsample: int = 2 ** max(0, floor(log2(_COARSEST_MPP / slide_mpp)))
    while _grid(width_px, height_px, downsample).tiles > _MOST_TILES:
        downsample *= 2
    return downsample


def _grid(width_px: int, height_px: int, downsample: int) -> TileGrid:
    return TileGrid(
        width_px=-(-width_px // downsample),
        height_px=-(-height_px // downsample),
        tile_px=TILE_PX,
        overlap_px=OVERLAP_PX,
    )


def _read_tiles(slide: openslide.OpenSlide, grid: TileGrid, downsample: int) -> Iterator[tuple[TilePlace, bytes]]:
    def read(place: TilePlace) -> bytes:
        return _read_tile(slide, grid, place, down=downsample << (grid.levels - 1 - place.level))

    places = grid.places()
    with ThreadPoolExecutor(_READERS) as readers:
        while lot := list(islice(places, _AT_ONCE)):
            yield from zip(lot, readers.map(read, lot), strict=True)


def _read_tile(slide: openslide.OpenSlide, grid: TileGrid, place: TilePlace, *, down: int) -> bytes:
    """A tile's JPEG, read at the level of the slide next finer than `down` times smaller."""
    rows, columns = grid.box(place)
    size = columns.stop - columns.start, rows.stop - rows.start
    level = slide.get_best_level_for_downsample(down * _ALMOST)
    scale = down / slide.level_downsamples[level]
    read_size = max(1, round(size[0] * scale)), max(1, round(size[1] * scale))
    picture = Image.fromarray(on_white(slide.read_region((columns.start * down, rows.start * down), level, read_size)))
    file = BytesIO()
    picture.resize(size, Image.Resampling.BOX).save(file, "JPEG", quality=JPEG_QUALITY)
    return file.getvalue()

"""Blocks of slides at the resolution of a network, in the geometry of `reading.read_roi` and with its kernel.

Each is read with as much around it as resampling reaches, and from wherever it begins between two pixels of the slide,
so that blocks fit together as if the slide had been resampled in one piece.
"""

from math import ceil, floor
from typing import NamedTuple

import numpy as np
import openslide
from PIL import Image

from pantile.domain.class_maps import RgbImage
from pantile.domain.slides import Rectangle
from pantile_workers.imaging.slides import read_rectangle

_SUPPORT = 2
"""Pixels, the larger of slide and block, that Pillow's bicubic kernel reaches to either side."""


class _Span(NamedTuple):
    """Along one axis, in pixels of the slide: what to read, [start, end), and which part of it is the block."""

    start: int
    end: int
    block: tuple[float, float]

    @property
    def length(self) -> int:
        """How many pixels to read."""
        return self.end - self.start


def read_block(
    slide: openslide.OpenSlide, *, scale: float, top: int, left: int, height_px: int, width_px: int
) -> RgbImage:
    """Rows from `top` and columns from `left` on, of the slide at `scale` of its pixels a pixel: (…, …, 3) uint8 RGB.

    White beyond the slide, to the right and below.
    """
    rows, columns = _span(top, height_px, scale), _span(left, width_px, scale)
    place = Rectangle(left_px=columns.start, top_px=rows.start, width_px=columns.length, height_px=rows.length)
    pixels = read_rectangle(slide, place)
    if scale == 1.0:
        return pixels
    (x0, x1), (y0, y1) = columns.block, rows.block
    resized = Image.fromarray(pixels).resize((width_px, height_px), Image.Resampling.BICUBIC, box=(x0, y0, x1, y1))
    return np.asarray(resized)


def _span(first: int, count: int, scale: float) -> _Span:
    around = 0 if scale == 1.0 else ceil(_SUPPORT * max(1.0, scale))
    start = max(0, floor(first * scale) - around)
    end = ceil((first + count) * scale) + around
    return _Span(start, end, (first * scale - start, (first + count) * scale - start))

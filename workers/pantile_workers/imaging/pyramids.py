"""Pyramids: an ROI's image as deep-zoom tiles, all in one SZI file, for the viewer to fetch piece by piece.

SZI is a zip whose entries are stored as they are (libvips' `container=szi`), so a tile is a range of the file's bytes.
"""

from dataclasses import dataclass
from pathlib import Path

import pyvips

from pantile.domain.deep_zoom import TileGrid
from pantile.domain.errors import ImageTooLarge
from pantile.domain.szi_files import MAX_ENTRIES
from pantile_workers.imaging.decoding import as_rgb, decoding_errors, open_image, tell_format

TILE_PX = 510
OVERLAP_PX = 1
"""A tile with its overlap fits into 512 pixels. For 12,500 x 10,000 pixels 692 tiles, made in half the time of 254."""

_FILES_BESIDE_TILES = 3

JPEG_QUALITY = 80
"""As the study's own ROIs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PyramidFacts:
    """How a pyramid is cut."""

    width_px: int
    height_px: int
    levels: int
    tile_px: int = TILE_PX
    overlap_px: int = OVERLAP_PX


def make_pyramid(image: Path, target: Path) -> PyramidFacts:
    """Writes the pyramid of an image file to `target`, whose name has to end in .szi.

    The image is decoded once from top to bottom, so memory holds some lines of each level. Alpha is laid over white.
    Colours are brought to sRGB by the image's own colour profile where it has a sound one, as image viewers do; the
    tiles carry none. (What segmenters see is not converted, as in the study.)

    Raises:
        ImageUnreadable: the image cannot be decoded.
        ImageTooLarge: it is so long and narrow that it would have more tiles than a zip has entries.
    """
    image_format = tell_format(image)
    picture = open_image(image)
    grid = TileGrid(width_px=picture.width, height_px=picture.height, tile_px=TILE_PX, overlap_px=OVERLAP_PX)
    if grid.tiles + _FILES_BESIDE_TILES > MAX_ENTRIES:
        raise ImageTooLarge(f"{picture.width} x {picture.height} pixels have {grid.tiles:,} tiles")
    with decoding_errors(image_format):
        _as_srgb(picture).dzsave(
            str(target),
            container="szi",
            tile_size=TILE_PX,
            overlap=OVERLAP_PX,
            suffix=f".jpg[Q={JPEG_QUALITY}]",
            keep="none",
        )
    return PyramidFacts(width_px=picture.width, height_px=picture.height, levels=grid.levels)


def _as_srgb(image: pyvips.Image) -> pyvips.Image:
    rgb = as_rgb(image)
    if image.interpretation not in {"srgb", "rgb16"} or not image.get_typeof("icc-profile-data"):
        return rgb
    try:
        return rgb.icc_transform("srgb", embedded=True)
    except pyvips.Error:
        return rgb  # a damaged profile says nothing about the colours

"""Pyramids of class maps: tiled TIFF files, written from top to bottom without holding the class map."""

from pathlib import Path

import pyvips

_TILE_PX = 512


def write_map_pyramid(indices: Path, target: Path, *, width_px: int, height_px: int, map_mpp: float) -> None:
    """Writes a pyramidal TIFF of the class map whose indices are the bytes of a file, row by row.

    8-bit grey, Deflate, with the size of a pixel in it; each level has half the size of the one before, and of four
    pixels the most frequent. The same bytes each time.
    """
    image = pyvips.Image.rawload(str(indices), width_px, height_px, 1)
    per_mm = 1000 / map_mpp
    image.copy(xres=per_mm, yres=per_mm, interpretation="b-w").tiffsave(
        str(target),
        tile=True,
        tile_width=_TILE_PX,
        tile_height=_TILE_PX,
        pyramid=True,
        compression="deflate",
        region_shrink="mode",
        resunit="cm",
        bigtiff=width_px * height_px > 1 << 31,
    )

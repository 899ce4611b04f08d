"""Pictures for the gallery: images put together from their pyramids, class maps coloured by a palette.

A class map's picture is clear where there is background, so that browsers lay it over the image at any opacity.
"""

import zlib
from enum import StrEnum
from io import BytesIO

import numpy as np
from PIL import Image

from pantile.catalog.galleries import ShownMap
from pantile.catalog.tiles import TiledImage
from pantile.class_map_files import decode_class_map
from pantile.domain.class_maps import ClassMap, ClassScheme
from pantile.domain.deep_zoom import TileGrid, TilePlace, level_size
from pantile.domain.legends import LegendPalette, colours_of
from pantile.domain.map_pyramids import halve
from pantile.objects import ObjectStore
from pantile.web.caches import Cache
from pantile.web.tiles import Tiles

KEPT_BYTES = 32 << 20
"""What is kept of pictures: some five hundred of the small ones."""

_QUALITY = 80


class PictureSize(StrEnum):
    """How large a picture is asked for: on a card, in the view of one class map, and to look closely."""

    CARD = "card"
    VIEW = "view"
    LARGE = "large"

    @property
    def least_px(self) -> int:
        """The longer side is this at least, where there is as much, and less than twice as much."""
        return {PictureSize.CARD: 400, PictureSize.VIEW: 1200, PictureSize.LARGE: 3000}[self]


class Pictures:
    """Makes pictures, keeping the latest."""

    def __init__(self, objects: ObjectStore, tiles: Tiles) -> None:
        self._objects = objects
        self._tiles = tiles
        self._kept: Cache[tuple[str, ...], bytes] = Cache(max_bytes=KEPT_BYTES, weigh=len)

    def image(self, image: TiledImage, size: PictureSize) -> bytes:
        """A JPEG of an image; raises as `Tiles.image_tile` does."""
        return self._kept.get((image.object_key, size), lambda: self._join(image, size))

    def class_map(self, shown: ShownMap, palette: LegendPalette, size: PictureSize) -> bytes:
        """An indexed PNG of a class map, clear where it has no colour; raises as `Tiles.map_tile` does."""
        return self._kept.get(
            (shown.sha256, shown.card.name, palette, size), lambda: self._colour(shown, palette, size)
        )

    def _join(self, image: TiledImage, size: PictureSize) -> bytes:
        grid = image.grid
        level = level_of(grid, size.least_px)
        width_px, height_px = level_size(grid.width_px, grid.height_px, level)
        joined = Image.new("RGB", (width_px, height_px))
        for row in range(-(-height_px // grid.tile_px)):
            for column in range(-(-width_px // grid.tile_px)):
                place = TilePlace(level=level, column=column, row=row)
                rows, columns = grid.box(place)
                with Image.open(BytesIO(self._tiles.image_tile(image, place))) as tile:
                    joined.paste(tile, (columns.start, rows.start))
        file = BytesIO()
        joined.save(file, "JPEG", quality=_QUALITY)
        return file.getvalue()

    def _colour(self, shown: ShownMap, palette: LegendPalette, size: PictureSize) -> bytes:
        class_map = decode_class_map(self._objects.get(shown.object_key, sha256=shown.sha256))
        return colour_map(_shrunk(class_map, size.least_px), shown.card.scheme, palette)


def level_of(grid: TileGrid, least_px: int) -> int:
    """The smallest level whose longer side has that many pixels; the last one where none has."""
    levels = range(grid.levels)
    sizes = (max(level_size(grid.width_px, grid.height_px, level)) for level in levels)
    return next((level for level, longer_px in zip(levels, sizes, strict=True) if longer_px >= least_px), levels[-1])


def _shrunk(class_map: ClassMap, least_px: int) -> ClassMap:
    while max(class_map.shape) >= 2 * least_px:
        class_map = halve(class_map)
    return class_map


def colour_map(class_map: ClassMap, scheme: ClassScheme, palette: LegendPalette) -> bytes:
    """A class map as an indexed PNG in a palette's colours; what has none there is clear."""
    colours = colours_of(scheme, palette)
    entries = np.zeros((256, 3), dtype=np.uint8)
    entries[: len(colours)] = [colour or (0, 0, 0) for colour in colours]
    opaque = bytes(255 if colour else 0 for colour in colours)
    picture = Image.fromarray(np.ascontiguousarray(class_map))
    picture.putpalette(entries.tobytes())
    file = BytesIO()
    # Run lengths suit class maps (`pantile.class_map_files`).
    picture.save(file, "PNG", compress_level=6, compress_type=zlib.Z_RLE, transparency=opaque.ljust(256, b"\0"))
    return file.getvalue()

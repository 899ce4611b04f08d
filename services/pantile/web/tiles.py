"""Tiles as the viewer asks for them: ranges of pyramids in the bucket, and pieces cut from class maps.

A pyramid's index is read once and kept, and so are class maps, decoded, and tiles that were served lately.
"""

import zlib
from collections.abc import Mapping
from io import BytesIO

import numpy as np
from PIL import Image

from pantile.catalog.tiles import TiledImage, TiledMap
from pantile.class_map_files import decode_class_map
from pantile.domain.class_maps import ClassGroup, ClassMap
from pantile.domain.deep_zoom import TileGrid, TilePlace
from pantile.domain.errors import TileNotFound
from pantile.domain.legends import legend_indices
from pantile.domain.map_pyramids import map_levels
from pantile.domain.szi_files import END_BYTES, TileRange, find_directory, read_directory, tile_of
from pantile.objects import ObjectStore
from pantile.web.caches import Cache

MAP_TILE_PX = 512
"""Class maps are cut without overlap, so that each pixel of theirs is in one tile."""

_INDEX_ENTRY_BYTES = 300
"""What an index takes in memory for each tile, about."""

_INDEX_SHARE, _TILE_SHARE = 8, 4
"""The eighth part of the memory given is for indexes, a quarter for tiles, the rest for class maps."""

Levels = tuple[ClassMap, ...]


class Tiles:
    """Cuts tiles, keeping up to `max_bytes` of what it has read."""

    def __init__(self, objects: ObjectStore, *, max_bytes: int) -> None:
        self._objects = objects
        index_bytes, tile_bytes = max_bytes // _INDEX_SHARE, max_bytes // _TILE_SHARE
        self._indexes: Cache[str, Mapping[TilePlace, TileRange]] = Cache(
            max_bytes=index_bytes, weigh=lambda index: len(index) * _INDEX_ENTRY_BYTES
        )
        self._maps: Cache[tuple[str, tuple[ClassGroup, ...]], Levels] = Cache(
            max_bytes=max_bytes - index_bytes - tile_bytes, weigh=lambda levels: sum(each.nbytes for each in levels)
        )
        self._tiles: Cache[tuple[object, TilePlace], bytes] = Cache(max_bytes=tile_bytes, weigh=len)

    def image_tile(self, image: TiledImage, place: TilePlace) -> bytes:
        """A tile of an image, a JPEG.

        Raises:
            TileNotFound: the pyramid has none there.
            PyramidBroken: its file is not as it should be.
            ObjectMissing, ObjectStoreDown: it cannot be had.
        """
        if not image.grid.has(place):
            raise TileNotFound(_describe(place))
        return self._tiles.get((image.object_key, place), lambda: self._read_tile(image, place))

    def map_tile(self, tiled: TiledMap, place: TilePlace) -> bytes:
        """A tile of a class map in indices of the harmonised legend, an 8-bit grey PNG.

        Raises:
            TileNotFound: the class map has none there.
            ImageUnreadable, ObjectCorrupt: the class map is not as it should be.
            ObjectMissing, ObjectStoreDown: it cannot be had.
        """
        grid = TileGrid(width_px=tiled.width_px, height_px=tiled.height_px, tile_px=MAP_TILE_PX, overlap_px=0)
        if not grid.has(place):
            raise TileNotFound(_describe(place))
        key = (tiled.sha256, tiled.groups)
        return self._tiles.get((key, place), lambda: self._cut_tile(tiled, grid, place))

    def _read_tile(self, image: TiledImage, place: TilePlace) -> bytes:
        index = self._indexes.get(image.object_key, lambda: self._read_index(image))
        where = index[place]
        entry = self._objects.get_range(image.object_key, start=where.start, bytes_=where.entry_bytes)
        return tile_of(entry, place, where)

    def _read_index(self, image: TiledImage) -> Mapping[TilePlace, TileRange]:
        end = self._objects.get_range(image.object_key, start=image.bytes - END_BYTES, bytes_=END_BYTES)
        directory = find_directory(end, file_bytes=image.bytes)
        data = self._objects.get_range(image.object_key, start=directory.start, bytes_=directory.bytes)
        return read_directory(data, directory, image.grid)

    def _cut_tile(self, tiled: TiledMap, grid: TileGrid, place: TilePlace) -> bytes:
        levels = self._maps.get((tiled.sha256, tiled.groups), lambda: self._read_levels(tiled))
        return _encode(levels[place.level][grid.box(place)])

    def _read_levels(self, tiled: TiledMap) -> Levels:
        class_map = decode_class_map(self._objects.get(tiled.object_key, sha256=tiled.sha256))
        return map_levels(legend_indices(tiled.groups)[class_map])


def _encode(tile: ClassMap) -> bytes:
    file = BytesIO()
    # Run lengths suit class maps (`pantile.class_map_files`); no palette, gamma or colour profile comes along.
    Image.fromarray(np.ascontiguousarray(tile)).save(file, "PNG", compress_level=6, compress_type=zlib.Z_RLE)
    return file.getvalue()


def _describe(place: TilePlace) -> str:
    return f"level {place.level}, column {place.column}, row {place.row}"

"""SZI files: deep-zoom tiles in one zip, found by the zip's own index without unpacking it.

What an index says is checked before anything is read by it: entries that are stored as they are, named as libvips names
them, each in bytes of its own, one for every tile of the pyramid and none besides. The layout is that of PKWARE's
APPNOTE 6.3 (4.3.7, 4.3.12, 4.3.16).
"""

import re
import struct
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pantile.domain.deep_zoom import TileGrid, TilePlace
from pantile.domain.errors import PyramidBroken

MAX_ENTRIES = 65_534
"""More are told in another way (zip64), which no pyramid of ours needs."""

END_BYTES = 22
MAX_DIRECTORY_BYTES = 16 << 20
MAX_TILE_BYTES = 4 << 20

_MOST_AROUND_BYTES = 1024
"""What an entry may have beside its bytes: header, name, extra fields, and what is told after them."""

_END = struct.Struct("<4s4H2IH")
_CENTRAL = struct.Struct("<4s6H3I5H2I")
_LOCAL = struct.Struct("<4s5H3I2H")
_STORED = 0
_TOLD_LATER = 0x0008
"""The flag of an entry whose size and checksum follow its bytes; the index has them as well."""

_UTF8 = 0x0800
_TILE = re.compile(r"pyramid/pyramid_files/(0|[1-9][0-9]?)/(0|[1-9][0-9]{0,5})_(0|[1-9][0-9]{0,5})\.jpg")
_BESIDE = frozenset({"pyramid/pyramid.dzi", "pyramid/pyramid_files/vips-properties.xml", "pyramid/scan-properties.xml"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Directory:
    """Where a zip's index lies, and how many entries it has."""

    start: int
    bytes: int
    entries: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TileRange:
    """Where a tile lies: the bytes of its entry, header included, and the tile's size and checksum (CRC-32)."""

    start: int
    entry_bytes: int
    tile_bytes: int
    checksum: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    name: str
    start: int
    bytes: int
    checksum: int


def find_directory(end: bytes, *, file_bytes: int) -> Directory:
    """Where the index is, by the last `END_BYTES` of a file of that many bytes; raises `PyramidBroken`."""
    if len(end) != END_BYTES or file_bytes < END_BYTES:
        raise PyramidBroken("it is too short for a zip")
    signature, disk, first_disk, here, entries, length, start, comment = _END.unpack(end)
    if signature != b"PK\x05\x06" or comment or disk or first_disk or here != entries:
        raise PyramidBroken("it does not end as a zip does")
    if entries > MAX_ENTRIES or length > MAX_DIRECTORY_BYTES or start + length + END_BYTES != file_bytes:
        raise PyramidBroken("its index is not where it should be")
    return Directory(start=start, bytes=length, entries=entries)


def read_directory(data: bytes, directory: Directory, grid: TileGrid) -> Mapping[TilePlace, TileRange]:
    """Where each tile of a pyramid cut like this lies; raises `PyramidBroken`."""
    entries = sorted(_entries(data, directory), key=lambda entry: entry.start)
    ends = [entry.start for entry in entries[1:]] + [directory.start]
    tiles: dict[TilePlace, TileRange] = {}
    for entry, end in zip(entries, ends, strict=True):
        around = end - entry.start - entry.bytes
        if not _LOCAL.size + len(entry.name) <= around <= _MOST_AROUND_BYTES or entry.bytes > MAX_TILE_BYTES:
            raise PyramidBroken(f"{entry.name} does not lie where the index says")
        if entry.name in _BESIDE:
            continue
        place = _place(entry.name)
        if place in tiles or not grid.has(place):
            raise PyramidBroken(f"{entry.name} is there twice, or no tile of this pyramid")
        tiles[place] = TileRange(
            start=entry.start, entry_bytes=end - entry.start, tile_bytes=entry.bytes, checksum=entry.checksum
        )
    if len(tiles) != grid.tiles:
        raise PyramidBroken(f"it has {len(tiles)} tiles of {grid.tiles}")
    return tiles


def tile_of(entry: bytes, place: TilePlace, where: TileRange) -> bytes:
    """The tile in the bytes of its entry; raises `PyramidBroken`."""
    if len(entry) != where.entry_bytes:
        raise PyramidBroken("it ends too early")
    signature, _, flags, method, *_, name_bytes, extra_bytes = _LOCAL.unpack_from(entry)
    name = entry[_LOCAL.size : _LOCAL.size + name_bytes]
    start = _LOCAL.size + name_bytes + extra_bytes
    tile = entry[start : start + where.tile_bytes]
    is_sound = signature == b"PK\x03\x04" and method == _STORED and not flags & ~(_TOLD_LATER | _UTF8)
    if not is_sound or name.decode("latin-1") != tile_name(place) or len(tile) != where.tile_bytes:
        raise PyramidBroken(f"{tile_name(place)} is not where the index says")
    if zlib.crc32(tile) != where.checksum:
        raise PyramidBroken(f"{tile_name(place)} is not what was written")
    return tile


def _entries(data: bytes, directory: Directory) -> Iterator[_Entry]:
    at = 0
    for _ in range(directory.entries):
        if at + _CENTRAL.size > len(data):
            raise PyramidBroken("its index ends too early")
        signature, _, _, flags, method, _, _, checksum, stored, size, *rest = _CENTRAL.unpack_from(data, at)
        name_bytes, extra_bytes, comment_bytes, *_, start = rest
        name = data[at + _CENTRAL.size : at + _CENTRAL.size + name_bytes].decode("latin-1")
        if signature != b"PK\x01\x02" or method != _STORED or stored != size or flags & ~(_TOLD_LATER | _UTF8):
            raise PyramidBroken(f"{name[:80]!r} is not an entry that is stored as it is")
        yield _Entry(name=name, start=start, bytes=size, checksum=checksum)
        at += _CENTRAL.size + name_bytes + extra_bytes + comment_bytes
    if at != len(data):
        raise PyramidBroken("its index is longer than it says")


def _place(name: str) -> TilePlace:
    match = _TILE.fullmatch(name)
    if match is None:
        raise PyramidBroken(f"{name[:80]!r} is no name of a tile")
    level, column, row = (int(part) for part in match.groups())
    return TilePlace(level=level, column=column, row=row)


def tile_name(place: TilePlace) -> str:
    """The name of a tile's entry."""
    return f"pyramid/pyramid_files/{place.level}/{place.column}_{place.row}.jpg"

"""The index of an SZI file is believed only as far as it can be checked."""

import struct
from collections.abc import Callable
from io import BytesIO
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pantile.domain.deep_zoom import TileGrid, TilePlace
from pantile.domain.errors import PyramidBroken
from pantile.domain.szi_files import END_BYTES, TileRange, find_directory, read_directory, tile_of

GRID = TileGrid(width_px=700, height_px=300, tile_px=510, overlap_px=1)
PLACES = [
    TilePlace(level=level, column=column, row=0)
    for level in range(GRID.levels)
    for column in range(2 if level == GRID.levels - 1 else 1)
]
FOLDER = "pyramid/pyramid_files"


def _content(place: TilePlace) -> bytes:
    return f"tile {place.level} {place.column}".encode() * 20


def _names() -> dict[str, bytes]:
    tiles = {f"{FOLDER}/{place.level}/{place.column}_{place.row}.jpg": _content(place) for place in PLACES}
    return tiles | {"pyramid/pyramid.dzi": b"<Image/>", "pyramid/scan-properties.xml": b"<image/>"}


def _zip(files: dict[str, bytes], *, compression: int = ZIP_STORED) -> bytes:
    file = BytesIO()
    with ZipFile(file, "w", compression) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return file.getvalue()


def _read(data: bytes) -> dict[TilePlace, TileRange]:
    directory = find_directory(data[-END_BYTES:], file_bytes=len(data))
    return dict(read_directory(data[directory.start : directory.start + directory.bytes], directory, GRID))


def _entry(data: bytes, where: TileRange) -> bytes:
    return data[where.start : where.start + where.entry_bytes]


def test_every_tile_is_found_by_its_range() -> None:
    data = _zip(_names())

    tiles = _read(data)

    assert {place: tile_of(_entry(data, where), place, where) for place, where in tiles.items()} == {
        place: _content(place) for place in PLACES
    }


def _without_a_tile(files: dict[str, bytes]) -> dict[str, bytes]:
    return {name: content for name, content in files.items() if not name.endswith("/0/0_0.jpg")}


@pytest.mark.parametrize(
    "change",
    [
        lambda files: files | {"../../etc/passwd": b"x"},
        lambda files: files | {f"{FOLDER}/../0/0_0.jpg": b"x"},
        lambda files: files | {f"/{FOLDER}/0/0_0.jpg": b"x"},
        lambda files: files | {f"{FOLDER}/00/0_0.jpg": b"x"},
        lambda files: files | {f"{FOLDER}/0/0_0.png": b"x"},
        lambda files: files | {f"{FOLDER}/0/1_0.jpg": b"x"},
        lambda files: files | {f"{FOLDER}/11/0_0.jpg": b"x"},
        lambda files: files | {f"{FOLDER}/10/0_0.jpg": b"x" * (5 << 20)},
        _without_a_tile,
    ],
    ids=["up", "inner up", "absolute", "leading 0", "other kind", "beyond", "no such level", "huge", "one missing"],
)
def test_other_names_and_other_tiles_are_refused(change: Callable[[dict[str, bytes]], dict[str, bytes]]) -> None:
    with pytest.raises(PyramidBroken):
        _read(_zip(change(_names())))


def test_compressed_entries_are_refused() -> None:
    with pytest.raises(PyramidBroken, match="not an entry that is stored as it is"):
        _read(_zip(_names(), compression=ZIP_DEFLATED))


@pytest.mark.parametrize("cut", [1, END_BYTES, 200])
def test_a_file_that_is_cut_off_is_refused(cut: int) -> None:
    with pytest.raises(PyramidBroken):
        _read(_zip(_names())[:-cut])


def test_entries_that_lie_about_their_place_or_size_are_refused() -> None:
    data = _zip(_names())
    directory = find_directory(data[-END_BYTES:], file_bytes=len(data))
    for field, lie in ((42, 5), (42, len(data)), (42, 2**32 - 1), (24, 10_000), (20, 3)):
        changed = bytearray(data)
        struct.pack_into("<I", changed, directory.start + field, lie)

        with pytest.raises(PyramidBroken):
            _read(bytes(changed))


def test_two_entries_of_the_same_bytes_are_refused() -> None:
    data = bytearray(_zip(_names()))
    directory = find_directory(bytes(data[-END_BYTES:]), file_bytes=len(data))
    second = directory.start + 46 + len(f"{FOLDER}/0/0_0.jpg")
    struct.pack_into("<I", data, second + 42, 0)

    with pytest.raises(PyramidBroken):
        _read(bytes(data))


def test_a_tile_that_is_not_what_was_written_is_refused() -> None:
    data = _zip(_names())
    place = PLACES[-1]
    where = _read(data)[place]
    entry = bytearray(_entry(data, where))
    entry[-1] ^= 1

    with pytest.raises(PyramidBroken, match="not what was written"):
        tile_of(bytes(entry), place, where)
    with pytest.raises(PyramidBroken, match="not where the index says"):
        tile_of(_entry(data, where), PLACES[0], where)
    with pytest.raises(PyramidBroken, match="ends too early"):
        tile_of(_entry(data, where)[:-1], place, where)


@given(st.integers(0, 2000), st.binary(min_size=1, max_size=8))
def test_whatever_the_index_says_it_is_refused_or_within_the_file(at: int, lie: bytes) -> None:
    data = bytearray(_zip(_names()))
    directory = find_directory(bytes(data[-END_BYTES:]), file_bytes=len(data))
    at %= directory.bytes
    data[directory.start + at : directory.start + at + len(lie)] = lie[: directory.bytes - at]

    try:
        tiles = _read(bytes(data))
    except PyramidBroken:
        return

    assert all(where.start + where.entry_bytes <= directory.start for where in tiles.values())
    assert set(tiles) == set(PLACES)

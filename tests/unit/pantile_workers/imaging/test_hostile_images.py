"""Images that are made to do harm are refused in one sentence, and take no more memory than is set aside for one."""

import io
import re
import struct
import subprocess
import sys
import zlib
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from pantile.domain.errors import ImageRefused, ImageTooLarge, ImageUnreadable
from pantile_workers.imaging.reading import inspect_image, read_roi

KINDS = ("JPEG", "PNG", "TIFF", "WEBP")
_MIB = 1 << 20


def image_file(kind: str) -> bytes:
    """A small image of noise, 60 pixels wide and 50 high."""
    pixels = np.random.default_rng(0).integers(0, 255, (50, 60, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind)
    return file.getvalue()


def png_header(width: int, height: int, *, bits: int = 8, colour: int = 2, interlace: int = 0) -> bytes:
    """A PNG of which only the header is there."""
    body = b"IHDR" + struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, interlace)
    return (
        b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + body + struct.pack(">I", zlib.crc32(body)) + bytes(4) + b"IDAT"
    )


def with_size(kind: str, width: int, height: int) -> bytes:
    """The small image with another size in its header."""
    data = bytearray(image_file(kind))
    if kind == "JPEG":
        at = data.index(b"\xff\xc0") + 5
        data[at : at + 4] = struct.pack(">HH", height, width)
    elif kind == "PNG":
        return png_header(width, height)[:33] + bytes(data[33:])
    elif kind == "TIFF":
        for tag, value in ((256, width), (257, height)):
            found = re.search(struct.pack("<H", tag) + b"[\x03\x04]\x00\x01\x00\x00\x00", data)
            assert found
            data[found.start() : found.start() + 12] = struct.pack("<HHII", tag, 4, 1, value)
    else:
        at = data.index(b"\x9d\x01\x2a") + 3
        data[at : at + 4] = struct.pack("<HH", width, height)
    return bytes(data)


@pytest.mark.parametrize("kind", KINDS)
def test_a_tiny_file_with_a_huge_size_in_its_header_is_refused_for_its_size(kind: str) -> None:
    size = 16_000 if kind == "WEBP" else 60_000  # WebP's own limit is 16,383

    with pytest.raises(ImageRefused) as refused:
        inspect_image(with_size(kind, size, size), max_megapixels=100)

    assert isinstance(refused.value, (ImageTooLarge, ImageUnreadable))
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("kind", KINDS)
def test_a_header_that_lies_within_the_limit_is_found_out(kind: str) -> None:
    data = with_size(kind, 3000, 2000)

    with pytest.raises(ImageUnreadable):
        inspect_image(data, max_megapixels=400)
    with pytest.raises(ImageUnreadable):
        read_roi(data, roi_mpp=0.25, model_mpp=1.0)


def test_an_interlaced_image_that_its_decoder_would_hold_whole_is_refused_on_its_header() -> None:
    data = png_header(20_000, 19_000, bits=16, colour=6, interlace=1)

    with pytest.raises(
        ImageTooLarge, match=r"stored interlaced, so reading it takes 2\.8 GiB; save it again row by row"
    ):
        inspect_image(data, max_megapixels=400)


def test_an_interlaced_image_of_usual_size_is_taken() -> None:
    file = io.BytesIO()
    Image.new("RGB", (600, 500)).save(file, "JPEG", progressive=True)

    assert inspect_image(file.getvalue(), max_megapixels=400).width_px == 600


def test_a_jpeg_that_repeats_its_scans_is_refused() -> None:
    file = io.BytesIO()
    Image.new("L", (600, 500)).save(file, "JPEG", progressive=True)
    data = file.getvalue()
    last_scan = data[data.rindex(b"\xff\xda") : -2]

    with pytest.raises(ImageUnreadable):
        inspect_image(data[:-2] + last_scan * 10_000 + data[-2:], max_megapixels=400)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=150, derandomize=True, deadline=None)
@given(
    changes=st.lists(st.tuples(st.floats(0, 0.999), st.integers(0, 255)), min_size=1, max_size=8), end=st.floats(0, 1)
)
def test_damaged_images_are_read_or_refused_and_nothing_else(
    kind: str, changes: list[tuple[float, int]], end: float
) -> None:
    data = bytearray(image_file(kind))
    for place, value in changes:
        # Most of what an image file says of itself stands at its beginning.
        data[int(place**3 * len(data))] = value
    damaged = bytes(data[: max(20, int(len(data) * (1 - end**4)))])

    for read in (
        lambda: inspect_image(damaged, max_megapixels=1),
        lambda: read_roi(damaged, roi_mpp=0.5, model_mpp=1.0, max_megapixels=1),
    ):
        with suppress(ImageRefused):
            assert read() is not None


_MEASURE = """
import io, resource, sys
from PIL import Image
from pantile_workers.imaging.reading import inspect_image, read_roi

Image.MAX_IMAGE_PIXELS = None
file = io.BytesIO()
Image.effect_noise((1000, 1000), 9).save(file, "JPEG")
warm = file.getvalue()
read_roi(warm, roi_mpp=0.25, model_mpp=1.0)
data = open(sys.argv[1], "rb").read()
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
inspect_image(data, max_megapixels=400)
read_roi(data, roi_mpp=0.25, model_mpp=1.0)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.parametrize(
    ("kind", "options"), [("PNG", {}), ("JPEG", {}), ("TIFF", {"compression": "tiff_adobe_deflate"})]
)
def test_a_bomb_is_decoded_strip_by_strip(kind: str, options: dict[str, str], tmp_path: Path) -> None:
    bomb = tmp_path / "bomb"
    Image.new("RGB", (10_000, 10_000), (200, 100, 150)).save(bomb, kind, **options)
    assert bomb.stat().st_size < 2 * _MIB

    grown = subprocess.run([sys.executable, "-c", _MEASURE, bomb], capture_output=True, text=True, check=True).stdout

    # 300 MB of pixels; 19 MB are kept at the segmenter's resolution.
    assert int(grown) * (1 if sys.platform == "darwin" else 1024) < 150 * _MIB

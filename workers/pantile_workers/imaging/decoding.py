"""Decoding: the one door through which an image file's bytes reach libvips, so that every caller is equally strict.

The format is told by the file's first bytes and its own loader is called by name, so no other loader of libvips can be
reached by any input. Decoding is sequential and fails on truncated or damaged data instead of filling in grey.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from functools import cache
from pathlib import Path

import pyvips

from pantile.domain.errors import ImageUnreadable

WHITE = 255


class ImageFormat(StrEnum):
    """The formats taken; the value is the file extension."""

    JPEG = "jpg"
    PNG = "png"
    TIFF = "tif"
    WEBP = "webp"


_LOADERS = {
    ImageFormat.JPEG: "jpegload",
    ImageFormat.PNG: "pngload",
    ImageFormat.TIFF: "tiffload",
    ImageFormat.WEBP: "webpload",
}

_SIGNATURES = {
    b"\xff\xd8\xff": ImageFormat.JPEG,
    b"\x89PNG\r\n\x1a\n": ImageFormat.PNG,
    b"II*\x00": ImageFormat.TIFF,
    b"MM\x00*": ImageFormat.TIFF,
    b"II+\x00": ImageFormat.TIFF,
    b"MM\x00+": ImageFormat.TIFF,
}

_SAMPLE_FORMATS = ("uchar", "ushort")


def tell_format(data: bytes | Path) -> ImageFormat:
    """The image format by the file's first bytes.

    Raises:
        ImageUnreadable: an empty file, or none of the formats taken.
    """
    head = _first_bytes(data)
    if not head:
        raise ImageUnreadable("the file is empty")
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return ImageFormat.WEBP
    for signature, image_format in _SIGNATURES.items():
        if head.startswith(signature):
            return image_format
    raise ImageUnreadable("the file is not a JPEG, PNG, TIFF or WebP image")


def open_image(data: bytes | Path, *, shrink: int = 1) -> pyvips.Image:
    """The image of a file, not yet decoded and to be read once from top to bottom; of a TIFF the first page.

    `shrink` (1, 2, 4 or 8) is the factor by which the JPEG decoder itself shrinks; other formats take 1 only.
    libvips' own errors come when pixels are asked for: do that inside `decoding_errors`.

    Raises:
        ImageUnreadable: not one of the formats taken, or the header is damaged.
    """
    _prepare_libvips()
    image_format = tell_format(data)
    # libjpeg only warns of pixels that are missing or cannot be decoded, and fills them with grey.
    fail_on = "warning" if image_format is ImageFormat.JPEG else "error"
    options = {"shrink": shrink} if shrink != 1 else {}
    name = _LOADERS[image_format]
    with decoding_errors(image_format):
        if isinstance(data, Path):
            load = getattr(pyvips.Image, name)
            return load(str(data), access="sequential", fail_on=fail_on, **options)
        # A source, as pyvips copies the bytes that it is given as a buffer.
        load = getattr(pyvips.Image, f"{name}_source")
        return load(pyvips.Source.new_from_memory(data), access="sequential", fail_on=fail_on, **options)


def as_rgb(image: pyvips.Image) -> pyvips.Image:
    """The image as 8-bit sRGB with three bands.

    Grey is repeated, 16 bits become the upper 8, CMYK goes through its colour profile (or libvips' standard one), alpha
    is laid over white. An RGB image's own colour profile is not applied, as the study's script does not, and neither is
    an EXIF orientation: pixels stay where the file has them, so that class maps fit the file.

    Raises:
        ImageUnreadable: samples that are not 8 or 16 bit whole numbers, or bands that are no colours.
    """
    if image.format not in _SAMPLE_FORMATS:
        raise ImageUnreadable(f"its samples are of the type {image.format}, not 8 or 16 bit whole numbers")
    if image.interpretation == "multiband":
        raise ImageUnreadable(f"its {image.bands} bands are no colours")
    with decoding_errors():
        rgb = image if _is_srgb(image) else image.colourspace("srgb")
        if rgb.hasalpha():
            rgb = rgb.flatten(background=[WHITE] * 3)
        return rgb.cast("uchar") if rgb.format != "uchar" else rgb


@contextmanager
def decoding_errors(image_format: ImageFormat | None = None) -> Iterator[None]:
    """Turns libvips' errors in the block into `ImageUnreadable`."""
    try:
        yield
    except pyvips.Error as error:
        kind = image_format.name if image_format else "image"
        raise ImageUnreadable(f"the {kind} file is cut off or damaged ({_cause(error)})") from error


def _is_srgb(image: pyvips.Image) -> bool:
    return bool(image.interpretation == "srgb" and image.format == "uchar")


def _cause(error: pyvips.Error) -> str:
    """The first line that libvips itself has to say; pyvips puts the name of its call before it."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    own = [line for line in lines if not line.startswith("unable to ")]
    return own[0] if own else "no cause given"


def _first_bytes(data: bytes | Path) -> bytes:
    if isinstance(data, bytes):
        return data[:16]
    with data.open("rb") as file:
        return file.read(16)


@cache
def _prepare_libvips() -> None:
    """Once a process: no operation cache, which would keep whole ROIs alive, and no loader that libvips distrusts."""
    pyvips.cache_set_max(0)
    pyvips.block_untrusted_set(True)
    # It takes no file for what it is not: only our own files of class indices are opened as such, by its name.
    pyvips.operation_block_set("VipsForeignLoadRaw", False)

"""Whole slides: their facts, an overview, and ROIs cut out of them.

OpenSlide reads SVS, NDPI, MRXS, SCN, DICOM and pyramidal TIFF. Label and macro images, which may show names of
patients, are never read.
"""

import hashlib
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import openslide
import pyvips
from PIL import Image

from pantile.domain.class_maps import RgbImage
from pantile.domain.errors import SlideUnreadable
from pantile.domain.slides import Rectangle, SlideFacts
from pantile_workers.imaging.decoding import WHITE

ROI_QUALITY = 80
"""JPEG quality of ROIs (the study's)."""

_STRIP_PX = 512
_READERS = 2
"""Strips that are read at once: OpenSlide decodes without Python's lock."""

_MOST_TRANSPARENT = 255


@contextmanager
def open_slide(file: Path) -> Iterator[openslide.OpenSlide]:
    """A slide that is read from; raises `SlideUnreadable`, then or while it is read."""
    try:
        with openslide.OpenSlide(file) as slide:
            yield slide
    except openslide.OpenSlideUnsupportedFormatError as error:
        raise SlideUnreadable("it is of no format that is known, or damaged") from error
    except (openslide.OpenSlideError, OSError) as error:
        # Behind a link stands the name that a pseudonym replaces.
        raise SlideUnreadable(str(error).replace(str(file), "the file")) from error


def read_facts(slide: openslide.OpenSlide) -> SlideFacts:
    """What the file says of itself; `mpp` and magnification are None where it does not say."""
    properties = slide.properties
    width_px, height_px = slide.dimensions
    return SlideFacts(
        width_px=width_px,
        height_px=height_px,
        levels=slide.level_count,
        vendor=properties.get(openslide.PROPERTY_NAME_VENDOR, "unknown"),
        mpp=_positive(properties.get(openslide.PROPERTY_NAME_MPP_X)),
        magnification=_positive(properties.get(openslide.PROPERTY_NAME_OBJECTIVE_POWER)),
        scanner=_scanner(properties),
    )


def _positive(text: str | None) -> float | None:
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if 0 < value < float("inf") else None


def _scanner(properties: Mapping[str, str]) -> str | None:
    known = (
        "aperio.ScanScope ID",
        "hamamatsu.Product",
        "leica.device-model",
        "dicom.ManufacturerModelName",
        "tiff.Model",
    )
    return next((properties[name] for name in known if properties.get(name)), None)


def slide_digest(file: Path, slide: openslide.OpenSlide) -> str:
    """SHA-256 (hex) of what a slide is: its file's bytes, and OpenSlide's quick hash of those beside it (as of MRXS).

    It is never that of the file alone, by which an ROI's image would be known.
    """
    with file.open("rb") as content:
        own = hashlib.file_digest(content, "sha256").hexdigest()
    beside = slide.properties.get(openslide.PROPERTY_NAME_QUICKHASH1, "")
    return hashlib.sha256(f"slide {own} {beside}".encode()).hexdigest()


def read_overview(slide: openslide.OpenSlide, *, longest_px: int) -> RgbImage:
    """The whole slide, at most `longest_px` on its longer side: (height, width, 3) uint8."""
    picture = slide.get_thumbnail((longest_px, longest_px))
    return np.asarray(picture.convert("RGB"))


def read_rectangle(slide: openslide.OpenSlide, rectangle: Rectangle) -> RgbImage:
    """The pixels of the finest level, (height_px, width_px, 3) uint8; white beyond the slide and where it has none."""
    pixels: RgbImage = np.empty((rectangle.height_px, rectangle.width_px, 3), dtype=np.uint8)

    def read_strip(top: int) -> None:
        rows = min(_STRIP_PX, rectangle.height_px - top)
        place = (rectangle.left_px, rectangle.top_px + top)
        strip = slide.read_region(place, 0, (rectangle.width_px, rows))
        pixels[top : top + rows] = on_white(strip)

    with ThreadPoolExecutor(_READERS) as readers:
        list(readers.map(read_strip, range(0, rectangle.height_px, _STRIP_PX)))
    return pixels


def on_white(region: Image.Image) -> RgbImage:
    """What OpenSlide has read, (height, width, 3) uint8; white where the slide has no pixels."""
    rgba = np.asarray(region)
    rgb: RgbImage = rgba[..., :3]
    transparent = rgba[..., 3] != _MOST_TRANSPARENT
    if not transparent.any():
        return rgb
    white = Image.new("RGBA", region.size, (WHITE, WHITE, WHITE, WHITE))
    white.alpha_composite(region)
    return np.asarray(white)[..., :3]


def encode_roi(pixels: RgbImage, *, mpp: float, quality: int = ROI_QUALITY, lossless: bool = False) -> bytes:
    """An ROI's file: a JPEG, or a PNG where nothing may be lost, with its resolution in it."""
    height, width = pixels.shape[:2]
    image = pyvips.Image.new_from_memory(pixels.data, width, height, 3, "uchar")
    per_mm = 1000 / mpp
    image = image.copy(xres=per_mm, yres=per_mm, interpretation="srgb")
    content: bytes = (
        image.pngsave_buffer(compression=1) if lossless else image.jpegsave_buffer(Q=quality, subsample_mode="on")
    )
    return content

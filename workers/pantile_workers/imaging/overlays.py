"""Overlays: the ROI with its class map blended in, small enough to look at.

The study's look, with one choice of ours: classes of the group background are not tinted, nor are indices outside the
scheme, so that glass stays white.
"""

from pathlib import Path

import numpy as np
import pyvips

from pantile.domain.class_maps import (
    OVERLAY_ALPHA,
    OVERLAY_SIZE_PX,
    ClassGroup,
    ClassMap,
    ClassScheme,
    PaletteName,
    RgbImage,
    at_pixels,
)
from pantile_workers.imaging.decoding import ImageFormat, as_rgb, decoding_errors, open_image, tell_format

_JPEG_QUALITY = 85
_UNITS = 256


def render_overlay(
    image: bytes | Path,
    class_map: ClassMap,
    scheme: ClassScheme,
    palette: PaletteName,
    *,
    extent_px: tuple[float, float],
) -> bytes:
    """A JPEG of the ROI with the class colours blended in, at most 2500 x 2000 pixels, never enlarged, aspect kept.

    `extent_px` is the width and height that the class map covers, in the ROI's pixels (`RoiPixels.extent_px`); each
    pixel of the overlay takes the class at its centre.

    Raises:
        ImageUnreadable: the image cannot be decoded.
    """
    background, (width_px, height_px) = _read_fitted(image)
    height, width = background.shape[:2]
    classes = at_pixels(
        class_map,
        height_px=height,
        width_px=width,
        extent_px=(extent_px[0] * width / width_px, extent_px[1] * height / height_px),
    )
    return _encode_jpeg(_blend(background, classes, scheme, palette))


def _read_fitted(data: bytes | Path) -> tuple[RgbImage, tuple[int, int]]:
    """The image fitted into the overlay's size, and its own (width, height) in pixels."""
    image_format = tell_format(data)
    header = open_image(data)
    size_px = (header.width, header.height)
    shrink_by = max(1.0, *(own / limit for own, limit in zip(size_px, OVERLAY_SIZE_PX, strict=True)))
    width, height = (max(1, int(own / shrink_by)) for own in size_px)
    decoder_shrink = max((factor for factor in (1, 2, 4, 8) if factor <= shrink_by), default=1)
    with decoding_errors(image_format):
        image = open_image(data, shrink=decoder_shrink if image_format is ImageFormat.JPEG else 1)
        rgb = as_rgb(image)
        fitted: RgbImage = rgb.thumbnail_image(width, height=height, size="force").numpy()
    return fitted, size_px


def _blend(image: RgbImage, class_map: ClassMap, scheme: ClassScheme, palette: PaletteName) -> RgbImage:
    share = np.zeros(256, dtype=np.uint16)
    for tissue in scheme.classes:
        share[tissue.index] = 0 if tissue.group is ClassGroup.BACKGROUND else round(OVERLAY_ALPHA * _UNITS)
    tint = np.zeros((256, 3), dtype=np.uint16)
    tint[: len(scheme)] = scheme.palette(palette)
    tint *= share[:, None]
    kept = (_UNITS - share)[class_map][..., None]
    mixed = (image * kept + tint[class_map] + _UNITS // 2) // _UNITS
    return mixed.astype(np.uint8)


def _encode_jpeg(image: RgbImage) -> bytes:
    encoded: bytes = pyvips.Image.new_from_array(image, interpretation="srgb").jpegsave_buffer(Q=_JPEG_QUALITY)
    return encoded

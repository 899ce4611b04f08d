"""Patching: an ROI cut into the study's patches, each brought to the network's resolution by itself (exact mode).

The ROI is decoded in bands as high as a patch, so that its full size never lies in memory: of 12,500 x 10,000 pixels at
0.25 mpp a band takes 80 MB, all of them would take 375 MB.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
import pyvips
from numpy.typing import NDArray
from PIL import Image

from pantile.domain.class_maps import RgbImage
from pantile.domain.errors import ImageRefused
from pantile.domain.patches import StudyScale, plan_axis, study_scale
from pantile_workers.imaging.decoding import WHITE, as_rgb, decoding_errors, open_image, tell_format
from pantile_workers.imaging.reading import check_size

_FETCHED_LINES = 128
"""Lines asked of libvips at once, as it holds them two more times meanwhile."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RoiPatches:
    """An ROI as the study's patches at the resolution of a network, in memory.

    `patches` is (patches, patch_px, patch_px, 3) uint8 RGB, white beyond the ROI; `corners` are their upper left
    corners (row, column) in pixels of the class map, which has `height_px` x `width_px` of them.
    """

    patches: NDArray[np.uint8]
    corners: tuple[tuple[int, int], ...]
    height_px: int
    width_px: int
    scale: float
    map_mpp: float

    @property
    def extent_px(self) -> tuple[float, float]:
        """Width and height that the class map covers, in ROI pixels: a little over the ROI's."""
        return self.width_px * self.scale, self.height_px * self.scale


def read_patches(
    data: bytes | Path,
    *,
    roi_mpp: float,
    model_mpp: float,
    patch_px: int,
    stride_px: int,
    max_megapixels: float = 400.0,
) -> RoiPatches:
    """An image file, `roi_mpp` microns a pixel, as the study's patches for a network at `model_mpp`.

    The study's own arithmetic: patch and stride in whole pixels of the ROI (`StudyScale`), white beyond it, each patch
    resized by Pillow's bicubic. Patches that the study's script runs and then crops away entirely are left out.

    Raises:
        ImageUnreadable: as `inspect_image`.
        ImageTooLarge: the image has more than `max_megapixels` million pixels, in the file or at `model_mpp`.
        ImageRefused: its pixels are so coarse that a patch is less than one of them.
    """
    image_format = tell_format(data)
    image = as_rgb(open_image(data))
    try:
        scale = study_scale(roi_mpp=roi_mpp, model_mpp=model_mpp, patch_px=patch_px, stride_px=stride_px)
    except ValueError as error:
        raise ImageRefused(str(error)) from error
    height_px, width_px = scale.length_px(image.height), scale.length_px(image.width)
    check_size(image.width, image.height, max_megapixels)
    check_size(width_px, height_px, max_megapixels)
    rows, columns = _starts(height_px, scale), _starts(width_px, scale)
    patches = np.empty((len(rows) * len(columns), patch_px, patch_px, 3), dtype=np.uint8)
    with decoding_errors(image_format):
        for index, patch in enumerate(_cut(image, len(rows), len(columns), scale)):
            resized = Image.fromarray(patch).resize((patch_px, patch_px), Image.Resampling.BICUBIC)
            patches[index] = np.asarray(resized)
    return RoiPatches(
        patches=patches,
        corners=tuple(product(rows, columns)),
        height_px=height_px,
        width_px=width_px,
        scale=scale.scale,
        map_mpp=scale.scale * roi_mpp,
    )


def _starts(length_px: int, scale: StudyScale) -> list[int]:
    axis = plan_axis(length_px, patch_px=scale.patch_px, stride_px=scale.stride_px, margin_px=0)
    return [patch.start for patch in axis]


def _cut(image: pyvips.Image, rows: int, columns: int, scale: StudyScale) -> Iterator[RgbImage]:
    """The patches row by row, (patch_roi_px, patch_roi_px, 3) each, as views of a band that the next row overwrites."""
    side, step = scale.patch_roi_px, scale.stride_roi_px
    # It decodes on this thread from top to bottom, each line once, as a sequential image must be read.
    region = pyvips.Region.new(image)
    band = np.full((side, (columns - 1) * step + side, 3), WHITE, dtype=np.uint8)
    for row in range(rows):
        known = 0 if row == 0 else side - step
        band[:known] = band[side - known :].copy()
        band[known:] = WHITE
        _fetch(image, region, row * step + known, band[known:])
        for column in range(columns):
            yield band[:, column * step : column * step + side]


def _fetch(image: pyvips.Image, region: pyvips.Region, top: int, lines: NDArray[np.uint8]) -> None:
    """Fills `lines`, (height, width, 3) uint8, with the image's from `top` on, as far as there are any."""
    height = min(len(lines), image.height - top)
    for first in range(0, height, _FETCHED_LINES):
        count = min(_FETCHED_LINES, height - first)
        fetched = np.frombuffer(region.fetch(0, top + first, image.width, count), np.uint8)
        lines[first : first + count, : image.width] = fetched.reshape(count, image.width, 3)

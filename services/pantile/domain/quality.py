"""Quality of an ROI, measured before a network sees it: how much tissue, how sharp, and what does not belong there."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from pantile.domain.class_maps import Mask, RgbImage
from pantile.domain.slides import saturation_of

QUALITY_MPP = 1.0
"""Microns per pixel at which quality is measured."""

LEAST_TISSUE = 0.2
"""Share of tissue below which an ROI is flagged."""

LEAST_SHARPNESS = 300.0
"""Variance of the Laplacian over tissue at 1.0 mpp below which an ROI is flagged as blurred.

Fourteen regions of four data sets and scanners have 1,250 to 6,300; 110 to 430 after a Gaussian blur of 1 µm, 25 to 97
after one of 1.5 µm (`tests/unit/pantile/domain/test_quality.py`).
"""

MOST_PEN = 0.01
MOST_BLACK = 0.02
"""Shares of pen and of black above which an ROI is flagged."""

_TISSUE_SATURATION = 20
"""Of 255. A threshold of Otsu's would split an ROI that is full of tissue in two."""

_DARK = 50
_INK_SATURATION = 0.5
_INK_HUES = (75.0, 215.0)
"""Degrees. Haematoxylin is violet (230 and up), eosin pink (300 and up): green, cyan and light blue are ink."""


class Flag(StrEnum):
    """What is unusual about an ROI."""

    LITTLE_TISSUE = "little tissue"
    BLURRED = "blurred"
    PEN = "pen"
    BLACK = "black"


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """Shares of an ROI, 0 to 1, and the sharpness of its tissue; None where it has none."""

    tissue: float
    sharpness: float | None
    pen: float
    black: float

    @property
    def flags(self) -> list[Flag]:
        """What is unusual; nothing is dropped for it."""
        found = {
            Flag.LITTLE_TISSUE: self.tissue < LEAST_TISSUE,
            Flag.BLURRED: self.sharpness is not None and self.sharpness < LEAST_SHARPNESS,
            Flag.PEN: self.pen > MOST_PEN,
            Flag.BLACK: self.black > MOST_BLACK,
        }
        return [flag for flag, is_so in found.items() if is_so]


def measure_quality(image: RgbImage) -> Quality:
    """The quality of an ROI at 1.0 mpp, (height, width, 3) uint8.

    Sharpness is the variance of the Laplacian of the grey values, of which little is left in what is out of focus
    (Pech-Pacheco et al., ICPR 2000).
    """
    pen, black = _find_ink(image), image.max(axis=2) < _DARK
    tissue = (saturation_of(image) > _TISSUE_SATURATION) & ~pen & ~black
    return Quality(
        tissue=float(tissue.mean()),
        sharpness=_sharpness(image, tissue),
        pen=float(pen.mean()),
        black=float(black.mean()),
    )


def _find_ink(image: RgbImage) -> Mask:
    red, green, blue = (image[..., channel].astype(np.float32) for channel in range(3))
    brightest = np.maximum(np.maximum(red, green), blue)
    chroma = brightest - np.minimum(np.minimum(red, green), blue)
    with np.errstate(divide="ignore", invalid="ignore"):
        hue = np.select(
            [chroma == 0, brightest == red, brightest == green],
            [0, 60 * ((green - blue) / chroma % 6), 60 * ((blue - red) / chroma + 2)],
            60 * ((red - green) / chroma + 4),
        )
    is_ink: Mask = (
        (chroma > _INK_SATURATION * brightest) & (brightest >= _DARK) & (hue > _INK_HUES[0]) & (hue < _INK_HUES[1])
    )
    return is_ink


def _sharpness(image: RgbImage, tissue: Mask) -> float | None:
    grey: NDArray[np.float32] = image.mean(axis=2, dtype=np.float32)
    laplacian = grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:] - 4 * grey[1:-1, 1:-1]
    inside = tissue[1:-1, 1:-1]
    return float(laplacian[inside].var()) if inside.any() else None

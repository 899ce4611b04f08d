"""Whole slides: what is known of one, the rectangles that become ROIs, and where a first guess places two of them."""

import re
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from pantile.domain.class_maps import Mask, RgbImage

STUDY_ROI_PX = (12_500, 10_000)
"""Width and height of the study's ROIs, in pixels of 0.25 µm."""

STUDY_ROI_UM = (3125.0, 2500.0)
"""The same in microns, whatever a slide's resolution."""

_LEVELS = 256

_LEAST_SATURATION = 15
"""Of 255: what JPEG leaves on glass. Otsu's threshold splits noise in two as readily as tissue and glass."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SlideFacts:
    """What a slide's file says of itself; sizes are those of its finest level."""

    width_px: int
    height_px: int
    levels: int
    vendor: str
    mpp: float | None = None
    magnification: float | None = None
    scanner: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rectangle:
    """A place on a slide, in pixels of its finest level; it may reach beyond the slide."""

    left_px: int
    top_px: int
    width_px: int
    height_px: int

    def __post_init__(self) -> None:
        if self.width_px < 1 or self.height_px < 1:
            raise ValueError(f"a rectangle of {self.width_px} x {self.height_px} px has no area")

    def overlaps(self, other: "Rectangle") -> bool:
        """Whether the two share a pixel."""
        return (
            self.left_px < other.left_px + other.width_px
            and other.left_px < self.left_px + self.width_px
            and self.top_px < other.top_px + other.height_px
            and other.top_px < self.top_px + self.height_px
        )


class SlideState(StrEnum):
    """Where a slide stands: still to be looked into, ready for ROIs, of no use, or taken out of the study."""

    WAITING = "waiting"
    READY = "ready"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


_PLACE = re.compile(r"slide://(\d+)/(-?\d+),(-?\d+),(\d+),(\d+)(?:,(lossless|whole))?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where an ROI lies: on which slide, where there, and whether its file may lose nothing.

    As text, `slide://7/1000,2000,12500,10000`, it is the source of an ROI that is cut out of a slide. One that
    `is_whole` is not cut out: it is the slide, read from the slide's file.
    """

    slide_id: int
    rectangle: Rectangle
    is_lossless: bool = False
    is_whole: bool = False

    def __str__(self) -> str:
        """The source."""
        own = self.rectangle
        numbers = f"{own.left_px},{own.top_px},{own.width_px},{own.height_px}"
        how = ",whole" if self.is_whole else ",lossless" if self.is_lossless else ""
        return f"slide://{self.slide_id}/{numbers}{how}"


def parse_place(source: str) -> Place | None:
    """The place that a source names; None for one that names a file or an address."""
    found = _PLACE.fullmatch(source)
    if found is None:
        return None
    slide_id, left, top, width, height = (int(part) for part in found.groups()[:5])
    rectangle = Rectangle(left_px=left, top_px=top, width_px=width, height_px=height)
    return Place(
        slide_id=slide_id,
        rectangle=rectangle,
        is_lossless=found[6] == "lossless",
        is_whole=found[6] == "whole",
    )


def roi_size_px(slide_mpp: float) -> tuple[int, int]:
    """Width and height of a rectangle as large as the study's ROIs, in pixels of a slide."""
    width_um, height_um = STUDY_ROI_UM
    return round(width_um / slide_mpp), round(height_um / slide_mpp)


def find_tissue(overview: RgbImage) -> Mask:
    """Where there is tissue on an overview, (height, width, 3) uint8: pixels more saturated than Otsu's threshold.

    On glass alone, where nothing is saturated, there is none.
    """
    saturation = saturation_of(overview)
    threshold = otsu_threshold(np.bincount(saturation.ravel(), minlength=_LEVELS))
    tissue: Mask = saturation > max(threshold, _LEAST_SATURATION)
    return tissue


def saturation_of(image: RgbImage) -> NDArray[np.uint8]:
    """The saturation, as in HSV, of each pixel of (height, width, 3) uint8, 0 to 255."""
    brightest = image.max(axis=2).astype(np.int32)
    chroma = brightest - image.min(axis=2)
    saturation: NDArray[np.uint8] = (255 * chroma // np.maximum(brightest, 1)).astype(np.uint8)
    return saturation


def otsu_threshold(histogram: NDArray[np.int64]) -> int:
    """The level up to which values belong to the lower class, by the largest variance between classes.

    N. Otsu, IEEE Trans. Syst. Man Cybern. 9 (1979) 62.
    """
    counts = histogram.astype(np.float64)
    values = np.arange(len(counts))
    below, mass = np.cumsum(counts), np.cumsum(counts * values)
    above, left = below[-1] - below, mass[-1] - mass
    with np.errstate(divide="ignore", invalid="ignore"):
        between = below * above * (mass / below - left / above) ** 2
    return int(np.nanargmax(between)) if np.isfinite(between).any() else 0


def guess_rectangles(
    tissue: Mask, *, width_px: int, height_px: int, size_px: tuple[int, int], number: int = 2
) -> list[Rectangle]:
    """Rectangles of `size_px` on a slide of that size where there is the most tissue, without overlap, best first.

    `tissue` shows the whole slide. There are fewer than `number` where no place with tissue is left.
    """
    down_x, down_y = width_px / tissue.shape[1], height_px / tissue.shape[0]
    window = max(1, round(size_px[0] / down_x)), max(1, round(size_px[1] / down_y))
    covered = _window_sums(tissue, window)
    placed: list[Rectangle] = []
    while len(placed) < number and covered.max() > 0:
        row, column = np.unravel_index(np.argmax(covered), covered.shape)
        placed.append(
            Rectangle(
                left_px=_within(column * down_x, size_px[0], width_px),
                top_px=_within(row * down_y, size_px[1], height_px),
                width_px=size_px[0],
                height_px=size_px[1],
            )
        )
        covered[max(0, row - window[1] + 1) : row + window[1], max(0, column - window[0] + 1) : column + window[0]] = 0
    return placed


def _window_sums(tissue: Mask, window: tuple[int, int]) -> NDArray[np.int64]:
    """The tissue in each window by its upper left corner, (places, places); windows end with the slide."""
    width, height = min(window[0], tissue.shape[1]), min(window[1], tissue.shape[0])
    integral = np.pad(tissue.cumsum(axis=0, dtype=np.int64).cumsum(axis=1), ((1, 0), (1, 0)))
    sums: NDArray[np.int64] = (
        integral[height:, width:]
        - integral[:-height, width:]
        - integral[height:, :-width]
        + integral[:-height, :-width]
    )
    return sums


def _within(start: float, length: int, whole: int) -> int:
    return max(0, min(round(start), whole - length))

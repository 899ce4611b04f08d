"""Admission: how closely a checkpoint in mixed precision agrees with itself in float32, measured on tissue.

16-bit arithmetic only moves pixels between classes that the network holds for about equally likely. How many those are
is the checkpoint's own affair, so each is measured before it may run so (`ADMITTED_FROM`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from pantile.domain.class_maps import RgbImage
from pantile.domain.errors import AdmissionImpossible
from pantile.domain.segmenters import Admission, Card, CardFormat, EngineSettings, Precision
from pantile_workers.inference.engine import Engine
from pantile_workers.inference.loaded import LoadedSegmenter

Each = TypeVar("Each")

MOST_PATCHES = 24
"""Patches of a measurement: 6 million pixels at 512 px. The study's network takes 40 s of processor time."""

_GLASS_FROM = 220
_LEAST_TISSUE = 0.25
"""Of a patch, darker than glass in green, which both stains take away. Glass agrees with itself in any arithmetic."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TissueImage:
    """An image to measure on; `read` gives it as (height, width, 3) uint8 RGB at the segmenter's mpp."""

    name: str
    read: Callable[[], RgbImage]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """An admission, and how it came about: patches of how many images, and the image that agreed least."""

    admission: Admission
    patches: int
    images: int
    least_agreement: float
    least_image: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Compared:
    """An image in both precisions: `same` of `pixels` got the same class."""

    image: str
    patches: int
    same: int
    pixels: int

    @property
    def agreement(self) -> float:
        return self.same / self.pixels


def measure_admission(
    engine: Engine, card: Card, checkpoint: Path, tissue: Sequence[TissueImage], *, described: str
) -> Measurement:
    """The agreement of mixed precision with float32 on this engine's device, over patches spread over the tissue.

    At most `MOST_PATCHES` patches are compared, all of their pixels that lie within their image; patches without tissue
    are passed over. `described` says in the card what the tissue is.

    Raises:
        AdmissionImpossible: the segmenter is an ONNX file, the device has no 16-bit arithmetic in hardware, or there is
            no tissue on the images.
        SegmenterBroken: the checkpoint cannot be run.
    """
    if card.format is CardFormat.ONNX:
        raise AdmissionImpossible(f"{card.name} is an ONNX file, whose graph has its own arithmetic")
    segmenter = engine.load(card, lambda: checkpoint)
    chosen = spread(tissue, MOST_PATCHES)
    compared: list[_Compared] = []
    arithmetic = ""
    for image in chosen:
        patches, inside = cut_tissue(image.read(), patch_px=card.patch_px, most=MOST_PATCHES // len(chosen))
        if len(patches):
            same, arithmetic = _compare(engine, segmenter, patches)
            kept = same[:, : inside[0], : inside[1]]
            compared.append(
                _Compared(image=image.name, patches=len(patches), same=int(kept.sum()), pixels=int(kept.size))
            )
    if not compared:
        raise AdmissionImpossible("there is no tissue on these images")
    return _summarise(compared, arithmetic, described)


def cut_tissue(image: RgbImage, *, patch_px: int, most: int) -> tuple[NDArray[np.uint8], tuple[int, int]]:
    """At most `most` patches with tissue, spread over the image, and the (height, width) of them that lies within it.

    They are (patches, patch_px, patch_px, 3) uint8, on a grid that covers the image, white beyond an image smaller than
    one.
    """
    height, width = (min(length, patch_px) for length in image.shape[:2])
    corners = [
        (top, left)
        for top in _starts(image.shape[0], height)
        for left in _starts(image.shape[1], width)
        if (image[top : top + height, left : left + width, 1] < _GLASS_FROM).mean() >= _LEAST_TISSUE
    ]
    chosen = spread(corners, most)
    patches = np.full((len(chosen), patch_px, patch_px, 3), 255, dtype=np.uint8)
    for patch, (top, left) in zip(patches, chosen, strict=True):
        patch[:height, :width] = image[top : top + height, left : left + width]
    return patches, (height, width)


def _starts(length_px: int, side_px: int) -> list[int]:
    """Where squares begin that cover a length from end to end, overlapping as little as that takes."""
    count = ceil(length_px / side_px)
    return [place * (length_px - side_px) // max(1, count - 1) for place in range(count)]


def spread(things: Sequence[Each], most: int) -> list[Each]:
    """At most `most` of some things, evenly spread over them."""
    count = min(most, len(things))
    return [things[place * len(things) // count] for place in range(count)]


def _compare(engine: Engine, segmenter: LoadedSegmenter, patches: NDArray[np.uint8]) -> tuple[NDArray[np.bool_], str]:
    """Where the classes of patches are the same, (patches, patch_px, patch_px), and the arithmetic they were tried in.

    Patch by patch, each as a whole: its margins are compared too, although an ROI's class map leaves most of them out.
    """
    count, patch_px = patches.shape[:2]
    corners = [(place * patch_px, 0) for place in range(count)]
    roi = engine.place_patches(patches, corners=corners, size_px=(count * patch_px, patch_px))
    plain, mixed = (
        engine.segment(roi, segmenter, EngineSettings(stride_px=patch_px, margin_px=0, precision=precision))
        for precision in (Precision.FLOAT32, Precision.MIXED)
    )
    if mixed.arithmetic == plain.arithmetic:
        raise AdmissionImpossible(
            f"the {engine.device.type} here has no 16-bit arithmetic in hardware, and runs all in float32; measure on "
            "one that has it"
        )
    return (plain.class_map == mixed.class_map).reshape(count, patch_px, patch_px), mixed.arithmetic


def _summarise(compared: Sequence[_Compared], arithmetic: str, described: str) -> Measurement:
    least = min(compared, key=lambda each: each.agreement)
    pixels = sum(each.pixels for each in compared)
    agreement = sum(each.same for each in compared) / pixels
    # Down to 6 digits, so that a card never promises more than was seen.
    admission = Admission(agreement=int(agreement * 1e6) / 1e6, pixels=pixels, arithmetic=arithmetic, tissue=described)
    return Measurement(
        admission=admission,
        patches=sum(each.patches for each in compared),
        images=len(compared),
        least_agreement=least.agreement,
        least_image=least.image,
    )

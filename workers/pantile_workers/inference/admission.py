"""Admission: how closely a checkpoint in mixed precision agrees with itself in float32, measured on tissue.

16-bit arithmetic only moves pixels between classes that the network holds for about equally likely. How many those are
is the checkpoint's own affair, so each is measured before it may run so (`ADMITTED_FROM`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from pantile.domain.class_maps import RgbImage
from pantile.domain.errors import AdmissionImpossible
from pantile.domain.patches import Patch, plan_grid
from pantile.domain.segmenters import Admission, Card, CardFormat, EngineSettings, Precision
from pantile_workers.inference.engine import Engine
from pantile_workers.inference.loaded import LoadedSegmenter

Each = TypeVar("Each")

MOST_PATCHES = 24
"""Of a measurement: some 3.5 million pixels at 512 px, and 40 s of processor time with the study's architecture."""

_WHITE = 255
_GLASS_FROM = 220
_LEAST_TISSUE = 0.25
"""Of what is kept of a patch, darker than glass in green, which both stains take away. Glass agrees with itself."""


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

    At most `MOST_PATCHES` patches are compared, of each what the class map of its image would keep of it: so the
    agreement is that of class maps, their borders included. Patches without tissue are passed over. `described` says in
    the card what the tissue is.

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
        patches, kept = cut_tissue(image.read(), patch_px=card.patch_px, most=MOST_PATCHES // len(chosen))
        if len(patches):
            same, arithmetic = _compare(engine, segmenter, patches)
            compared.append(
                _Compared(image=image.name, patches=len(patches), same=int((same & kept).sum()), pixels=int(kept.sum()))
            )
    if not compared:
        raise AdmissionImpossible("there is no tissue on these images")
    return _summarise(compared, arithmetic, described)


def cut_tissue(image: RgbImage, *, patch_px: int, most: int) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """At most `most` patches with tissue, spread over an image's patch grid, and what its class map keeps of them.

    They are (patches, patch_px, patch_px, 3) uint8, white beyond the image, and (patches, patch_px, patch_px) bool.
    """
    height, width = image.shape[:2]
    # The study's proportions: strides of 384 px and margins of 64 px for patches of 512 px.
    grid = plan_grid(height, width, patch_px=patch_px, stride_px=patch_px * 3 // 4, margin_px=patch_px // 8)
    chosen = spread([patch for patch in grid if _shows_tissue(image, patch)], most)
    patches = np.full((len(chosen), patch_px, patch_px, 3), _WHITE, dtype=np.uint8)
    kept = np.zeros(patches.shape[:3], dtype=np.bool_)
    for own, own_kept, patch in zip(patches, kept, chosen, strict=True):
        rows, columns = patch.row, patch.column
        shown = image[rows.start : rows.start + patch_px, columns.start : columns.start + patch_px]
        own[: shown.shape[0], : shown.shape[1]] = shown
        own_kept[
            rows.keep_start - rows.start : rows.keep_end - rows.start,
            columns.keep_start - columns.start : columns.keep_end - columns.start,
        ] = True
    return patches, kept


def _shows_tissue(image: RgbImage, patch: Patch) -> bool:
    rows, columns = patch.row, patch.column
    green = image[rows.keep_start : rows.keep_end, columns.keep_start : columns.keep_end, 1]
    return bool((green < _GLASS_FROM).mean() >= _LEAST_TISSUE)


def spread(things: Sequence[Each], most: int) -> list[Each]:
    """At most `most` of some things, evenly from the first to the last; the middle one where it is one."""
    count = min(most, len(things))
    if count == 1:
        return [things[len(things) // 2]]
    return [things[place * (len(things) - 1) // (count - 1)] for place in range(count)]


def _compare(engine: Engine, segmenter: LoadedSegmenter, patches: NDArray[np.uint8]) -> tuple[NDArray[np.bool_], str]:
    """Where the classes of patches are the same, (patches, patch_px, patch_px), and the arithmetic they were tried in.

    For the engine they are one tall ROI, of which it keeps each patch whole.
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

"""Dice overlap: of masks, of class maps, and of a segmenter's class map with ground truth under the study's protocols.

Two class maps are counted once, pixel by pixel, into pairs of indices; all that follows (both protocols, every remap,
IoU, areas, the confusion) is arithmetic on those counts.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from statistics import fmean

import numpy as np
from numpy.typing import NDArray

from pantile.domain.class_maps import ClassMap, Mask, nearest_cells, stepped_cells

IGNORED = 255
"""The index of pixels that take no part: ground truth that nobody annotated."""

PairCounts = NDArray[np.int64]
"""(256, 256) pixels by true index (rows) and predicted index (columns)."""

_INDICES = 256
_ROWS_AT_ONCE = 64
"""Rows that are counted together: few enough for the processor's cache, which halves the time."""


def dice(truth: Mask, predicted: Mask) -> float:
    """Dice overlap of two masks of one shape; 1.0 where both are empty (Dice 1945, Sørensen 1948)."""
    total = int(truth.sum()) + int(predicted.sum())
    return 1.0 if total == 0 else 2 * int((truth & predicted).sum()) / total


def dice_of_class(truth: ClassMap, predicted: ClassMap, index: int) -> float:
    """Dice of one class of two class maps of one shape and scheme; pixels whose truth is 255 take no part."""
    known = truth != IGNORED
    return dice(truth[known] == index, predicted[known] == index)


class DiceProtocol(StrEnum):
    """How the study computes Dice: as its article says, or as its published code does; the two differ.

    Under `article` only pixels take part whose truth is tumor or tumor stroma; under `published-code` every pixel does.
    They also have remaps of their own (`pantile.domain.dice_remaps`).
    """

    ARTICLE = "article"
    PUBLISHED_CODE = "published-code"


class Target(IntEnum):
    """What classes become before they are compared; in prostate cohorts the published code takes 2 for benign."""

    BACKGROUND = 0
    TUMOR = 1
    TUMOR_STROMA = 2
    IGNORED = IGNORED


FOREGROUND = (Target.TUMOR, Target.TUMOR_STROMA)
"""The targets that have a Dice."""

_TARGETS = (Target.BACKGROUND, *FOREGROUND)


def count_pairs(truth: ClassMap, predicted: ClassMap, *, extent_px: tuple[float, float] | None = None) -> PairCounts:
    """How often each true index meets each predicted one, at the pixels of the truth.

    The prediction is looked up by nearest neighbour; `extent_px` is the width and height that it covers, in pixels of
    the truth, from its upper left corner. Where it covers just the truth (or `extent_px` is None), it is resized as the
    study does it, by Pillow's rule.
    """
    height_px, width_px = truth.shape
    extent_width_px, extent_height_px = extent_px or (width_px, height_px)
    rows = _cells(height_px, predicted.shape[0], extent_height_px)
    columns = _cells(width_px, predicted.shape[1], extent_width_px)
    is_aligned = len(columns) == predicted.shape[1] and bool((np.diff(columns) == 1).all())
    counts = np.zeros(_INDICES * _INDICES, dtype=np.int64)
    for start in range(0, height_px, _ROWS_AT_ONCE):
        # Rows of a coarser prediction are widened once, not once for each row of the truth that they meet.
        wanted, places = np.unique(rows[start : start + _ROWS_AT_ONCE], return_inverse=True)
        found = predicted[wanted] if is_aligned else predicted[wanted].take(columns, axis=1)
        pairs = truth[start : start + _ROWS_AT_ONCE].astype(np.intp)
        pairs *= _INDICES
        pairs += found[places]
        counts += np.bincount(pairs.ravel(), minlength=counts.size)
    return counts.reshape(_INDICES, _INDICES)


def _cells(length_px: int, cells: int, extent_px: float) -> NDArray[np.intp]:
    if extent_px == length_px:
        return stepped_cells(length_px, cells, cells / length_px)
    return nearest_cells(length_px, cells, extent_px)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassFigures:
    """One target's overlap: pixels in the truth, in the prediction and in both."""

    target: Target
    truth_pixels: int
    predicted_pixels: int
    shared_pixels: int

    @property
    def dice(self) -> float:
        """Dice; 1.0 where neither has it, 0.0 where one has."""
        total = self.truth_pixels + self.predicted_pixels
        return 2 * self.shared_pixels / total if total else 1.0

    @property
    def iou(self) -> float:
        """Intersection over union (Jaccard); 1.0 where neither has it."""
        union = self.truth_pixels + self.predicted_pixels - self.shared_pixels
        return self.shared_pixels / union if union else 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class DiceFigures:
    """A class map against ground truth under one protocol.

    `confusion` are the pixels that take part, by true target (rows: background, tumor, tumor stroma) and predicted one.
    `known_pixels` are all whose truth is not ignored, whether they take part or not.
    """

    protocol: DiceProtocol
    confusion: tuple[tuple[int, int, int], ...]
    known_pixels: int

    @property
    def classes(self) -> tuple[ClassFigures, ...]:
        """Tumor and tumor stroma."""
        counts = np.array(self.confusion, dtype=np.int64)
        return tuple(
            ClassFigures(
                target=target,
                truth_pixels=int(counts[target].sum()),
                predicted_pixels=int(counts[:, target].sum()),
                shared_pixels=int(counts[target, target]),
            )
            for target in FOREGROUND
        )

    @property
    def overall(self) -> float | None:
        """The mean Dice of the classes that are in the truth.

        Where none is, the published code says 0; the article says nothing, and so the answer is None.
        """
        present = [figures.dice for figures in self.classes if figures.truth_pixels]
        if present:
            return fmean(present)
        return 0.0 if self.protocol is DiceProtocol.PUBLISHED_CODE else None


def compare_pairs(
    counts: PairCounts, protocol: DiceProtocol, *, truth: Mapping[int, int], predicted: Mapping[int, int]
) -> DiceFigures:
    """The figures of counted pairs under a protocol, both sides remapped to targets.

    An index that a remap does not name becomes background, as in the published code.
    """
    true_targets, predicted_targets = _targets(truth), _targets(predicted)
    confusion = [
        [int(counts[np.ix_(true_targets == true, predicted_targets == other)].sum()) for other in _TARGETS]
        for true in _TARGETS
    ]
    known = sum(map(sum, confusion))
    if protocol is DiceProtocol.ARTICLE:
        confusion[Target.BACKGROUND] = [0, 0, 0]
    return DiceFigures(
        protocol=protocol, confusion=tuple((row[0], row[1], row[2]) for row in confusion), known_pixels=known
    )


def _targets(remap: Mapping[int, int]) -> NDArray[np.uint8]:
    targets = np.zeros(_INDICES, dtype=np.uint8)
    for source, target in remap.items():
        targets[source] = target
    return targets

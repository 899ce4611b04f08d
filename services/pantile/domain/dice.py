"""Dice overlap, of masks and of class maps."""

from pantile.domain.class_maps import ClassMap, Mask

IGNORED = 255
"""The index of pixels that take no part: ground truth that nobody annotated."""


def dice(truth: Mask, predicted: Mask) -> float:
    """Dice overlap of two masks of one shape; 1.0 where both are empty (Dice 1945, Sørensen 1948)."""
    total = int(truth.sum()) + int(predicted.sum())
    return 1.0 if total == 0 else 2 * int((truth & predicted).sum()) / total


def dice_of_class(truth: ClassMap, predicted: ClassMap, index: int) -> float:
    """Dice of one class of two class maps of one shape and scheme; pixels whose truth is 255 take no part."""
    known = truth != IGNORED
    return dice(truth[known] == index, predicted[known] == index)

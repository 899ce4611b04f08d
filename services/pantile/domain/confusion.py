"""Confusion: how often a network takes which class for which, and the Dice that follow from it."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pantile.domain.class_maps import ClassMap
from pantile.domain.dice import IGNORED

Confusion = NDArray[np.int64]
"""(classes, classes) pixels by true class (rows) and predicted class (columns)."""


def count_confusion(truth: ClassMap, predicted: ClassMap, *, classes: int) -> Confusion:
    """The confusion of two class maps of one shape; pixels whose truth is 255 take no part."""
    known = truth != IGNORED
    pairs = truth[known].astype(np.int64) * classes + predicted[known]
    return np.bincount(pairs, minlength=classes * classes).reshape(classes, classes)


def dice_by_class(confusion: Confusion) -> list[float | None]:
    """Dice of each class over all pixels counted; None for a class that is neither in truth nor predicted."""
    totals = confusion.sum(axis=0) + confusion.sum(axis=1)
    return [
        2 * int(shared) / int(total) if total else None
        for shared, total in zip(np.diag(confusion), totals, strict=True)
    ]


def mean_dice(confusion: Confusion) -> float:
    """The mean Dice of the classes that are in the truth."""
    there = confusion.sum(axis=1) > 0
    values = [value for value, is_there in zip(dice_by_class(confusion), there, strict=True) if is_there and value]
    return sum(values) / max(1, int(there.sum()))


def dice_of_classes(confusion: Confusion, indices: Sequence[int]) -> float | None:
    """Dice of several classes taken as one; None where none of them is in truth or predicted."""
    total = int(confusion[indices].sum() + confusion[:, indices].sum())
    return 2 * int(confusion[np.ix_(indices, indices)].sum()) / total if total else None

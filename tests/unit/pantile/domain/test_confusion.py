"""Dice follows from confusion, and from known pixels alone."""

import numpy as np
import pytest

from pantile.domain.confusion import count_confusion, dice_by_class, dice_of_classes, mean_dice
from pantile.domain.dice import dice_of_class

TRUTH = np.array([[0, 0, 1, 1], [2, 255, 1, 0]], np.uint8)
FOUND = np.array([[0, 1, 1, 1], [1, 1, 0, 0]], np.uint8)
CONFUSION = count_confusion(TRUTH, FOUND, classes=4)


def test_confusion_counts_known_pixels_by_true_and_predicted_class() -> None:
    assert CONFUSION.tolist() == [[2, 1, 0, 0], [1, 2, 0, 0], [0, 1, 0, 0], [0, 0, 0, 0]]


def test_dice_is_that_of_the_class_maps() -> None:
    assert dice_by_class(CONFUSION)[:3] == [dice_of_class(TRUTH, FOUND, index) for index in range(3)]


def test_a_class_that_is_nowhere_has_no_dice() -> None:
    assert dice_by_class(CONFUSION)[3] is None


def test_the_mean_counts_each_class_of_the_truth() -> None:
    assert mean_dice(CONFUSION) == pytest.approx((4 / 6 + 4 / 7 + 0) / 3)


def test_several_classes_count_as_one() -> None:
    assert dice_of_classes(CONFUSION, [1, 2]) == pytest.approx(2 * 3 / (4 + 4))
    assert dice_of_classes(CONFUSION, [3]) is None

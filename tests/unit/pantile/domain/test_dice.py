"""Dice overlap, of masks and of class maps."""

import numpy as np
import pytest

from pantile.domain.dice import dice, dice_of_class


def test_dice_of_two_empty_masks_is_one() -> None:
    empty = np.zeros((2, 3), dtype=bool)

    assert dice(empty, empty) == 1.0


def test_dice_is_twice_the_overlap_over_the_sum() -> None:
    truth = np.array([[True, True, False, False]])
    predicted = np.array([[True, False, True, False]])

    assert dice(truth, predicted) == pytest.approx(0.5)
    assert dice(truth, ~truth) == 0.0


def test_ignored_pixels_take_no_part() -> None:
    truth = np.array([[1, 1, 255, 0]], dtype=np.uint8)
    predicted = np.array([[1, 1, 1, 0]], dtype=np.uint8)

    assert dice_of_class(truth, predicted, 1) == 1.0

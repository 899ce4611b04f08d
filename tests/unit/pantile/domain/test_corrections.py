"""What a correction changed is counted pixel by pixel, and class by class."""

import numpy as np
import pytest

from pantile.domain.corrections import measure_effort
from pantile.domain.errors import GroundTruthRefused

NAMES = {0: "glass", 1: "tumor", 2: "stroma"}


def test_pixels_are_counted_before_after_and_in_both() -> None:
    before = np.array([[0, 1, 1, 1], [0, 0, 1, 1]], dtype=np.uint8)
    after = np.array([[0, 1, 1, 2], [0, 1, 1, 1]], dtype=np.uint8)

    effort = measure_effort(before, after, NAMES)

    assert (effort.pixels, effort.changed) == (8, 2)
    told = [(each.name, each.before, each.after, each.kept, each.changed) for each in effort.classes]
    assert told == [("glass", 3, 2, 2, 1 / 3), ("tumor", 5, 5, 4, 2 / 6), ("stroma", 0, 1, 0, 1.0)]


def test_what_was_left_as_it_was_took_nothing() -> None:
    same = np.full((3, 4), 200, dtype=np.uint8)

    effort = measure_effort(same, same, NAMES)

    assert (effort.changed, [(each.name, each.changed) for each in effort.classes]) == (0, [("200", 0.0)])


def test_maps_of_different_sizes_are_refused() -> None:
    with pytest.raises(GroundTruthRefused, match="different sizes, 4 x 3 and 5 x 3 px"):
        measure_effort(np.zeros((3, 4), np.uint8), np.zeros((3, 5), np.uint8), NAMES)

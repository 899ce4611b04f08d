"""Smaller levels of a class map hold classes that are there, the most frequent first."""

from collections import Counter

import numpy as np
import pytest

from pantile.domain.deep_zoom import level_size
from pantile.domain.map_pyramids import halve, map_levels


@pytest.mark.parametrize("shape", [(8, 8), (7, 5), (1, 9), (1, 1)])
def test_each_pixel_is_a_most_frequent_class_of_its_four(shape: tuple[int, int]) -> None:
    class_map = np.random.default_rng(1).integers(0, 4, shape, dtype=np.uint8)

    halved = halve(class_map)

    even = np.pad(class_map, ((0, shape[0] % 2), (0, shape[1] % 2)), mode="edge")
    assert halved.shape == (-(-shape[0] // 2), -(-shape[1] // 2))
    assert halved.dtype == np.uint8
    for (row, column), chosen in np.ndenumerate(halved):
        counts = Counter(even[2 * row : 2 * row + 2, 2 * column : 2 * column + 2].ravel().tolist())
        assert counts[int(chosen)] == max(counts.values())


def test_levels_are_those_of_deep_zoom() -> None:
    class_map = np.random.default_rng(2).integers(0, 3, (37, 90), dtype=np.uint8)

    levels = map_levels(class_map)

    assert [(level.shape[1], level.shape[0]) for level in levels] == [level_size(90, 37, n) for n in range(8)]
    assert levels[-1] is class_map
    assert {int(value) for level in levels for value in np.unique(level)} <= {0, 1, 2}

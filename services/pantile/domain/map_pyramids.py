"""Class maps as levels for the viewer: each pixel of a smaller level has a class that is really there."""

import numpy as np

from pantile.domain.class_maps import ClassMap
from pantile.domain.deep_zoom import count_levels


def map_levels(class_map: ClassMap) -> tuple[ClassMap, ...]:
    """A class map at every level, the smallest (one pixel) first, the map itself last; numbered as in deep zoom."""
    levels = [class_map]
    for _ in range(count_levels(class_map.shape[1], class_map.shape[0]) - 1):
        levels.append(halve(levels[-1]))
    return tuple(reversed(levels))


def halve(class_map: ClassMap) -> ClassMap:
    """The class map at half its size, rounded up: the most frequent class of each two by two pixels.

    Of two classes that are equally frequent the upper left pixel's is taken, or where it is alone, that of the two
    that agree.
    """
    height, width = class_map.shape
    even = np.pad(class_map, ((0, height % 2), (0, width % 2)), mode="edge")
    first, second, third, fourth = (even[row::2, column::2] for row in (0, 1) for column in (0, 1))
    has_company = (first == second) | (first == third) | (first == fourth)
    others = np.where((second == third) | (second == fourth), second, np.where(third == fourth, third, first))
    halved: ClassMap = np.where(has_company, first, others)
    return halved

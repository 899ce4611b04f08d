"""ROIs that are poison to the network, told by the colour of their first pixel."""

from enum import StrEnum


class Poison(StrEnum):
    """What segmenting such an ROI does to the worker."""

    CRASHES = "crashes"
    DEVOURS_MEMORY = "devours memory"
    HANGS = "hangs"


COLOURS: dict[tuple[int, int, int], Poison] = {
    (1, 2, 3): Poison.CRASHES,
    (4, 5, 6): Poison.DEVOURS_MEMORY,
    (7, 8, 9): Poison.HANGS,
}

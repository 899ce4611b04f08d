"""What orders the readers' review: how sure a segmenter is of a class map, and how far segmenters differ on an ROI.

Both are taken over tissue only, which is every class but those of the group background: on glass all are sure and of
one mind, and an ROI with much of it would hide what they make of the rest.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations
from statistics import fmean

import numpy as np
from numpy.typing import NDArray

from pantile.domain.class_maps import ClassGroup, ClassMap, ClassScheme, at_pixels, remap

ConfidenceMap = NDArray[np.uint8]
"""(height, width) uint8, a network's top probability at each pixel of the class map; 255 for a certainty."""

_CERTAIN = 255
_OTHER, _TUMOR, _STROMA, _BACKGROUND = range(4)
_COMMON = {
    ClassGroup.TUMOR: _TUMOR,
    ClassGroup.TUMOR_STROMA: _STROMA,
    ClassGroup.BACKGROUND: _BACKGROUND,
}


class ReviewOrder(StrEnum):
    """Which ROIs are reviewed first: those on which segmenters differ most, or are least sure."""

    DISAGREEMENT = "disagreement"
    CONFIDENCE = "confidence"


class Comparison(StrEnum):
    """Where the comparison of an ROI's class maps stands."""

    KNOWN = "known"
    COMPARING = "comparing"
    FAILED = "failed"
    NOT_ASKED = "not_asked"
    SEGMENTING = "segmenting"
    TOO_FEW = "too_few"


def mean_confidence(confidence: ConfidenceMap, class_map: ClassMap, scheme: ClassScheme) -> float:
    """The mean top probability, 0 to 1, over the tissue of a class map, or over all of it where there is no tissue.

    The top probability is the baseline of Hendrycks and Gimpel, ICLR 2017, for telling right predictions from wrong.
    """
    tissue = remap(class_map, _targets(scheme)) != _BACKGROUND
    return float(np.mean(confidence[tissue] if tissue.any() else confidence)) / _CERTAIN


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Opinion:
    """One segmenter's class map of an ROI, its scheme, its mpp, and its extent (width, height) in pixels of the ROI."""

    class_map: ClassMap
    scheme: ClassScheme
    map_mpp: float
    extent_px: tuple[float, float]


def disagreement(opinions: Sequence[Opinion]) -> float:
    """How likely two of the segmenters, picked at random, differ at a random place of an ROI's tissue: 0 to 1.

    Classes are compared as tumor, tumor stroma and anything else, which all segmenters know; tissue is where at least
    one sees some, and where there is none the answer is 0. Class maps are looked up at the pixel centres of the
    coarsest one. This is one minus the observed agreement of Fleiss (Psychological Bulletin 1971), and the average of
    the pairwise disagreement of Kuncheva and Whitaker (Machine Learning 2003); unlike vote entropy it means the same
    for two segmenters as for five.

    Raises:
        ValueError: there are fewer than two class maps.
    """
    if len(opinions) < 2:
        raise ValueError("fewer than two class maps cannot be compared")
    grid = max(opinions, key=lambda opinion: opinion.map_mpp)
    votes = [_vote(opinion, grid) for opinion in opinions]
    tissue = np.any([vote != _BACKGROUND for vote in votes], axis=0)
    if not tissue.any():
        return 0.0
    seen = [remap(vote[tissue], {_BACKGROUND: _OTHER}) for vote in votes]
    return fmean(float(np.mean(one != other)) for one, other in combinations(seen, 2))


def _vote(opinion: Opinion, grid: Opinion) -> ClassMap:
    """The class map in the common scheme, at the pixels of another one."""
    height, width = grid.class_map.shape
    extent_px = (opinion.extent_px[0] * width / grid.extent_px[0], opinion.extent_px[1] * height / grid.extent_px[1])
    found = at_pixels(opinion.class_map, height_px=height, width_px=width, extent_px=extent_px)
    return remap(found, _targets(opinion.scheme))


def _targets(scheme: ClassScheme) -> dict[int, int]:
    return {tissue.index: _COMMON.get(tissue.group, _OTHER) for tissue in scheme.classes}

"""A class map against ground truth: Dice under each protocol, and how far apart the outlines are."""

from collections.abc import Mapping
from dataclasses import dataclass

from pantile.analysis.surfaces import SurfaceFigures, compare_surfaces
from pantile.domain.class_maps import ClassMap, at_pixels, remap
from pantile.domain.dice import FOREGROUND, IGNORED, DiceFigures, DiceProtocol, Target, compare_pairs, count_pairs


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PlacedMap:
    """A class map, and the width and height that it covers, in pixels of the ROI's image."""

    class_map: ClassMap
    extent_px: tuple[float, float]

    def in_pixels_of(self, other: "PlacedMap") -> tuple[float, float]:
        """The width and height that it covers, in pixels of another class map of the same ROI."""
        height, width = other.class_map.shape
        return self.extent_px[0] * width / other.extent_px[0], self.extent_px[1] * height / other.extent_px[1]

    def pixel_um(self, roi_mpp: float) -> tuple[float, float]:
        """The width and height of one of its pixels in microns."""
        height, width = self.class_map.shape
        return self.extent_px[0] * roi_mpp / width, self.extent_px[1] * roi_mpp / height


@dataclass(frozen=True, slots=True, kw_only=True)
class Remaps:
    """The target of each index of the truth and of the prediction."""

    truth: Mapping[int, int]
    predicted: Mapping[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """The figures under one protocol; `pixel_mm2` is the area of a pixel that was counted."""

    figures: DiceFigures
    surfaces: Mapping[Target, SurfaceFigures]
    pixel_mm2: float


def evaluate(
    truth: PlacedMap, predicted: PlacedMap, remaps: Mapping[DiceProtocol, Remaps], *, roi_mpp: float
) -> dict[DiceProtocol, Evaluation]:
    """A class map evaluated under each protocol that has remaps.

    Dice is counted at the pixels of the truth, as the study does it. Outlines are compared at those of the prediction,
    which tells nothing finer, and over all that the truth knows: an outline that is cut off where a protocol stops
    counting would be none.
    """
    counts = count_pairs(truth.class_map, predicted.class_map, extent_px=predicted.in_pixels_of(truth))
    height_px, width_px = predicted.class_map.shape
    looked_up = at_pixels(
        truth.class_map, height_px=height_px, width_px=width_px, extent_px=truth.in_pixels_of(predicted)
    )
    pixel_um = truth.pixel_um(roi_mpp)
    return {
        protocol: Evaluation(
            figures=compare_pairs(counts, protocol, truth=own.truth, predicted=own.predicted),
            surfaces=_surfaces(looked_up, predicted.class_map, own, predicted.pixel_um(roi_mpp)),
            pixel_mm2=pixel_um[0] * pixel_um[1] / 1e6,
        )
        for protocol, own in remaps.items()
    }


def _surfaces(
    truth: ClassMap, predicted: ClassMap, remaps: Remaps, pixel_um: tuple[float, float]
) -> dict[Target, SurfaceFigures]:
    true_targets, predicted_targets = _to_targets(truth, remaps.truth), _to_targets(predicted, remaps.predicted)
    known = true_targets != IGNORED
    return {
        target: compare_surfaces(true_targets == target, (predicted_targets == target) & known, pixel_um=pixel_um)
        for target in FOREGROUND
    }


def _to_targets(class_map: ClassMap, targets: Mapping[int, int]) -> ClassMap:
    return remap(class_map, dict.fromkeys(range(IGNORED + 1), int(Target.BACKGROUND)) | dict(targets))

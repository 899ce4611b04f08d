"""How far apart the outlines of two masks are, in microns: the 95th percentile Hausdorff distance and surface Dice."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from pantile.domain.class_maps import Mask

TOLERANCE_UM = 10.0
"""How far apart outlines may be and still be taken for the same: about the diameter of a nucleus."""

_PERCENTILE = 95


@dataclass(frozen=True, slots=True, kw_only=True)
class SurfaceFigures:
    """The outlines of two masks compared.

    `hausdorff_95_um` is the larger of the two directed distances at the 95th percentile (Huttenlocher et al., IEEE PAMI
    1993, made robust); None where only one mask has an outline, 0 where neither has. `surface_dice` is the share of
    both outlines that lies within `tolerance_um` of the other (Nikolov et al., JMIR 2021), counted in pixels.
    """

    hausdorff_95_um: float | None
    surface_dice: float
    tolerance_um: float


def compare_surfaces(
    truth: Mask, predicted: Mask, *, pixel_um: tuple[float, float], tolerance_um: float = TOLERANCE_UM
) -> SurfaceFigures:
    """The outlines of two masks of one shape, of pixels `pixel_um` (width, height) microns large, compared.

    A mask's outline are its pixels that have a neighbour, above, below, left or right, outside of it; what lies beyond
    the border of the image is outside.
    """
    true_outline, predicted_outline = _outline(truth, pixel_um), _outline(predicted, pixel_um)
    if not len(true_outline) or not len(predicted_outline):
        is_same = len(true_outline) == len(predicted_outline)
        return SurfaceFigures(
            hausdorff_95_um=0.0 if is_same else None, surface_dice=float(is_same), tolerance_um=tolerance_um
        )
    there, back = _distances(true_outline, predicted_outline), _distances(predicted_outline, true_outline)
    near = int((there <= tolerance_um).sum()) + int((back <= tolerance_um).sum())
    return SurfaceFigures(
        hausdorff_95_um=max(float(np.percentile(each, _PERCENTILE)) for each in (there, back)),
        surface_dice=near / (len(there) + len(back)),
        tolerance_um=tolerance_um,
    )


def _outline(mask: Mask, pixel_um: tuple[float, float]) -> NDArray[np.float64]:
    """(pixels, 2) x and y of the outline in microns."""
    padded = np.pad(mask, 1)
    inner = padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
    rows, columns = np.nonzero(mask & ~inner)
    return np.column_stack([columns * pixel_um[0], rows * pixel_um[1]])


def _distances(outline: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    """(pixels,) the distance from each point of an outline to the nearest of another, in microns."""
    # The same numbers as by a distance transform of the whole image, in a quarter of the time and without its memory;
    # an unbalanced tree is built faster, and points on a grid give it no trouble.
    nearest = cKDTree(other, balanced_tree=False, compact_nodes=False).query(outline)[0]
    return np.asarray(nearest, dtype=np.float64)

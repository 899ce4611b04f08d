"""Outlines compared in microns, against distance transforms of whole masks and by hand."""

import numpy as np
import pytest
from scipy import ndimage

from pantile.analysis.surfaces import compare_surfaces
from pantile.domain.class_maps import Mask


def _square(*, size: int = 30, start: int, side: int) -> Mask:
    mask = np.zeros((size, size), dtype=bool)
    mask[start : start + side, start : start + side] = True
    return mask


def test_equal_masks_have_no_distance() -> None:
    mask = _square(start=5, side=10)

    figures = compare_surfaces(mask, mask, pixel_um=(1.0, 1.0))

    assert (figures.hausdorff_95_um, figures.surface_dice) == (0.0, 1.0)


def test_a_shift_is_measured_in_microns_along_each_side() -> None:
    mask = np.zeros((20, 60), dtype=bool)
    mask[:, 20:40] = True
    shifted = np.roll(mask, 4, axis=1)

    figures = compare_surfaces(mask, shifted, pixel_um=(0.5, 10.0), tolerance_um=1.9)

    assert figures.hausdorff_95_um == pytest.approx(2.0)
    assert figures.surface_dice < 1.0
    assert compare_surfaces(mask, shifted, pixel_um=(0.5, 10.0), tolerance_um=2.0).surface_dice == 1.0


@pytest.mark.parametrize(("truth", "predicted"), [(False, True), (True, False)])
def test_where_one_has_no_outline_there_is_no_distance(truth: bool, predicted: bool) -> None:
    mask = _square(start=5, side=10)

    figures = compare_surfaces(mask & truth, mask & predicted, pixel_um=(1.0, 1.0))

    assert (figures.hausdorff_95_um, figures.surface_dice) == (None, 0.0)


def test_two_empty_masks_agree() -> None:
    empty = np.zeros((5, 5), dtype=bool)

    figures = compare_surfaces(empty, empty, pixel_um=(1.0, 1.0))

    assert (figures.hausdorff_95_um, figures.surface_dice) == (0.0, 1.0)


@pytest.mark.parametrize("seed", range(5))
def test_the_figures_are_those_of_distance_transforms(seed: int) -> None:
    rng = np.random.default_rng(seed)
    truth, predicted = (ndimage.gaussian_filter(rng.normal(size=(90, 120)), 4) > 0 for _ in range(2))
    outlines = [mask & ~ndimage.binary_erosion(mask) for mask in (truth, predicted)]
    there, back = (
        ndimage.distance_transform_edt(~other, sampling=(2.0, 1.5))[own] for own, other in (outlines, outlines[::-1])
    )

    figures = compare_surfaces(truth, predicted, pixel_um=(1.5, 2.0), tolerance_um=6.0)

    assert figures.hausdorff_95_um == pytest.approx(max(np.percentile(there, 95), np.percentile(back, 95)))
    near = (there <= 6.0).sum() + (back <= 6.0).sum()
    assert figures.surface_dice == pytest.approx(near / (len(there) + len(back)))

from colorsys import rgb_to_hsv
from functools import cache

import numpy as np
import pytest
from PIL import Image

from pantile.domain.class_maps import ClassGroup
from pantile.local.tissue import DEMO_SCHEME, Morphology, Region, generate_region
from pantile.local.tissue_fields import signed_distance

BACKGROUND, TUMOR, STROMA = 0, 1, 2


@cache
def region(morphology: Morphology, seed: int = 1) -> Region:
    return generate_region(morphology, seed=seed, width_px=420, height_px=360, mpp=1.0)


@pytest.mark.parametrize("morphology", Morphology)
def test_the_same_seed_gives_the_same_pixels(morphology: Morphology) -> None:
    again = generate_region(morphology, seed=1, width_px=420, height_px=360, mpp=1.0)

    np.testing.assert_array_equal(again.image, region(morphology).image)
    np.testing.assert_array_equal(again.class_map, region(morphology).class_map)


@pytest.mark.parametrize("morphology", Morphology)
def test_another_seed_gives_another_region(morphology: Morphology) -> None:
    other = region(morphology, seed=2)

    assert np.mean(other.image != region(morphology).image) > 0.5
    assert np.mean(other.class_map != region(morphology).class_map) > 0.1


def test_the_morphologies_of_one_seed_differ() -> None:
    glandular, nested, clear_cell = (region(morphology).class_map for morphology in Morphology)

    assert np.mean(glandular != nested) > 0.1
    assert np.mean(nested != clear_cell) > 0.1


@pytest.mark.parametrize(("width_px", "height_px", "mpp"), [(333, 217, 0.25), (97, 101, 0.7), (64, 64, 2.0)])
def test_image_and_class_map_have_the_size_asked_for(width_px: int, height_px: int, mpp: float) -> None:
    small = generate_region(Morphology.NESTED, seed=3, width_px=width_px, height_px=height_px, mpp=mpp)

    assert small.image.shape == (height_px, width_px, 3)
    assert small.class_map.shape == (height_px, width_px)
    assert small.image.dtype == small.class_map.dtype == np.uint8


@pytest.mark.parametrize("morphology", Morphology)
def test_another_mpp_of_one_extent_shows_the_same_tissue(morphology: Morphology) -> None:
    fine = generate_region(morphology, seed=1, width_px=4 * 420, height_px=4 * 360, mpp=0.25)
    coarse = region(morphology)

    shrunk = np.asarray(Image.fromarray(fine.class_map).resize((420, 360), Image.Resampling.NEAREST))
    averaged = np.asarray(Image.fromarray(fine.image).reduce(4)).astype(float)
    assert np.mean(shrunk == coarse.class_map) > 0.99
    # Nuclei are drawn afresh at each mpp, within half a pixel of their places and a little differently.
    assert np.abs(averaged - coarse.image).mean() < 15
    np.testing.assert_allclose(averaged.mean((0, 1)), coarse.image.mean((0, 1)), atol=4)


@pytest.mark.parametrize("morphology", Morphology)
def test_every_class_is_in_the_scheme_and_tumor_and_stroma_are_there(morphology: Morphology) -> None:
    shares = np.bincount(region(morphology).class_map.ravel(), minlength=len(DEMO_SCHEME)) / (420 * 360)

    assert len(shares) == len(DEMO_SCHEME)
    assert shares[TUMOR] > 0.05
    assert shares[STROMA] > 0.05


@pytest.mark.parametrize("morphology", Morphology)
def test_tissue_is_pink_to_purple(morphology: Morphology) -> None:
    drawn = region(morphology)

    tissue = drawn.image[np.isin(drawn.class_map, (TUMOR, STROMA))].mean(axis=0) / 255
    hue, saturation, value = rgb_to_hsv(*tissue)
    assert 0.74 < hue < 0.95
    assert saturation > 0.15
    assert 0.5 < value < 0.95


@pytest.mark.parametrize("morphology", Morphology)
def test_background_is_white_inside_and_tissue_is_not(morphology: Morphology) -> None:
    background, tissue = [], []
    for seed in (1, 2):
        drawn = region(morphology, seed)
        inside = signed_distance(drawn.class_map == BACKGROUND, 8) > 4
        background.append(drawn.image[inside])
        tissue.append(drawn.image[drawn.class_map == TUMOR])

    assert np.percentile(np.concatenate(background), 5) > 225
    assert np.concatenate(tissue).mean() < 200


@pytest.mark.parametrize("morphology", Morphology)
def test_nuclei_are_darker_in_red_than_the_stroma_around_them(morphology: Morphology) -> None:
    fine = generate_region(morphology, seed=1, width_px=800, height_px=800, mpp=0.25)

    red = fine.image[fine.class_map != BACKGROUND][:, 0]
    assert np.percentile(red, 2) < 120
    assert np.percentile(red, 60) > 170


def test_the_scheme_has_the_groups_that_a_tumor_stroma_ratio_needs() -> None:
    assert DEMO_SCHEME.indices_of(ClassGroup.TUMOR) == [TUMOR]
    assert DEMO_SCHEME.indices_of(ClassGroup.TUMOR_STROMA) == [STROMA]
    assert DEMO_SCHEME.indices_of(ClassGroup.BACKGROUND) == [BACKGROUND]


def test_signed_distance_counts_cells_to_the_border() -> None:
    mask = np.zeros((9, 9), dtype=bool)
    mask[:, 4:] = True

    distance = signed_distance(mask, 3)

    np.testing.assert_allclose(distance[4], [-3 + 0.5, -2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 2.5, 2.5])

"""How far a slide's pyramid goes."""

import pytest

from pantile_workers.imaging.slide_pyramids import choose_downsample


@pytest.mark.parametrize(
    ("slide_mpp", "downsample"), [(0.11, 4), (0.2325, 2), (0.25, 2), (0.2525, 2), (0.31, 1), (0.499, 1), (1.0, 1)]
)
def test_a_pyramid_ends_at_about_half_a_micron(slide_mpp: float, downsample: int) -> None:
    assert choose_downsample(40_000, 30_000, slide_mpp=slide_mpp) == downsample


def test_a_slide_with_too_many_tiles_has_a_coarser_pyramid() -> None:
    assert choose_downsample(160_000, 120_000, slide_mpp=0.25) == 2
    assert choose_downsample(320_000, 240_000, slide_mpp=0.25) == 4

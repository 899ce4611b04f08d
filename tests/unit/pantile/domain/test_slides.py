"""Two rectangles are placed where the tissue is."""

import numpy as np
import pytest

from pantile.domain.slides import Rectangle, find_tissue, guess_rectangles, otsu_threshold, parse_place, roi_size_px

PINK = (220, 130, 190)


def slide_with(*places: tuple[slice, slice], height: int = 120, width: int = 200) -> np.ndarray:
    """An overview of glass, a little noisy, with pink tissue at the places."""
    glass = np.random.default_rng(0).integers(238, 246, size=(height, width, 1), dtype=np.uint8).repeat(3, axis=2)
    for place in places:
        glass[place] = PINK
    return glass


def test_tissue_is_what_is_saturated() -> None:
    place = (slice(20, 60), slice(30, 90))

    tissue = find_tissue(slide_with(place))

    expected = np.zeros((120, 200), dtype=bool)
    expected[place] = True
    assert np.array_equal(tissue, expected)


def test_glass_alone_has_no_tissue_and_no_rectangle() -> None:
    tissue = find_tissue(slide_with())

    assert not tissue.any()
    assert guess_rectangles(tissue, width_px=20_000, height_px=12_000, size_px=(5000, 4000)) == []


def test_rectangles_cover_the_two_pieces_of_tissue_and_do_not_overlap() -> None:
    tissue = find_tissue(slide_with((slice(10, 50), slice(10, 60)), (slice(60, 100), slice(130, 170))))

    first, second = guess_rectangles(tissue, width_px=20_000, height_px=12_000, size_px=(5000, 4000))

    assert first == Rectangle(left_px=1000, top_px=1000, width_px=5000, height_px=4000)
    assert (second.left_px <= 13_000, second.left_px + 5000 >= 17_000) == (True, True)
    assert not first.overlaps(second)


def test_a_rectangle_larger_than_the_slide_starts_at_its_corner() -> None:
    tissue = np.ones((10, 10), dtype=bool)

    (only,) = guess_rectangles(tissue, width_px=1000, height_px=1000, size_px=(5000, 4000))

    assert (only.left_px, only.top_px) == (0, 0)


def test_otsu_splits_two_heaps_between_them() -> None:
    values = np.array([10] * 50 + [12] * 50 + [200] * 30)

    assert 12 <= otsu_threshold(np.bincount(values, minlength=256)) < 200


def test_the_studys_size_follows_the_resolution() -> None:
    assert (roi_size_px(0.25), roi_size_px(0.5)) == ((12_500, 10_000), (6250, 5000))


def test_a_rectangle_without_area_is_refused() -> None:
    with pytest.raises(ValueError, match="has no area"):
        Rectangle(left_px=0, top_px=0, width_px=0, height_px=5)


@pytest.mark.parametrize("source", ["slide://7/0,0,9,8", "slide://7/-1,2,9,8,lossless", "slide://7/0,0,9,8,whole"])
def test_a_place_is_read_back_from_its_source(source: str) -> None:
    place = parse_place(source)

    assert str(place) == source
    assert place is not None
    assert (place.is_lossless, place.is_whole) == (source.endswith("lossless"), source.endswith("whole"))

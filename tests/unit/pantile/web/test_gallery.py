"""What the gallery paints and tells, without servers."""

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from pantile.cards import load_shipped_cards
from pantile.domain.class_maps import ClassGroup
from pantile.domain.deep_zoom import TileGrid, level_size
from pantile.domain.legends import LegendPalette, colours_of
from pantile.domain.segmenters import card_document
from pantile.web.gallery import common_legend, scale_bar, shown_result
from pantile.web.gallery_pictures import PictureSize, colour_map, level_of

CARD = load_shipped_cards()["lung"]


@pytest.mark.parametrize("palette", LegendPalette)
def test_a_class_map_is_painted_in_its_palette_and_clear_where_there_is_background(palette: LegendPalette) -> None:
    class_map = np.arange(len(CARD.scheme), dtype=np.uint8)[np.newaxis]

    with Image.open(BytesIO(colour_map(class_map, CARD.scheme, palette))) as picture:
        painted = np.asarray(picture.convert("RGBA"))[0]

    for tissue, pixel, colour in zip(CARD.scheme.classes, painted, colours_of(CARD.scheme, palette), strict=True):
        assert (pixel[3] == 0) == (colour is None) == (tissue.group is ClassGroup.BACKGROUND)
        assert colour is None or tuple(pixel[:3]) == colour


@pytest.mark.parametrize(("width_px", "height_px"), [(12_500, 10_000), (1200, 900), (300, 225), (1, 1)])
def test_pictures_are_large_enough_and_less_than_twice_that(width_px: int, height_px: int) -> None:
    grid = TileGrid(width_px=width_px, height_px=height_px, tile_px=510, overlap_px=1)

    for size in PictureSize:
        longer_px = max(level_size(width_px, height_px, level_of(grid, size.least_px)))
        assert longer_px == max(width_px, height_px) or size.least_px <= longer_px < 2 * size.least_px


@pytest.mark.parametrize(
    ("width_px", "mpp", "label", "px"),
    [(12_500, 0.25, "500 µm", 2000), (20_000, 0.5, "2 mm", 4000), (1200, 0.25, "50 µm", 200), (10, 0.25, "1 µm", 4)],
)
def test_a_scale_bar_has_a_round_length(width_px: int, mpp: float, label: str, px: float) -> None:
    assert scale_bar(width_px, mpp) == {"label": label, "px": px}


def test_a_legend_names_each_class_that_occurs_once_the_largest_first() -> None:
    pixels = [0] * len(CARD.scheme)
    pixels[1], pixels[2] = 10, 30
    row = {"card": card_document(CARD), "class_pixels": pixels, "map_mpp": 1.0, "job_id": 1}
    results = [shown_result(row, LegendPalette.DETAILED), shown_result(row, LegendPalette.DETAILED)]

    legend = common_legend(results)

    second, first = CARD.scheme.classes[1:3]
    assert legend == [(each.name, "#{:02x}{:02x}{:02x}".format(*each.detailed_rgb)) for each in (first, second)]
    assert [line.label for line in results[0].named] == [first.name, second.name]
    by_group = common_legend([shown_result(row, LegendPalette.ACCESSIBLE)])
    assert [label for label, _ in by_group] == ["Tumor stroma", "Tumor"]

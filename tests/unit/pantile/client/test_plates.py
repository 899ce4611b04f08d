"""Plates as they are drawn: letters of any name, pairs that belong together, a legend that fits."""

import numpy as np
import pytest
from PIL import Image

from pantile.cards import load_shipped_cards
from pantile.client.plates import Example, ExampleRow, draw_plate, make_legend, panel_px
from pantile.domain.class_maps import PaletteName
from pantile.schemas.segmenters import ClassOut

RED, GREEN = (200, 0, 0), (0, 160, 0)


def _example(size_px: tuple[int, int], caption: str = "TCGA-OV, lung, score 8\nTCGA-13-0924_tumor") -> Example:
    return Example(
        image=Image.new("RGB", size_px, RED), overlay=Image.new("RGB", size_px, GREEN), caption=caption, pixel_um=0.5
    )


def _plate(*examples: Example) -> np.ndarray:
    row = ExampleRow(title="Score 8", examples=examples)
    return np.asarray(draw_plate("ovary", [row], examples_a_row=2, legend={"tumor": [(0, 0, 255)]}, note="seed 0"))


def _columns(plate: np.ndarray, colour: tuple[int, int, int]) -> np.ndarray:
    return np.flatnonzero((plate == colour).all(axis=2).sum(axis=0) > 50)


@pytest.mark.parametrize("shape", [1.0, 0.5])
def test_an_overlay_is_nearer_to_its_image_than_to_the_next(shape: float) -> None:
    width, height = panel_px(2)
    size_px = min(width, round(height * shape)), height

    plate = _plate(_example(size_px), _example(size_px))

    images, overlays = _columns(plate, RED), _columns(plate, GREEN)
    assert len(images) == len(overlays) == 2 * size_px[0]
    assert overlays[0] - images[size_px[0] - 1] < images[size_px[0]] - overlays[size_px[0] - 1]


@pytest.mark.parametrize("letters", ["ü", "µ", "é", "ł", "α", "ж"])
def test_letters_of_any_name_are_drawn(letters: str) -> None:
    drawn, box = (_plate(_example((60, 40), caption=f"x\n{text}")) for text in (letters, "\U000f0000"))

    assert not np.array_equal(drawn, box)


@pytest.mark.parametrize("palette", list(PaletteName))
def test_the_legend_of_all_shipped_segmenters_fits_the_plate(palette: PaletteName) -> None:
    classes = [
        ClassOut(
            index=each.index,
            name=each.name,
            group=each.group,
            simplified_rgb=each.simplified_rgb,
            detailed_rgb=each.detailed_rgb,
        )
        for card in load_shipped_cards().values()
        for each in card.scheme.classes
    ]

    legend = make_legend(classes, palette)

    assert legend["tumor stroma"] == [(255, 165, 0)]
    rows = [ExampleRow(title="Score 8", examples=[_example((60, 40))])]
    plate = np.asarray(draw_plate("all", rows, examples_a_row=2, legend=legend, note=""))
    colours = {colour for found in legend.values() for colour in found}
    assert all((plate == colour).all(axis=2).any() for colour in colours)
    assert (plate[-90:, -20:] == 255).all()


def test_a_caption_that_is_too_long_keeps_both_ends() -> None:
    plain, long = (_plate(_example((60, 40), caption=text)) for text in ("cohort, 8", f"cohort{'o' * 400}, 8"))

    assert plain.shape == long.shape
    below = slice(panel_px(2)[1] + 150, panel_px(2)[1] + 190)
    middle = 24 + 2 * panel_px(2)[0] + 16
    assert (long[below, middle + 8 : middle + 50] == 255).all()
    assert (long[below, middle - 60 : middle] != 255).any()

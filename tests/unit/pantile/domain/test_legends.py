"""The harmonised legend covers every group, and its colours can be told apart by everybody (check 47)."""

import json
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from pantile.cards import load_shipped_cards
from pantile.domain.class_maps import ClassGroup
from pantile.domain.legends import LEGEND, LegendPalette, legend_indices

Colour = NDArray[np.float64]

OPACITY = 0.45
LEAST_DIFFERENCE = 8.0

TISSUE = {"eosin": (226, 164, 196), "haematoxylin": (86, 64, 130), "glass": (255, 255, 255)}
"""Typical colours, sRGB, of what lies under the mask."""

# Machado, Oliveira and Fernandes 2009 (doi 10.1109/TVCG.2009.113), severity 1.0, on linear RGB.
VISIONS = {
    "normal": np.eye(3),
    "protan": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deutan": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "tritan": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}

_TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)
_D65 = np.array([0.95047, 1.0, 1.08883])


def _linear(colour: Colour) -> Colour:
    part = colour / 255
    return np.where(part <= 0.04045, part / 12.92, ((part + 0.055) / 1.055) ** 2.4)


def _lab(linear: Colour) -> Colour:
    part = (_TO_XYZ @ np.clip(linear, 0, 1)) / _D65
    x, y, z = np.where(part > (6 / 29) ** 3, np.cbrt(part), part / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("vision", VISIONS)
@pytest.mark.parametrize("under", TISSUE)
def test_classes_differ_from_each_other_and_from_bare_tissue_for_every_vision(vision: str, under: str) -> None:
    """Check 47: CIE 1976 colour difference of at least 8 at 45 % opacity."""
    tissue = np.array(TISSUE[under], dtype=np.float64)
    seen = {
        entry.label: _lab(
            VISIONS[vision]
            @ _linear(OPACITY * np.array(entry.colours[LegendPalette.ACCESSIBLE]) + (1 - OPACITY) * tissue)
        )
        for entry in LEGEND
        if entry.colours
    } | {"bare tissue": _lab(VISIONS[vision] @ _linear(tissue))}

    differences = {pair: float(np.linalg.norm(seen[pair[0]] - seen[pair[1]])) for pair in combinations(seen, 2)}

    assert min(differences.values()) >= LEAST_DIFFERENCE, min(differences.items(), key=lambda each: each[1])


def test_every_group_has_one_entry_and_a_letter_of_its_own() -> None:
    """Check 47: a letter tells classes apart without colour."""
    assert {entry.group for entry in LEGEND} == set(ClassGroup)
    assert [entry.index for entry in LEGEND] == list(range(len(ClassGroup)))
    assert len({entry.letter for entry in LEGEND}) == len(LEGEND)
    assert [entry.group for entry in LEGEND if not entry.colours] == [ClassGroup.BACKGROUND]


def test_the_studys_palettes_are_those_of_most_of_its_classes() -> None:
    for entry in LEGEND:
        classes = [
            each for card in load_shipped_cards().values() for each in card.scheme.classes if each.group is entry.group
        ]
        if entry.group is ClassGroup.BACKGROUND:
            continue
        for palette, own in (
            (LegendPalette.SIMPLIFIED, [each.simplified_rgb for each in classes]),
            (LegendPalette.DETAILED, [each.detailed_rgb for each in classes]),
        ):
            assert own.count(entry.colours[palette]) == max(own.count(colour) for colour in own), entry.label


def test_the_studys_colours_are_those_of_its_reference(shared: Path) -> None:
    reference = json.loads((shared / "reference" / "segmenters.json").read_text())
    classes = [each for segmenter in reference["segmenters"].values() for each in segmenter["classes"]]
    known = {
        LegendPalette(palette): {tuple(each[f"{palette}_rgb"]) for each in classes}
        for palette in ("simplified", "detailed")
    }

    for entry in LEGEND:
        assert all(entry.colours[palette] in known[palette] for palette in known if entry.colours), entry.label
    assert LEGEND[2].colours[LegendPalette.SIMPLIFIED] == (0xFF, 0xA5, 0x00)
    assert LEGEND[8].colours[LegendPalette.SIMPLIFIED] == (0x80, 0x80, 0x80)


def test_class_indices_become_those_of_the_legend() -> None:
    table = legend_indices([ClassGroup.OTHER, ClassGroup.TUMOR, ClassGroup.BACKGROUND, ClassGroup.OTHER])

    assert table[:5].tolist() == [8, 1, 0, 8, 0]
    assert (table.shape, int(table[255])) == ((256,), 0)
    assert table.dtype == np.uint8

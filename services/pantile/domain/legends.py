"""The harmonised legend: one list of classes for all segmenters, and the colours that it can be shown in.

A segmenter's own classes, their number and their names would give it away to a rater who is to be blinded. So what the
viewer gets are class maps in these indices, whatever the segmenter calls its classes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from pantile.domain.class_maps import ClassGroup, ClassScheme, PaletteName, Rgb


class LegendPalette(StrEnum):
    """The ways to colour a legend: for every kind of colour vision, and the study's two."""

    ACCESSIBLE = "accessible"
    SIMPLIFIED = "simplified"
    DETAILED = "detailed"


@dataclass(frozen=True, slots=True, kw_only=True)
class LegendEntry:
    """One class of the harmonised legend; transparent where it has no colours, and told by its letter without them."""

    index: int
    group: ClassGroup
    label: str
    letter: str
    colours: Mapping[LegendPalette, Rgb]


_GREY = (128, 128, 128)
_BLUE = (0, 0, 255)


def _entry(group: ClassGroup, label: str, letter: str, *colours: Rgb) -> LegendEntry:
    index = list(_ORDER).index(group)
    named = dict(zip(LegendPalette, colours, strict=True)) if colours else {}
    return LegendEntry(index=index, group=group, label=label, letter=letter, colours=named)


_ORDER = (
    ClassGroup.BACKGROUND,
    ClassGroup.TUMOR,
    ClassGroup.TUMOR_STROMA,
    ClassGroup.BENIGN_EPITHELIUM,
    ClassGroup.NECROSIS,
    ClassGroup.INFLAMMATION,
    ClassGroup.MUCIN,
    ClassGroup.BLOOD,
    ClassGroup.OTHER,
)

LEGEND: tuple[LegendEntry, ...] = (
    _entry(ClassGroup.BACKGROUND, "Background", "B"),
    _entry(ClassGroup.TUMOR, "Tumor", "T", _BLUE, _BLUE, _BLUE),
    _entry(ClassGroup.TUMOR_STROMA, "Tumor stroma", "S", (255, 170, 0), (255, 165, 0), (255, 165, 0)),
    _entry(ClassGroup.BENIGN_EPITHELIUM, "Benign epithelium", "E", (119, 238, 119), _GREY, (77, 175, 74)),
    _entry(ClassGroup.NECROSIS, "Necrosis", "N", (170, 0, 0), _GREY, (152, 78, 163)),
    _entry(ClassGroup.INFLAMMATION, "Inflammation", "I", (221, 34, 255), _GREY, (228, 26, 28)),
    _entry(ClassGroup.MUCIN, "Mucin", "M", (238, 102, 17), _GREY, (247, 129, 191)),
    _entry(ClassGroup.BLOOD, "Blood, vessel", "V", (0, 0, 51), _GREY, _GREY),
    _entry(ClassGroup.OTHER, "Other tissue", "O", (136, 136, 136), _GREY, (166, 86, 40)),
)
"""Every group, by index. The study's palettes colour a group as they colour most of its classes; background, which they
paint white, is left clear so that glass stays as it is."""


def legend_indices(groups: Sequence[ClassGroup]) -> NDArray[np.uint8]:
    """(256,) uint8: the legend's index for each index of a class scheme with these groups; background beyond it."""
    indices = {entry.group: entry.index for entry in LEGEND}
    table = np.zeros(256, dtype=np.uint8)
    table[: len(groups)] = [indices[group] for group in groups]
    return table


def colours_of(scheme: ClassScheme, palette: LegendPalette) -> list[Rgb | None]:
    """The colour of each class of a segmenter's own scheme; background, which is to stay clear, has none.

    In the study's palettes these are the card's own, in the accessible one those of the classes' groups.
    """
    if palette is LegendPalette.ACCESSIBLE:
        grouped = {entry.group: entry.colours.get(palette) for entry in LEGEND}
        return [grouped[tissue.group] for tissue in scheme.classes]
    name = PaletteName(palette.value)
    return [None if tissue.group is ClassGroup.BACKGROUND else tissue.colour(name) for tissue in scheme.classes]

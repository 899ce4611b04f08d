"""Coarse annotations made fine: a label holds only where a segmenter found a class that the label allows."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from pantile.domain.class_maps import ClassGroup, ClassMap
from pantile.domain.errors import GroundTruthRefused

IGNORED = 255
"""The index of pixels about which a label says nothing, as training leaves out by default."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """The classes or groups of a segmenter that may be found where a label was given."""

    label: str
    classes: tuple[str, ...]


def parse_allowance(text: str) -> Allowance:
    """What `LABEL=CLASS,CLASS` says; raises `GroundTruthRefused` where it says nothing of that kind."""
    label, _, listed = (part.strip() for part in text.rpartition("="))
    classes = tuple(name.strip() for name in listed.split(",") if name.strip())
    if not label or not classes:
        raise GroundTruthRefused(f"{text!r} is no LABEL=CLASS,CLASS")
    return Allowance(label, classes)


def find_allowed(allowance: Allowance, classes: Iterable[tuple[int, str, ClassGroup]]) -> frozenset[int]:
    """The indices of the classes that are meant, by name or group, whatever their case.

    Raises:
        GroundTruthRefused: the segmenter has no class and no group of that name.
    """
    known = list(classes)
    found: set[int] = set()
    for word in allowance.classes:
        own = {index for index, name, group in known if word.casefold() in {name.casefold(), group.value}}
        if not own:
            names = ", ".join(name for _, name, _ in known)
            raise GroundTruthRefused(f"the segmenter has no class or group {word}; its classes are {names}")
        found |= own
    return frozenset(found)


def refine(
    annotation: ClassMap, class_map: ClassMap, allowed: Mapping[int, Collection[int]], *, outside: int
) -> ClassMap:
    """The annotation, `outside` where the class map has none of the classes that its label allows.

    Both are (height, width) uint8 of the same pixels; an index that `allowed` does not name stays as it was drawn.
    """
    holds = np.ones((256, 256), dtype=np.bool_)
    for label, classes in allowed.items():
        holds[label] = False
        holds[label, list(classes)] = True
    return np.where(holds[annotation, class_map], annotation, np.uint8(outside))


def keep_allowed(class_map: ClassMap, allowed: Collection[int]) -> ClassMap:
    """The class map, `IGNORED` where it has another class than those that the label of the whole image allows."""
    return np.where(np.isin(class_map, list(allowed)), class_map, np.uint8(IGNORED))

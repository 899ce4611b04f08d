"""Corrections: how much of a class map its correction changed, class by class."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from pantile.domain.class_maps import ClassMap
from pantile.domain.errors import GroundTruthRefused


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassEffort:
    """A class's pixels before a correction, after it, and in both."""

    index: int
    name: str
    before: int
    after: int
    kept: int

    @property
    def changed(self) -> float:
        """The share of the class's pixels, before or after, that changed: 0 where it stayed as it was."""
        total = self.before + self.after - self.kept
        return (total - self.kept) / total if total else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """What a correction changed: pixels of all, and by class, of those that were there before or after."""

    pixels: int
    changed: int
    classes: tuple[ClassEffort, ...]


def measure_effort(before: ClassMap, after: ClassMap, names: Mapping[int, str]) -> Effort:
    """What turns one class map into the other; `names` are those of the class indices.

    Raises:
        GroundTruthRefused: they are not of one size.
    """
    if before.shape != after.shape:
        sizes = " and ".join(f"{width} x {height}" for height, width in (before.shape, after.shape))
        raise GroundTruthRefused(f"the pre-annotation and its correction are of different sizes, {sizes} px")
    pairs = before.astype(np.uint16) * 256 + after
    counts = np.bincount(pairs.ravel(), minlength=1 << 16).reshape(256, 256)
    totals = np.stack([counts.sum(axis=1), counts.sum(axis=0), counts.diagonal()], axis=1)
    return Effort(
        pixels=before.size,
        changed=int(before.size - counts.trace()),
        classes=tuple(
            ClassEffort(index=index, name=names.get(index, str(index)), before=was, after=is_, kept=kept)
            for index, (was, is_, kept) in enumerate(totals.tolist())
            if was or is_
        ),
    )

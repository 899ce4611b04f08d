"""How tissue grows in a synthetic region: the shapes of tumors, by morphology, and of benign glands."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.random import Generator

from pantile.domain.class_maps import Mask
from pantile.local.tissue_fields import Field, Shape, fractal_noise, ramp, smooth_noise

COARSE_MPP = 2.0
"""Microns per cell of the grid on which tissue grows."""

NEVER_UM = np.float32(150)
"""A depth that no place reaches."""


class Morphology(StrEnum):
    """How a tumor grows: what its cells build and what they look like."""

    GLANDULAR = "glandular"
    NESTED = "nested"
    CLEAR_CELL = "clear_cell"


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """Where a tissue is, and the depths in µm beyond which it is hollow or dead; (height, width) on the coarse grid."""

    mask: Mask
    hollow_below_um: Field
    dead_below_um: Field


def grow_tumor(rng: Generator, morphology: Morphology, shape: Shape) -> Growth:
    """A tumor on a coarse grid of this shape."""
    return _TUMORS[morphology](rng, shape)


def grow_benign(rng: Generator, morphology: Morphology, shape: Shape) -> Growth:
    """A few clusters of small benign glands beside tumors that form no glands; none beside those that do."""
    never = np.full(shape, NEVER_UM)
    if morphology is Morphology.GLANDULAR:
        return Growth(mask=np.zeros(shape, dtype=bool), hollow_below_um=never, dead_below_um=never)
    zones = smooth_noise(rng, shape, 130) > 0.9
    mask, hollow, _ = _lay_glands(rng, zones, radii_um=(15, 36), wall_um=(9, 13))
    return Growth(mask=mask, hollow_below_um=hollow, dead_below_um=never)


def _grow_glands(rng: Generator, shape: Shape) -> Growth:
    """Glands, most with a lumen, some of these full of necrosis, some bridged."""
    barren = smooth_noise(rng, shape, 200) < -0.8
    mask, hollow, dead = _lay_glands(rng, ~barren, radii_um=(26, 95), wall_um=(19, 27))
    folds = 3.0 * smooth_noise(rng, shape, 9) + 4.0 * smooth_noise(rng, shape, 22)
    bridges = ramp(smooth_noise(rng, shape, 200), 0.7, 1.0) * ramp(smooth_noise(rng, shape, 12), -0.6, -0.2)
    hollow = np.where(dead < NEVER_UM, NEVER_UM, hollow + folds + 60 * bridges).astype(np.float32)
    return Growth(mask=mask, hollow_below_um=hollow, dead_below_um=dead + folds)


def _lay_glands(
    rng: Generator, fertile: Mask, *, radii_um: tuple[float, float], wall_um: tuple[float, float]
) -> tuple[Mask, Field, Field]:
    """Wobbly ellipses that touch but do not merge: where they are, and their hollow and dead depths."""
    shape = (fertile.shape[0], fertile.shape[1])
    level, second = np.full(shape, -1e3, np.float32), np.full(shape, -1e3, np.float32)
    hollow, dead = np.full(shape, NEVER_UM), np.full(shape, NEVER_UM)
    leaning = rng.uniform(0, np.pi)
    for row, column, radius in _scatter_discs(rng, fertile, radii_um=radii_um):
        window, gland = _gland_level(rng, shape, row, column, radius, leaning + rng.normal(0, 0.5))
        best = gland > level[window]
        second[window] = np.where(best, level[window], np.maximum(second[window], gland))
        level[window] = np.where(best, gland, level[window])
        hollow[window][best] = rng.uniform(*wall_um)
        dead[window][best] = wall_um[1] if radius > 60 and rng.random() < 0.3 else NEVER_UM
    return (level > 0) & (level - second > 5), hollow, dead


def _scatter_discs(rng: Generator, fertile: Mask, *, radii_um: tuple[float, float]) -> list[tuple[float, float, float]]:
    """Rows, columns and radii, in coarse cells and µm, of discs that hardly overlap and lie on fertile ground."""
    shape = fertile.shape
    tries = 60 + int(shape[0] * shape[1] * COARSE_MPP**2 / 1200)
    rows, columns = rng.uniform(-20, shape[0] + 20, tries), rng.uniform(-20, shape[1] + 20, tries)
    radii = np.sort(rng.triangular(radii_um[0], radii_um[0] + 10, radii_um[1], tries))[::-1]
    kept = np.zeros((0, 3))
    for disc in np.stack([rows, columns, radii], axis=1):
        apart = np.hypot(kept[:, 0] - disc[0], kept[:, 1] - disc[1]) * COARSE_MPP
        place = tuple(np.clip(disc[:2].astype(int), 0, np.array(shape) - 1))
        if fertile[place] and np.all(apart > 0.86 * (kept[:, 2] + disc[2])):
            kept = np.vstack([kept, disc])
    return [(float(row), float(column), float(radius)) for row, column, radius in kept]


def _gland_level(
    rng: Generator, shape: Shape, row: float, column: float, radius: float, angle: float
) -> tuple[tuple[slice, slice], Field]:
    """A window of the coarse grid and, there, about how many µm each place lies inside one gland."""
    reach = int(2.2 * radius / COARSE_MPP)
    window = (
        slice(max(0, int(row) - reach), max(0, min(shape[0], int(row) + reach))),
        slice(max(0, int(column) - reach), max(0, min(shape[1], int(column) + reach))),
    )
    down, along = np.mgrid[window].astype(np.float32)
    down, along = (down - row) * COARSE_MPP, (along - column) * COARSE_MPP
    longer = rng.uniform(1.0, 1.65)
    lengthwise = (along * np.cos(angle) + down * np.sin(angle)) / longer
    crosswise = (down * np.cos(angle) - along * np.sin(angle)) * longer
    bearing = np.arctan2(crosswise, lengthwise)
    outline = sum(rng.normal(0, 0.22 / lobes) * np.cos(lobes * bearing + rng.uniform(0, 6.3)) for lobes in range(2, 7))
    level = radius * (1 + outline) - np.hypot(lengthwise, crosswise)
    return window, level.astype(np.float32)


def _grow_nests(rng: Generator, shape: Shape) -> Growth:
    """Solid sheets and islands of every size; the middle of the large ones is dead."""
    level = fractal_noise(rng, shape, 75, octaves=4) + np.float32(0.35) * smooth_noise(rng, shape, 14)
    hollow = np.full(shape, NEVER_UM)
    dead = np.float32(rng.uniform(48, 62)) + 9 * fractal_noise(rng, shape, 25, octaves=2)
    return Growth(mask=level > rng.uniform(-0.25, 0.1), hollow_below_um=hollow, dead_below_um=dead)


def _grow_alveoli(rng: Generator, shape: Shape) -> Growth:
    """Packets of cells between thin vessels, which count as tumor, and a few broad fibrous bands, which do not."""
    bands = np.abs(smooth_noise(rng, shape, 150) + np.float32(0.3) * smooth_noise(rng, shape, 40))
    mask = (bands > rng.uniform(0.16, 0.3)) & (fractal_noise(rng, shape, 180, octaves=3) > -0.75)
    hollow = np.full(shape, NEVER_UM)
    dead = np.where(smooth_noise(rng, shape, 120) > 1.7, np.float32(40), NEVER_UM)
    return Growth(mask=mask, hollow_below_um=hollow, dead_below_um=dead)


_TUMORS: dict[Morphology, Callable[[Generator, Shape], Growth]] = {
    Morphology.GLANDULAR: _grow_glands,
    Morphology.NESTED: _grow_nests,
    Morphology.CLEAR_CELL: _grow_alveoli,
}

"""The nuclei of a synthetic region: which kinds there are, where they lie, and how they are stained."""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from pantile.local.tissue_fields import Field, direction, ramp, smooth_noise
from pantile.local.tissue_growth import Morphology
from pantile.local.tissue_layout import CELL_MPP, DETAIL_MPP, Layout

_ANGLES = 16
_VARIANTS = 6
_SLOPE_STEP = 4
_HALF_NUCLEUS_UM = 4.5


@dataclass(frozen=True, slots=True, kw_only=True)
class NucleusKind:
    """A nucleus's half axes in µm, how much they vary, and the optical densities of its stains.

    `rim` and `grain` say how far its envelope and its chromatin stand out; `nucleoli` is how many it may show.
    """

    long_um: float
    short_um: float
    variation: float
    haematoxylin: float
    eosin: float = 0.40
    rim: float = 0.15
    grain: float = 0.12
    nucleoli: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Nuclei:
    """Nuclei of one kind: (n, 2) rows and columns in µm, and (n,) angles in radians from the columns' direction."""

    kind: NucleusKind
    places_um: NDArray[np.float64]
    angles: NDArray[np.float64]


_TUMOR = {
    Morphology.GLANDULAR: NucleusKind(
        long_um=5.4, short_um=2.9, variation=0.17, haematoxylin=0.52, rim=0.4, grain=0.2, nucleoli=1
    ),
    Morphology.NESTED: NucleusKind(
        long_um=5.0, short_um=4.0, variation=0.22, haematoxylin=0.42, rim=0.5, grain=0.2, nucleoli=2
    ),
    Morphology.CLEAR_CELL: NucleusKind(
        long_um=3.3, short_um=3.0, variation=0.15, haematoxylin=0.58, rim=0.25, grain=0.2, nucleoli=1
    ),
}
_BENIGN = NucleusKind(long_um=3.5, short_um=2.9, variation=0.08, haematoxylin=0.55, grain=0.15)
_FIBROBLAST = NucleusKind(long_um=6.5, short_um=1.5, variation=0.22, haematoxylin=0.52)
_LYMPHOCYTE = NucleusKind(long_um=3.1, short_um=2.9, variation=0.1, haematoxylin=0.82, grain=0.2)
_PYKNOTIC = NucleusKind(long_um=1.6, short_um=1.2, variation=0.25, haematoxylin=0.75, eosin=0.5)
_ERYTHROCYTE = NucleusKind(long_um=3.2, short_um=2.8, variation=0.1, haematoxylin=0.0, eosin=0.52, rim=0.05, grain=0.02)


def place_nuclei(rng: Generator, layout: Layout, morphology: Morphology) -> list[Nuclei]:
    """All nuclei of the region, in the order in which they are drawn."""
    groups = [
        _stromal(rng, layout),
        _in_fat(rng, layout),
        _lymphocytes(rng, layout),
        _blood(rng, layout),
        _debris(rng, layout),
        _benign(rng, layout),
        _tumor(rng, layout, morphology),
    ]
    return groups + _in_septa(rng, layout) if morphology is Morphology.CLEAR_CELL else groups


def _grid(rng: Generator, layout: Layout, spacing_um: float) -> NDArray[np.float64]:
    """(n, 2) places in µm about `spacing_um` apart, over the whole region."""
    extent = [length * DETAIL_MPP for length in layout.depth.shape]
    ticks = [np.arange(-spacing_um, length + spacing_um, spacing_um) for length in extent]
    places = np.stack(np.meshgrid(*ticks, indexing="ij"), axis=-1).reshape(-1, 2)
    return places + rng.uniform(-0.42, 0.42, places.shape) * spacing_um


def _at(field: Field, places_um: NDArray[np.float64]) -> Field:
    """The detail field's values at places in µm; at the border for places beyond."""
    rows, columns = (places_um / DETAIL_MPP).astype(np.intp).T
    values: Field = field[np.clip(rows, 0, field.shape[0] - 1), np.clip(columns, 0, field.shape[1] - 1)]
    return values


def _angles(field: Field, places_um: NDArray[np.float64]) -> NDArray[np.float64]:
    """The angle of the field's slope at each place."""
    down, along = direction(field[::_SLOPE_STEP, ::_SLOPE_STEP])
    return np.arctan2(_at(down, places_um / _SLOPE_STEP), _at(along, places_um / _SLOPE_STEP)).astype(np.float64)


def _keep(rng: Generator, chance: Field) -> NDArray[np.bool_]:
    return rng.random(chance.shape) < chance


def _in_stroma(layout: Layout, places_um: NDArray[np.float64]) -> Field:
    """How far each place is in stroma, 0 to 1."""
    solid = (1 - _at(layout.fat, places_um)) * (1 - _at(layout.glass, places_um)) * (1 - _at(layout.vessel, places_um))
    return ramp(_at(np.maximum(layout.depth, layout.benign_depth), places_um), -1.5, -3.5) * solid


def _stromal(rng: Generator, layout: Layout) -> Nuclei:
    places = _grid(rng, layout, 12.0)
    cellular = 0.45 + 0.25 * smooth_noise(rng, layout.depth.shape, 160)
    chance = _in_stroma(layout, places) * _at(cellular, places) * (1 - _at(layout.lymphoid, places))
    places = places[_keep(rng, chance)]
    angles = _angles(layout.course, places) + np.pi / 2 + rng.normal(0, 0.15, len(places))
    return Nuclei(kind=_FIBROBLAST, places_um=places, angles=angles)


def _in_fat(rng: Generator, layout: Layout) -> Nuclei:
    places = _grid(rng, layout, 7.0)
    chance = _at(layout.fat, places) * (1 - _at(layout.glass, places)) * (_at(layout.fat_border, places) < 1.2)
    places = places[_keep(rng, 0.3 * chance)]
    return Nuclei(kind=_FIBROBLAST, places_um=places, angles=_angles(layout.fat_border, places) + np.pi / 2)


def _lymphocytes(rng: Generator, layout: Layout) -> Nuclei:
    places = _grid(rng, layout, 7.2)
    infiltrate = 0.02 + 0.4 * ramp(smooth_noise(rng, layout.depth.shape, 130), 0.6, 2.4)
    chance = np.maximum(_at(infiltrate, places) * _in_stroma(layout, places), 0.97 * _at(layout.lymphoid, places))
    places = places[_keep(rng, chance)]
    return Nuclei(kind=_LYMPHOCYTE, places_um=places, angles=rng.uniform(0, np.pi, len(places)))


def _blood(rng: Generator, layout: Layout) -> Nuclei:
    places = _grid(rng, layout, 5.6)
    places = places[_keep(rng, 0.85 * _at(layout.vessel, places))]
    return Nuclei(kind=_ERYTHROCYTE, places_um=places, angles=rng.uniform(0, np.pi, len(places)))


def _debris(rng: Generator, layout: Layout) -> Nuclei:
    places = _grid(rng, layout, 6.0)
    patchy = ramp(smooth_noise(rng, layout.depth.shape, 50), -0.8, 1.5)
    places = places[_keep(rng, 0.7 * _at(layout.necrosis * patchy, places))]
    return Nuclei(kind=_PYKNOTIC, places_um=places, angles=rng.uniform(0, np.pi, len(places)))


def _benign(rng: Generator, layout: Layout) -> Nuclei:
    """One even row of nuclei in each benign gland."""
    places = _grid(rng, layout, 6.4)
    depth = _at(layout.benign_depth, places)
    places = places[_keep(rng, 0.9 * ramp(depth, 2.4, 3.2) * ramp(depth, 8.5, 7.5))]
    return Nuclei(kind=_BENIGN, places_um=places, angles=rng.uniform(0, np.pi, len(places)))


def _tumor(rng: Generator, layout: Layout, morphology: Morphology) -> Nuclei:
    glandular = morphology is Morphology.GLANDULAR
    cells = CELL_MPP * layout.cells.points
    places = _grid(rng, layout, 5.9) if glandular else cells + rng.normal(0, 0.8, cells.shape)
    depth, basal = _at(layout.depth, places), _angles(layout.depth, places)
    inward = np.stack([np.sin(basal), np.cos(basal)], axis=1)
    inside = (depth > 2.8) & (_at(layout.septum, places) > 3.5) & (_at(layout.glass, places) < 0.5)
    hollow = np.maximum(_at(layout.lumen, places), _at(layout.lumen, places + _HALF_NUCLEUS_UM * inward)) > 0.3
    alive = (1 - _at(layout.necrosis, places)) * (1 - 0.93 * _at(layout.keratin, places)) * (inside & ~hollow)
    crowd = 1 - 0.75 * ramp(depth, 12, 16) if glandular else np.full_like(depth, 0.94)
    kept = _keep(rng, alive * crowd)
    angles = basal + (rng.normal(0, 0.25, len(basal)) if glandular else rng.uniform(0, np.pi, len(basal)))
    return Nuclei(kind=_TUMOR[morphology], places_um=places[kept], angles=angles[kept])


def _in_septa(rng: Generator, layout: Layout) -> list[Nuclei]:
    """The flat nuclei of thin vessels, and the red cells in them."""
    places = _grid(rng, layout, 4.0)
    living = ramp(_at(layout.depth, places), 0, 2) * (1 - _at(layout.necrosis, places))
    thin = living * (_at(layout.septum, places) < 1.2)
    walls, blood = places[_keep(rng, 0.3 * thin)], places[_keep(rng, 0.22 * thin)]
    along = [_angles(layout.septum, group) + np.pi / 2 for group in (walls, blood)]
    return [
        Nuclei(kind=_ERYTHROCYTE, places_um=blood, angles=along[1]),
        Nuclei(kind=_FIBROBLAST, places_um=walls, angles=along[0]),
    ]


Stamp = tuple[Field, Field, Field]
"""A drawn nucleus: its opacity, haematoxylin and eosin, square and of one shape."""


def stamp_nuclei(rng: Generator, stains: tuple[Field, Field], nuclei: Nuclei, mpp: float) -> None:
    """Draws the nuclei onto the densities of haematoxylin and eosin, in place; `mpp` is that of the densities."""
    stamps = _draw_stamps(rng, nuclei.kind, mpp)
    turns = np.rint(nuclei.angles / np.pi * _ANGLES).astype(int) % _ANGLES
    variants = rng.integers(0, _VARIANTS, len(turns))
    half = len(stamps[0][0][0]) // 2
    corners = np.rint(nuclei.places_um / mpp).astype(int) - half
    for (row, column), turn, variant in zip(corners.tolist(), turns.tolist(), variants.tolist(), strict=True):
        _press(stains, stamps[turn][variant], row, column)


def _press(stains: tuple[Field, Field], stamp: Stamp, row: int, column: int) -> None:
    height, width = stains[0].shape
    side = len(stamp[0])
    top, left = max(0, row), max(0, column)
    bottom, right = min(height, row + side), min(width, column + side)
    if top >= bottom or left >= right:
        return
    part = (slice(top - row, bottom - row), slice(left - column, right - column))
    opacity = stamp[0][part]
    for stain, density in zip(stains, stamp[1:], strict=True):
        under = stain[top:bottom, left:right]
        under += opacity * (density[part] - under)


def _draw_stamps(rng: Generator, kind: NucleusKind, mpp: float) -> list[list[Stamp]]:
    """Stamps of the kind by angle and variant."""
    side = 2 * int(1.6 * kind.long_um * (1 + kind.variation) / mpp) + 3
    return [
        [_draw_stamp(rng, kind, mpp=mpp, side=side, angle=turn * np.pi / _ANGLES) for _ in range(_VARIANTS)]
        for turn in range(_ANGLES)
    ]


def _draw_stamp(rng: Generator, kind: NucleusKind, *, mpp: float, side: int, angle: float) -> Stamp:
    down, along = (np.indices((side, side)) - side // 2) * mpp
    size = np.exp(kind.variation * np.clip(rng.standard_normal(3), -2, 2))
    lengthwise = (along * np.cos(angle) + down * np.sin(angle)) / (kind.long_um * size[0])
    crosswise = (down * np.cos(angle) - along * np.sin(angle)) / (kind.short_um * size[1])
    bearing = np.arctan2(crosswise, lengthwise)
    outline = 1 + sum(
        rng.normal(0, 0.1 / lobes) * np.cos(lobes * bearing + rng.uniform(0, 6.3)) for lobes in (1, 2, 3, 4)
    )
    radius = np.hypot(lengthwise, crosswise) / outline
    edge = 0.45 / kind.short_um
    opacity = ramp(radius.astype(np.float32), 1 + edge, 1 - edge)
    rim = np.exp(-(((0.9 - radius) / 0.14) ** 2))
    chromatin = smooth_noise(rng, (side, side), 1.1 / mpp)
    density = kind.haematoxylin * size[2] ** 0.6 * (1 + kind.rim * (rim - 0.35) + kind.grain * chromatin)
    for _ in range(int(rng.integers(0, kind.nucleoli + 1))):
        spot = np.hypot(down - rng.normal(0, 0.25 * kind.short_um), along - rng.normal(0, 0.25 * kind.short_um))
        density = density + 0.3 * np.exp(-((spot / 0.8) ** 2))
    eosin = np.full((side, side), kind.eosin * (1 + 0.1 * rng.normal()), np.float32)
    return opacity, density.astype(np.float32), eosin

"""Haematoxylin and eosin in a synthetic region: how much of each lies where, and what colour that gives."""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from pantile.domain.class_maps import RgbImage
from pantile.local.tissue_fields import Field, Shape, fractal_noise, ramp, resize, smooth_noise
from pantile.local.tissue_growth import Morphology
from pantile.local.tissue_layout import CELL_MPP, DETAIL_MPP, Layout

_HAEMATOXYLIN = (0.650, 0.704, 0.286)
_EOSIN = (0.072, 0.990, 0.105)
"""Optical densities of the two stains in red, green, blue: Ruifrok & Johnston, Anal Quant Cytol Histol 2001."""

_GLASS_RGB = (244.0, 241.0, 245.0)
_DENSEST = 1.6
_LEVELS = 256
_GRAIN = 1.2
_GRAIN_PX = 509

Stains = tuple[Field, Field]
"""Optical densities of haematoxylin and of eosin, each (height, width)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cytoplasm:
    """Densities of a tumor's cytoplasm and what its cells' `border`, of `border_um` µm, adds to them.

    `variation` is how far cells differ; `vacuolated` the share of cells full of mucin.
    """

    haematoxylin: float
    eosin: float
    border: float
    variation: float
    border_um: float = 0.7
    vacuolated: float = 0.0


_CYTOPLASM = {
    Morphology.GLANDULAR: _Cytoplasm(haematoxylin=0.17, eosin=0.30, border=0.03, variation=0.10, vacuolated=0.08),
    Morphology.NESTED: _Cytoplasm(haematoxylin=0.14, eosin=0.36, border=-0.10, variation=0.18),
    Morphology.CLEAR_CELL: _Cytoplasm(haematoxylin=0.04, eosin=0.08, border=0.15, variation=0.35),
}

_LABORATORY = {
    Morphology.GLANDULAR: (0.02, -0.01, 0.05),
    Morphology.NESTED: (0.00, 0.00, 0.09),
    Morphology.CLEAR_CELL: (0.05, -0.05, 0.12),
}
"""What each morphology's laboratory adds to the eosin's colour."""


def stain(rng: Generator, layout: Layout, morphology: Morphology) -> Stains:
    """The densities of everything but nuclei, on the grid of `DETAIL_MPP`."""
    shape = layout.depth.shape
    grain = fractal_noise(rng, shape, 5, octaves=2)
    stains = _stroma(rng, layout, grain)
    stains = _over(stains, _lymphoid(rng, layout), layout.lymphoid)
    stains = _over(stains, (0.10 + 0.01 * grain, 0.36 + 0.03 * grain), ramp(layout.benign_depth, -0.5, 0.5))
    stains = _over(stains, _tumor(rng, layout, morphology, grain), ramp(layout.depth, -0.5, 0.5))
    stains = _over(stains, _necrosis(rng, layout), layout.necrosis)
    stains = _over(stains, _fat(layout, grain), layout.fat)
    stains = _clear(stains, 0.9 * layout.vessel)
    thickness = 1 + 0.06 * smooth_noise(rng, shape, 900)
    return _clear(stains, 1 - thickness * (1 - np.maximum(layout.lumen, layout.glass)))


def _over(under: Stains, upper: Stains, share: Field) -> Stains:
    haematoxylin, eosin = (low + share * (high - low) for low, high in zip(under, upper, strict=True))
    return haematoxylin, eosin


def _clear(stains: Stains, share: Field) -> Stains:
    return stains[0] * (1 - share), stains[1] * (1 - share)


def _stroma(rng: Generator, layout: Layout, grain: Field) -> Stains:
    """Collagen: bundles and fibres, loose here and dense there, with clefts, and a gap along parts of the tumor."""
    shape = layout.depth.shape
    bundles = _fibres(rng, layout.course, width_um=14, length_um=160)
    fibres = _fibres(rng, layout.course, width_um=3.2, length_um=60)
    loose = ramp(smooth_noise(rng, shape, 300), -0.6, 1.8)
    eosin = 0.30 + 0.05 * bundles + 0.07 * fibres + 0.015 * grain - 0.17 * loose
    haematoxylin = 0.06 + 0.012 * grain - 0.01 * fibres + 0.03 * loose
    clefts = ramp(fibres + 0.8 * bundles + 0.9 * loose, 1.7, 2.7)
    gap = ramp(layout.depth, -3.4, -2.6) * ramp(smooth_noise(rng, shape, 60), 0.7, 1.0)
    return _clear((np.maximum(haematoxylin, 0), np.maximum(eosin, 0.03)), np.maximum(0.9 * clefts, gap))


def _fibres(rng: Generator, course: Field, *, width_um: float, length_um: float) -> Field:
    """Streaks of unit deviation that follow the course."""
    rows, columns = np.indices(course.shape, dtype=np.float32)
    down, along = (float(np.mean(part)) for part in np.gradient(course[::8, ::8]))
    length = float(np.hypot(down, along)) + 1e-6
    lengthwise = (columns * np.float32(down / length) - rows * np.float32(along / length)) * np.float32(DETAIL_MPP)
    step = (width_um / 8, length_um / 64)
    across = ((course - course.min()) / np.float32(step[0])).astype(np.int32)
    lengthwise = ((lengthwise - lengthwise.min()) / np.float32(step[1])).astype(np.int32)
    shape = (int(across.max()) + 1, int(lengthwise.max()) + 1)
    streaks = resize(smooth_noise(rng, (shape[0], shape[1] // 8 + 1), 8), shape)
    followed: Field = streaks[across, lengthwise]
    return followed


def _lymphoid(rng: Generator, layout: Layout) -> Stains:
    mesh = fractal_noise(rng, layout.depth.shape, 10, octaves=2)
    return np.maximum(0.10 + 0.05 * mesh, 0.02), np.maximum(0.15 + 0.06 * mesh, 0.02)


def _tumor(rng: Generator, layout: Layout, morphology: Morphology, grain: Field) -> Stains:
    cytoplasm = _CYTOPLASM[morphology]
    shape = layout.depth.shape
    tint = np.exp(rng.normal(0, cytoplasm.variation, len(layout.cells.points))).astype(np.float32)
    tint[rng.random(len(tint)) < cytoplasm.vacuolated] = 0.3
    within, cells = _to_detail(CELL_MPP * layout.cells.border, shape), _to_detail(tint[layout.cells.owner], shape)
    cells = 1 + (cells - 1) * ramp(within, 0.3, 1.5)
    border = ramp(within, cytoplasm.border_um + 0.5, cytoplasm.border_um - 0.3)
    eosin = cytoplasm.eosin * cells * (1 + 0.10 * grain) + cytoplasm.border * border
    haematoxylin = cytoplasm.haematoxylin * (1 + 0.14 * grain) + 0.5 * cytoplasm.border * border
    return _differentiate((haematoxylin, eosin), layout, morphology)


def _to_detail(field: Field, shape: Shape) -> Field:
    """A field of the cells' grid on the detail grid."""
    ratio = round(CELL_MPP / DETAIL_MPP)
    return resize(field, (field.shape[0] * ratio, field.shape[1] * ratio))[: shape[0], : shape[1]]


def _differentiate(stains: Stains, layout: Layout, morphology: Morphology) -> Stains:
    """What depth does to cells: glands pale towards the lumen, nests turn pink inside, packets have vessels between."""
    haematoxylin, eosin = stains
    if morphology is Morphology.GLANDULAR:
        return haematoxylin * (1 - 0.35 * ramp(layout.depth, 11, 19)), eosin
    if morphology is Morphology.NESTED:
        inward, keratin = ramp(layout.depth, 10, 50), layout.keratin
        layers = 0.06 * np.sin(layout.depth * np.float32(1.1))
        pink = haematoxylin * (1 - 0.5 * inward) * (1 - 0.7 * keratin), eosin * (1 + 0.25 * inward)
        return pink[0], pink[1] + keratin * (0.56 + layers - pink[1])
    vessel = ramp(layout.septum, 2.4, 1.2)
    return haematoxylin + 0.06 * vessel, eosin + 0.22 * vessel


def _necrosis(rng: Generator, layout: Layout) -> Stains:
    """Granular pink debris with ghosts of cells and holes."""
    shape = layout.depth.shape
    ghosts, crumbs = smooth_noise(rng, shape, 22), smooth_noise(rng, shape, 4)
    eosin = 0.40 + 0.06 * ghosts + 0.07 * crumbs
    haematoxylin = 0.10 + 0.05 * smooth_noise(rng, shape, 30) + 0.03 * crumbs
    holes = ramp(ghosts + 0.8 * crumbs, -1.7, -2.2)
    return _clear((np.maximum(haematoxylin, 0), np.maximum(eosin, 0.05)), holes)


def _fat(layout: Layout, grain: Field) -> Stains:
    membrane = ramp(layout.fat_border, 1.1, 0.4)
    return 0.05 * membrane, membrane * (0.24 + 0.03 * grain)


def colour(rng: Generator, stains: Stains, morphology: Morphology) -> RgbImage:
    """The image that the densities give by Beer and Lambert's law, stained a little differently in every region."""
    table = _colour_table(rng, morphology)
    levels = [_levels(rng, density) for density in stains]
    image: RgbImage = table[levels[0] * np.uint16(_LEVELS) + levels[1]]
    return image


def _levels(rng: Generator, density: Field) -> NDArray[np.uint16]:
    """The density in steps of the colour table, with the grain of a camera."""
    grain = rng.normal(0, _GRAIN, (_GRAIN_PX, _GRAIN_PX)).astype(np.float32)
    repeats = [length // _GRAIN_PX + 1 for length in density.shape]
    grainy = density * np.float32(_LEVELS / _DENSEST) + np.tile(grain, repeats)[: density.shape[0], : density.shape[1]]
    levels: NDArray[np.uint16] = np.clip(grainy, 0, _LEVELS - 1).astype(np.uint16)
    return levels


def _colour_table(rng: Generator, morphology: Morphology) -> NDArray[np.uint8]:
    """(levels², 3) uint8 colours by levels of haematoxylin, then eosin."""
    vectors = np.array([_HAEMATOXYLIN, np.add(_EOSIN, _LABORATORY[morphology])]) + rng.normal(0, 0.018, (2, 3))
    vectors = np.maximum(vectors, 0.01) / np.linalg.norm(vectors, axis=1, keepdims=True)
    vectors *= np.exp(rng.normal(0, 0.10, (2, 1)))
    density = np.arange(_LEVELS)[:, None] * (_DENSEST / _LEVELS)
    total = (density * vectors[0])[:, None, :] + (density * vectors[1])[None, :, :]
    glass = np.array(_GLASS_RGB) + rng.normal(0, 1.5, 3)
    table: NDArray[np.uint8] = np.clip(glass * 10.0**-total, 0, 255).astype(np.uint8).reshape(-1, 3)
    return table

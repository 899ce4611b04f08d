"""Where everything lies in a synthetic region: glass, fat, stroma, tumor, lumens, necrosis, lymphocytes."""

from dataclasses import dataclass
from math import cos, sin

import numpy as np
from numpy.random import Generator

from pantile.domain.class_maps import ClassMap, Mask
from pantile.local.tissue_fields import (
    Cells,
    Field,
    Shape,
    distance_inside,
    fractal_noise,
    ramp,
    resize,
    scatter_cells,
    signed_distance,
    smooth_noise,
)
from pantile.local.tissue_growth import COARSE_MPP, NEVER_UM, Morphology, grow_benign, grow_tumor

DETAIL_MPP = 0.5
"""Microns per cell of the grid on which tissue is laid out and stained."""

CELL_MPP = 1.0
"""Microns per cell of the grid on which the tumor's cells are kept."""

REACH_UM = 96
"""How far from the tumor's border distances are known."""

BACKGROUND, TUMOR, TUMOR_STROMA, NECROSIS, OTHER = range(5)
"""The class indices of the ground truth."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """A region's plan. All fields and the class map are (height, width) on the grid of `DETAIL_MPP`.

    `depth` is the distance in µm to the tumor's border, negative outside; `cells` are the tumor's, on their own grid;
    `course` counts µm across the stroma's fibres; `septum` and `fat_border` are distances in µm to the thin vessels
    between packets of tumor cells and to the membranes of fat cells. `lumen`, `necrosis`, `fat`, `glass`, `lymphoid`,
    `keratin` and `vessel` (blood, which the class map counts as stroma) are shares, 0 to 1. `benign_depth` is to the
    benign glands what `depth` is to the tumor.
    """

    class_map: ClassMap
    depth: Field
    cells: Cells
    course: Field
    lumen: Field
    necrosis: Field
    fat: Field
    glass: Field
    lymphoid: Field
    keratin: Field
    vessel: Field
    benign_depth: Field
    fat_border: Field
    septum: Field


def lay_out(rng: Generator, morphology: Morphology, *, height_um: float, width_um: float) -> Layout:
    """The plan of a region of `height_um` x `width_um` µm."""
    shape = (round(height_um / DETAIL_MPP), round(width_um / DETAIL_MPP))
    coarse = (round(height_um / COARSE_MPP), round(width_um / COARSE_MPP))
    glass, fat = _edge_zones(rng, coarse)
    tumor, benign = grow_tumor(rng, morphology, coarse), grow_benign(rng, morphology, coarse)
    land = (glass < -20) & (fat < -12)
    benign_depth = _depth(benign.mask & land, shape)
    apart = distance_inside(~benign.mask, 8) * COARSE_MPP > 12
    depth = _depth(tumor.mask & land & apart, shape) + smooth_noise(rng, shape, 12) * np.float32(0.8)
    lumen = ramp(depth - resize(tumor.hollow_below_um, shape), 0, 1.2)
    necrosis = ramp(depth - resize(tumor.dead_below_um, shape), -3, 5) * (1 - lumen)
    lumen = np.maximum(lumen, ramp(benign_depth - resize(benign.hollow_below_um, shape), 0, 1.2))
    glass, fat = resize(glass, shape), resize(fat, shape)
    inland_um = -np.maximum(fat, glass)
    lymphoid = _lymphoid(rng, shape) * (np.maximum(depth, benign_depth) < -3) * (inland_um > 10)
    shares = {
        "lumen": lumen,
        "necrosis": necrosis,
        "fat": ramp(fat, -1, 1),
        "glass": ramp(glass, -0.6, 0.6),
        "lymphoid": lymphoid,
    }
    return Layout(
        class_map=_classes(depth, benign_depth, **shares),
        benign_depth=benign_depth,
        depth=depth,
        cells=_tumor_cells(rng, shape, morphology),
        course=_fibre_course(rng, depth),
        keratin=_keratin(rng, depth) * (1 - necrosis) if morphology is Morphology.NESTED else np.zeros_like(depth),
        vessel=_vessels(rng, shape) * ramp(np.maximum(depth, benign_depth), -4, -8) * (1 - lymphoid) * (inland_um > 15),
        fat_border=_borders(rng, shape, spacing_um=52),
        septum=_borders(rng, shape, spacing_um=_PACKET_UM[morphology]),
        **shares,
    )


def _depth(mask: Mask, shape: Shape) -> Field:
    """Distance in µm to the border of a mask on the coarse grid, negative outside; on the detail grid of this shape."""
    return resize(COARSE_MPP * signed_distance(mask, int(REACH_UM / COARSE_MPP)), shape)


def _edge_zones(rng: Generator, shape: Shape) -> tuple[Field, Field]:
    """How many µm each place lies inside glass and inside fat, which take a corner or a side of some regions."""
    rows, columns = np.indices(shape, dtype=np.float32) * np.float32(COARSE_MPP)
    angle = rng.uniform(0, 2 * np.pi)
    inland = rows * sin(angle) + columns * cos(angle)
    inland -= inland.min()
    span = float(inland.max())
    ragged = inland + 16 * fractal_noise(rng, shape, 60, octaves=3)
    shore = span * rng.uniform(-0.12, 0.2)
    fat_width = max(0.0, span * rng.uniform(-0.2, 0.32))
    glass = np.float32(shore) - ragged
    fat = np.float32(shore + fat_width) - ragged - 12 * smooth_noise(rng, shape, 30)
    return glass, np.where(glass > 0, np.float32(-50), fat) if fat_width else np.full(shape, np.float32(-50))


def _lymphoid(rng: Generator, shape: Shape) -> Field:
    """Lymphoid aggregates: a few rounded areas."""
    level = smooth_noise(rng, shape, 260) + np.float32(0.15) * smooth_noise(rng, shape, 40)
    return ramp(level, 1.25, 1.5)


def _keratin(rng: Generator, depth: Field) -> Field:
    """Where the inside of a nest has turned to keratin."""
    return ramp(smooth_noise(rng, depth.shape, 150), 0.7, 1.0) * ramp(depth, 26, 34)


def _vessels(rng: Generator, shape: Shape) -> Field:
    """Small blood vessels, cut across."""
    return ramp(smooth_noise(rng, shape, 80), 2.0, 2.12)


def _classes(
    depth: Field, benign_depth: Field, *, lumen: Field, necrosis: Field, fat: Field, glass: Field, lymphoid: Field
) -> ClassMap:
    class_map = np.where(depth > 0, TUMOR, TUMOR_STROMA).astype(np.uint8)
    for share, index in (
        (benign_depth > 0, OTHER),
        (lymphoid, OTHER),
        (fat, OTHER),
        (necrosis, NECROSIS),
        (lumen, BACKGROUND),
        (glass, BACKGROUND),
    ):
        class_map[share > 0.5] = index
    return class_map


def _fibre_course(rng: Generator, depth: Field) -> Field:
    """µm across the fibres, which run one way, wave, and bend around the tumor."""
    rows, columns = np.indices(depth.shape, dtype=np.float32) * np.float32(DETAIL_MPP)
    angle = rng.uniform(0, np.pi)
    across = rows * cos(angle) - columns * sin(angle)
    waves = 60 * smooth_noise(rng, depth.shape, 500) + 5 * smooth_noise(rng, depth.shape, 70)
    rounded = resize(resize(np.minimum(depth, 0), (depth.shape[0] // 40 + 2, depth.shape[1] // 40 + 2)), depth.shape)
    course: Field = across + waves + 1.2 * rounded
    return course


def _borders(rng: Generator, shape: Shape, *, spacing_um: float) -> Field:
    """Distance in µm to the nearest border in a plane of cells; far away everywhere if they have no width."""
    if not spacing_um:
        return np.full(shape, NEVER_UM)
    coarse = (shape[0] // 3 + 1, shape[1] // 3 + 1)
    scale = 3 * DETAIL_MPP
    cells = scatter_cells(rng, coarse, spacing=spacing_um / scale, warp=0.1 * spacing_um)
    return resize(cells.border * np.float32(scale), shape)


_PACKET_UM = {Morphology.GLANDULAR: 0.0, Morphology.NESTED: 0.0, Morphology.CLEAR_CELL: 62.0}
_CELL_SPACING_UM = {Morphology.GLANDULAR: 8.0, Morphology.NESTED: 12.5, Morphology.CLEAR_CELL: 17.0}


def _tumor_cells(rng: Generator, shape: Shape, morphology: Morphology) -> Cells:
    """Cells on the grid of `CELL_MPP`, which covers the detail grid of this shape or a little more."""
    ratio = round(CELL_MPP / DETAIL_MPP)
    spacing = _CELL_SPACING_UM[morphology] / CELL_MPP
    return scatter_cells(rng, (-(-shape[0] // ratio), -(-shape[1] // ratio)), spacing=spacing, warp=0.08 * spacing)

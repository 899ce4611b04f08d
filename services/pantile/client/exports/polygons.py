"""Class maps as polygons that share their borders, and polygons as class maps."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import shapely
from affine import Affine
from numpy.typing import NDArray
from rasterio.features import rasterize, shapes
from shapely.affinity import affine_transform

from pantile.domain.class_maps import ClassMap


@dataclass(frozen=True, slots=True)
class Region:
    """A connected region of one class; x to the right and y down, in whatever unit its maker says."""

    index: int
    polygon: shapely.Polygon


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """Where a class map lies: the size of its pixels, and the place of its upper left corner."""

    scale_x: float
    scale_y: float
    left: float = 0.0
    top: float = 0.0


def trace_regions(class_map: ClassMap, *, tolerance_px: float = 0.0) -> list[Region]:
    """The connected regions of all classes, along the edges of pixels, in pixels of the class map.

    With a tolerance, borders are simplified (Visvalingam-Whyatt: corners that span a triangle of less than the
    tolerance's square go). Neighbours keep one border, so that there is neither a gap nor an overlap between them, and
    the outer border stays as it is.
    """
    traced = [
        (int(index), shapely.Polygon(outline["coordinates"][0], outline["coordinates"][1:]))
        for outline, index in shapes(np.ascontiguousarray(class_map), connectivity=4)
    ]
    polygons = np.array([polygon for _, polygon in traced], dtype=object)
    if tolerance_px > 0:
        # With a corner at each pixel, neighbours have all of their corners in common: only then is it a coverage.
        polygons = shapely.coverage_simplify(shapely.segmentize(polygons, 1.0), tolerance_px, simplify_boundary=False)
    return [Region(index, polygon) for (index, _), polygon in zip(traced, polygons, strict=True)]


def place(region: Region, placement: Placement) -> Region:
    """A region moved from pixels of its class map to where that lies."""
    matrix = [placement.scale_x, 0, 0, placement.scale_y, placement.left, placement.top]
    return Region(region.index, affine_transform(region.polygon, matrix))


def draw_regions(
    regions: Iterable[Region], *, height_px: int, width_px: int, placement: Placement, background: int
) -> ClassMap:
    """The class map, (height_px, width_px) uint8, of regions that lie as `placement` says; later ones cover earlier.

    A pixel belongs to the region in which its centre lies, and to `background` where there is none.
    """
    transform = Affine(placement.scale_x, 0, placement.left, 0, placement.scale_y, placement.top)
    drawn: NDArray[np.uint8] = np.full((height_px, width_px), background, dtype=np.uint8)
    shapes_drawn = [(region.polygon, region.index) for region in regions if not region.polygon.is_empty]
    if shapes_drawn:
        rasterize(shapes_drawn, out=drawn, transform=transform)
    return drawn

"""Class maps as GeoJSON that QuPath opens as annotations, and such annotations as class maps.

QuPath (0.5 and later) reads a FeatureCollection in pixels of the slide, y down, whose features carry `objectType`,
and a `classification` with a name and a colour (https://qupath.readthedocs.io, "Exporting annotations").
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import shapely
from shapely.geometry import mapping, shape

from pantile.client.exports.polygons import Placement, Region, draw_regions, place, trace_regions
from pantile.domain.class_maps import ClassMap, Rgb
from pantile.domain.errors import AnnotationsRefused

_DECIMALS = 2
"""Hundredths of a pixel: far below what any tolerance leaves, and half the bytes of a float."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnnotationClass:
    """A class as QuPath shows it."""

    index: int
    name: str
    rgb: Rgb


@dataclass(frozen=True, slots=True, kw_only=True)
class Smoothing:
    """How polygons are made simpler, in pixels of the class map: its tolerance, and the least area of a region."""

    tolerance_px: float = 1.0
    least_area_px: float = 0.0


def write_annotations(
    class_map: ClassMap,
    classes: Iterable[AnnotationClass],
    *,
    placement: Placement,
    smoothing: Smoothing,
    name: str,
) -> bytes:
    """A FeatureCollection with one annotation for each connected region of the classes given; others are left out.

    `name` tells class maps apart: together with a region's place it makes the annotation's id, so that writing the
    same class map again writes the same bytes.
    """
    by_index = {each.index: each for each in classes}
    features = [
        _feature(place(region, placement), by_index[region.index], id_=str(uuid5(NAMESPACE_URL, f"{name}/{number}")))
        for number, region in enumerate(trace_regions(class_map, tolerance_px=smoothing.tolerance_px))
        if region.index in by_index and region.polygon.area >= smoothing.least_area_px
    ]
    return json.dumps({"type": "FeatureCollection", "features": features}, separators=(",", ":")).encode()


def _feature(region: Region, tissue: AnnotationClass, *, id_: str) -> dict[str, Any]:
    return {
        "type": "Feature",
        "id": id_,
        "geometry": mapping(shapely.set_precision(region.polygon, 10**-_DECIMALS, mode="pointwise")),
        "properties": {
            "objectType": "annotation",
            "classification": {"name": tissue.name, "color": list(tissue.rgb)},
            "isLocked": False,
        },
    }


def read_annotations(content: bytes, indices: Mapping[str, int]) -> list[Region]:
    """The regions of a FeatureCollection (or a list of features, as QuPath writes, too) in the order of the file.

    `indices` gives the class index of each classification's name; letter case does not matter.

    Raises:
        AnnotationsRefused: it is no GeoJSON, an annotation has no class or an unknown one, or is no area.
    """
    known = {name.casefold(): index for name, index in indices.items()}
    return [
        Region(_index_of(feature, number, known), polygon)
        for number, feature in enumerate(_features(content), start=1)
        for polygon in _polygons(feature, number)
    ]


def _features(content: bytes) -> list[Mapping[str, Any]]:
    try:
        document = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise AnnotationsRefused(f"it is no JSON, {error}") from error
    features = document.get("features") if isinstance(document, dict) else document
    if not isinstance(features, list) or not all(isinstance(feature, dict) for feature in features):
        raise AnnotationsRefused("it has no list of features")
    return features


def _index_of(feature: Mapping[str, Any], number: int, known: Mapping[str, int]) -> int:
    properties = feature.get("properties")
    classification = properties.get("classification") if isinstance(properties, dict) else None
    name = classification.get("name") if isinstance(classification, dict) else None
    if not isinstance(name, str):
        raise AnnotationsRefused(f"annotation {number} has no class")
    if name.casefold() not in known:
        raise AnnotationsRefused(f"annotation {number} is of the class {name[:100]!r}; known are {', '.join(known)}")
    return known[name.casefold()]


def _polygons(feature: Mapping[str, Any], number: int) -> list[shapely.Polygon]:
    try:
        geometry = shapely.make_valid(shape(feature["geometry"]))
    except (KeyError, TypeError, ValueError, IndexError, AttributeError, shapely.errors.ShapelyError) as error:
        raise AnnotationsRefused(f"annotation {number} has a geometry that cannot be read") from error
    parts = [part for part in shapely.get_parts(geometry) if isinstance(part, shapely.Polygon)]
    if not parts:
        raise AnnotationsRefused(f"annotation {number} is a {geometry.geom_type}, and not an area")
    return parts


def read_class_map(
    content: bytes,
    indices: Mapping[str, int],
    *,
    height_px: int,
    width_px: int,
    placement: Placement,
    background: int,
) -> ClassMap:
    """The class map, (height_px, width_px) uint8, of a file of annotations; raises as `read_annotations` does."""
    regions = read_annotations(content, indices)
    return draw_regions(regions, height_px=height_px, width_px=width_px, placement=placement, background=background)

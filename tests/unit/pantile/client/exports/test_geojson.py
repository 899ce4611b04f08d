"""Class maps go to QuPath's annotations and back with next to nothing lost."""

import json
from pathlib import Path

import numpy as np
import pytest
import shapely
from PIL import Image

from pantile.client.exports.geojson import (
    AnnotationClass,
    Smoothing,
    read_annotations,
    read_class_map,
    write_annotations,
)
from pantile.client.exports.polygons import Placement, trace_regions
from pantile.domain.class_maps import ClassMap
from pantile.domain.errors import AnnotationsRefused

WHOLE = Placement(scale_x=1.0, scale_y=1.0)
CLASSES = [AnnotationClass(index=index, name=f"class {index}", rgb=(index, 0, 255)) for index in range(9)]
INDICES = {each.name: each.index for each in CLASSES}


def speckled(seed: int, *, height: int = 200, width: int = 240) -> ClassMap:
    """A class map of blobs with holes in them, from smoothed noise."""
    noise = np.random.default_rng(seed).normal(size=(height, width))
    for axis in (0, 1):
        noise = np.apply_along_axis(lambda line: np.convolve(line, np.ones(15) / 15, mode="same"), axis, noise)
    cut: ClassMap = np.digitize(noise, np.quantile(noise, [0.3, 0.6, 0.8])).astype(np.uint8)
    return cut


def there_and_back(class_map: ClassMap, placement: Placement, tolerance_px: float) -> float:
    written = write_annotations(
        class_map, CLASSES, placement=placement, smoothing=Smoothing(tolerance_px=tolerance_px), name="x"
    )
    height, width = class_map.shape
    back = read_class_map(written, INDICES, height_px=height, width_px=width, placement=placement, background=255)
    return float((back == class_map).mean())


@pytest.mark.parametrize("seed", range(3))
def test_without_tolerance_every_pixel_comes_back(seed: int) -> None:
    placement = Placement(scale_x=4.0, scale_y=4.0, left=31_000.0, top=8_000.0)

    assert there_and_back(speckled(seed), placement, 0.0) == 1.0


def test_real_class_maps_come_back_in_all_but_a_two_hundredth_of_their_pixels(shared: Path) -> None:
    masks = sorted((shared / "data" / "bcss" / "masks_toy4").glob("*.png"))

    assert masks
    for mask in masks:
        assert there_and_back(np.asarray(Image.open(mask)), WHOLE, 1.0) >= 0.995, mask.name


def test_neighbours_share_their_borders_after_simplifying() -> None:
    regions = trace_regions(speckled(5), tolerance_px=2.0)

    polygons = np.array([region.polygon for region in regions], dtype=object)
    assert shapely.coverage_is_valid(polygons)
    assert shapely.area(polygons).sum() == pytest.approx(200 * 240)


def test_annotations_are_what_qupath_reads() -> None:
    class_map = np.array([[1, 1, 2]], dtype=np.uint8)

    written = write_annotations(
        class_map,
        [AnnotationClass(index=1, name="TUMOR", rgb=(0, 0, 255))],
        placement=Placement(scale_x=4.0, scale_y=4.0, left=100.0, top=200.0),
        smoothing=Smoothing(tolerance_px=0.0),
        name="roi",
    )

    (feature,) = json.loads(written)["features"]
    assert feature["properties"] == {
        "objectType": "annotation",
        "classification": {"name": "TUMOR", "color": [0, 0, 255]},
        "isLocked": False,
    }
    assert shapely.geometry.shape(feature["geometry"]).bounds == (100.0, 200.0, 108.0, 204.0)


def test_the_same_class_map_is_written_in_the_same_bytes() -> None:
    once, again = (
        write_annotations(speckled(1), CLASSES, placement=WHOLE, smoothing=Smoothing(), name="roi") for _ in range(2)
    )

    assert once == again


def test_specks_below_the_least_area_are_left_out() -> None:
    class_map = np.zeros((20, 20), dtype=np.uint8)
    class_map[2:4, 2:4] = 1
    class_map[10:18, 10:18] = 1

    written = write_annotations(
        class_map, CLASSES[1:], placement=WHOLE, smoothing=Smoothing(tolerance_px=0, least_area_px=5), name="roi"
    )

    assert [region.polygon.area for region in read_annotations(written, INDICES)] == [64.0]


def annotation(**changes: object) -> bytes:
    square = {"type": "Polygon", "coordinates": [[[0, 0], [4, 0], [4, 4], [0, 4], [0, 0]]]}
    feature = {"type": "Feature", "geometry": square, "properties": {"classification": {"name": "Class 1"}}} | changes
    return json.dumps({"type": "FeatureCollection", "features": [feature]}).encode()


def test_letter_case_of_a_class_does_not_matter() -> None:
    assert [region.index for region in read_annotations(annotation(), INDICES)] == [1]


def test_a_crossed_outline_is_mended() -> None:
    bow_tie = {"type": "Polygon", "coordinates": [[[0, 0], [4, 4], [4, 0], [0, 4], [0, 0]]]}

    regions = read_annotations(annotation(geometry=bow_tie), INDICES)

    assert sum(region.polygon.area for region in regions) == pytest.approx(8.0)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"{", "it is no JSON"),
        (b"{}", "no list of features"),
        (b"[1]", "no list of features"),
        (annotation(properties={}), "annotation 1 has no class"),
        (annotation(properties={"classification": {"name": "Fog"}}), "annotation 1 is of the class 'Fog'"),
        (annotation(geometry={"type": "Point", "coordinates": [1, 2]}), "annotation 1 is a Point"),
        (annotation(geometry={"type": "Polygon", "coordinates": [[1]]}), "annotation 1 has a geometry"),
        (annotation(geometry=None), "annotation 1 has a geometry"),
    ],
)
def test_what_is_no_annotation_is_refused_with_its_place(content: bytes, sentence: str) -> None:
    with pytest.raises(AnnotationsRefused, match=sentence):
        read_annotations(content, INDICES)

"""Places for ROIs are read as QuPath and spreadsheets write them."""

import json
from pathlib import Path
from typing import Any

import pytest

from pantile.client.rectangles import DrawnRoi, by_slide, read_drawn
from pantile.domain.errors import AnnotationsRefused, FileRefused
from pantile.domain.rois import TissueType
from pantile.domain.slides import Rectangle


def annotation(name: str | None, *corners: tuple[float, float], kind: str = "Polygon") -> dict[str, Any]:
    properties: dict[str, Any] = {"objectType": "annotation"}
    if name is not None:
        properties["classification"] = {"name": name, "color": [200, 0, 0]}
    return {"type": "Feature", "geometry": {"type": kind, "coordinates": [list(corners)]}, "properties": properties}


def square(name: str | None, left: float = 10, top: float = 20, side: float = 100) -> dict[str, Any]:
    right, bottom = left + side, top + side
    return annotation(name, (left, top), (right, top), (right, bottom), (left, bottom), (left, top))


def write(folder: Path, *features: object, name: str = "slide.svs.geojson") -> Path:
    file = folder / name
    file.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    return file


def test_annotations_become_rois_numbered_by_tissue_type(tmp_path: Path) -> None:
    file = write(tmp_path, square("Tumor"), square("Benign", left=500.4), square("tumor", top=-7))

    first, second, third = read_drawn(file)

    assert first == DrawnRoi(
        slide="slide",
        tissue_type=TissueType.TUMOR,
        roi_number=1,
        rectangle=Rectangle(left_px=10, top_px=20, width_px=100, height_px=100),
    )
    assert (second.tissue_type, second.rectangle.left_px) == (TissueType.NORMAL, 500)
    assert (third.roi_number, third.rectangle.top_px) == (2, -7)


def test_a_folder_has_a_file_for_each_slide(tmp_path: Path) -> None:
    write(tmp_path, square("Tumor"), name="b.geojson")
    write(tmp_path, square("Tumor"), square("Normal"), name="a.ndpi.geojson")

    found = by_slide(read_drawn(tmp_path))

    assert {slide: len(rois) for slide, rois in found.items()} == {"a": 2, "b": 1}


def test_a_csv_names_slides_in_its_rows(tmp_path: Path) -> None:
    file = tmp_path / "places.csv"
    file.write_text("slide,left_px,top_px,width_px,height_px,tissue_type\na,1,2,3,4,normal\n\nb,5,6,7,8,\n")

    first, second = read_drawn(file)

    assert (first.slide, first.tissue_type, first.rectangle.height_px) == ("a", TissueType.NORMAL, 4)
    assert (second.slide, second.tissue_type, second.roi_number) == ("b", TissueType.TUMOR, 1)


@pytest.mark.parametrize(
    ("feature", "sentence"),
    [
        (square(None), "slide, annotation 1 has no class; give it Tumor, Normal or Benign"),
        (square("Stroma"), "slide, annotation 1: tissue type 'Stroma' is neither tumor nor normal"),
        (annotation("Tumor", (1, 2), kind="Point"), "slide, annotation 1 is a Point, not a rectangle"),
        (annotation("Tumor"), "slide, annotation 1 is no rectangle"),
        (annotation("Tumor", (1, 1), (1, 1)), "slide, annotation 1 is no rectangle"),
        ({"type": "Feature"}, "slide, annotation 1 has no class"),
        (7, "slide has no list of features"),
    ],
)
def test_what_is_no_place_is_refused_with_its_annotation(tmp_path: Path, feature: object, sentence: str) -> None:
    with pytest.raises(AnnotationsRefused, match=sentence):
        read_drawn(write(tmp_path, feature))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("slide,left_px\n", "the column 'top_px' is missing"),
        ("", "the column 'slide' is missing"),
        ("slide,left_px,top_px,width_px,height_px\na,1,2,x,4\n", "line 2: invalid literal"),
        ("slide,left_px,top_px,width_px,height_px\na,1,2,0,4\n", "line 2: a rectangle of 0 x 4 px has no area"),
        ("slide,left_px,top_px,width_px,height_px\na,1,2,3,4\na,9,2,3,4\n", "a has two tumor ROIs with the number 1"),
    ],
)
def test_a_wrong_csv_is_refused_with_its_line(tmp_path: Path, text: str, sentence: str) -> None:
    file = tmp_path / "places.csv"
    file.write_text(text)

    with pytest.raises(AnnotationsRefused, match=sentence):
        read_drawn(file)


def test_a_folder_without_files_and_no_file_are_told(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none.csv"):
        with pytest.raises(FileRefused):
            read_drawn(path)

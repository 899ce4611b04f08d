"""Cell tables are read from CSV and GeoJSON; what is no cell is told with its place."""

import json
from pathlib import Path

import pytest

from pantile.client.compartments import read_cells
from pantile.domain.errors import CellsRefused


def _points(*features: object) -> str:
    return json.dumps({"type": "FeatureCollection", "features": features})


def test_a_csv_is_named_after_its_roi_or_has_a_column_of_them(tmp_path: Path) -> None:
    (tmp_path / "a_tumor.csv").write_text("X,Y\n1,2\n3.5,4\n")
    (tmp_path / "all.csv").write_text("roi,x,y,type\nb_tumor,1,2,lymphocyte\nc_tumor,3,4,\n")

    found = read_cells(tmp_path)

    assert {name: (own.x.tolist(), own.y.tolist(), own.types) for name, own in found.items()} == {
        "a_tumor": ([1.0, 3.5], [2.0, 4.0], ["cell", "cell"]),
        "b_tumor": ([1.0], [2.0], ["lymphocyte"]),
        "c_tumor": ([3.0], [4.0], ["cell"]),
    }


def test_points_and_the_centres_of_outlines_are_read_from_geojson(tmp_path: Path) -> None:
    classified = {"objectType": "detection", "classification": {"name": "Tumor"}}
    square = [[[0, 0], [4, 0], [4, 2], [0, 2], [0, 0]]]
    (tmp_path / "a.geojson").write_text(
        _points(
            {"geometry": {"type": "Point", "coordinates": [1, 2]}, "properties": classified},
            {"geometry": {"type": "Polygon", "coordinates": square}, "properties": {}},
        )
    )

    cells = read_cells(tmp_path / "a.geojson")["a"]

    assert list(zip(cells.x, cells.y, cells.types, strict=True)) == [(1, 2, "Tumor"), (2, 1, "cell")]


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.csv", "x,type\n1,b\n", "a.csv has no column y"),
        ("a.csv", "x,y\n1,2\n1,here\n", "a.csv, line 3: x or y is no number"),
        ("a.csv", "x,y\n1,nan\n", "a.csv, line 2: x or y is no number"),
        ("a.geojson", "{", "a.geojson is no JSON"),
        ("a.geojson", "{}", "a.geojson has no list of features"),
        (
            "a.geojson",
            _points({"geometry": {"type": "LineString", "coordinates": [[0, 0], [1, 1]]}}),
            "a.geojson: feature 1 is neither a point nor an area",
        ),
    ],
)
def test_what_is_no_cell_is_told_with_its_place(tmp_path: Path, name: str, text: str, said: str) -> None:
    (tmp_path / name).write_text(text)

    with pytest.raises(CellsRefused) as refused:
        read_cells(tmp_path / name)

    assert said in str(refused.value)

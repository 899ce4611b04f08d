"""Cell tables of other tools read from this machine, and counted by class of tissue as a table."""

import csv
import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from pantile.class_map_files import decode_class_map
from pantile.client.downloads import Download, download_files
from pantile.domain.class_maps import ClassMap
from pantile.domain.compartments import CellCounts, Cells, count_cells
from pantile.domain.csv_text import Cell, read_csv_rows, write_csv
from pantile.domain.errors import CellsRefused, FileRefused
from pantile.schemas.results import ResultOut

COLUMNS = (
    *("cohort", "case", "slide", "roi", "tissue_type", "segmenter", "segmenter_version", "class", "group"),
    *("area_mm2", "cell_type", "cells", "cells_per_mm2"),
)
ALL_TYPES = "all"
"""The cell type of rows that count all types together."""

_SUFFIXES = (".csv", ".geojson", ".json")
_MOST_BYTES = 2 << 30


def read_cells(path: Path) -> dict[str, Cells]:
    """Cells by the name of the ROI or slide in which they lie.

    A file is named after it, or is CSV with a column `roi`. CSV has the columns x, y and perhaps type; GeoJSON has
    points, or areas whose centre counts, with QuPath's classification as type.

    Raises:
        FileRefused: there is no such file, or it cannot be read.
        CellsRefused: something in it is no cell; file and line or feature are named.
    """
    if path.is_dir():
        files = sorted(each for each in path.iterdir() if each.suffix.lower() in _SUFFIXES)
        if not files:
            raise FileRefused(f"{path} has no .csv or .geojson file")
        found: dict[str, Cells] = {}
        for file in files:
            own = read_cells(file)
            if twice := sorted(set(own) & set(found)):
                raise CellsRefused(f"{file.name}: the cells of {twice[0]} are in two files")
            found |= own
        return found
    text = _read(path)
    parsed = _parse_csv(text, path) if path.suffix.lower() == ".csv" else _parse_geojson(text, path)
    by_name: dict[str, list[_Cell]] = {}
    for cell in parsed:
        by_name.setdefault(cell.where, []).append(cell)
    return {name: _cells(own) for name, own in by_name.items()}


@dataclass(frozen=True, slots=True)
class _Cell:
    where: str
    x: float
    y: float
    type: str


def _cells(cells: Sequence[_Cell]) -> Cells:
    return Cells(np.array([cell.x for cell in cells]), np.array([cell.y for cell in cells]), [c.type for c in cells])


def _read(path: Path) -> str:
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise FileRefused(f"{path} has more than {_MOST_BYTES >> 30} GiB")
        return path.read_text("utf-8-sig")
    except OSError as error:
        raise FileRefused(f"{path}, {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise FileRefused(f"{path} is not text in UTF-8") from error


def _parse_csv(text: str, path: Path) -> Iterator[_Cell]:
    try:
        (_, header), *rows = list(read_csv_rows(text.splitlines(keepends=True))) or [("line 1", [])]
    except csv.Error as error:
        raise CellsRefused(f"{path.name} is not CSV, {error}") from error
    columns = [name.strip().lower() for name in header]
    if missing := [name for name in ("x", "y") if name not in columns]:
        raise CellsRefused(f"{path.name} has no column {missing[0]}; it has {', '.join(columns)[:200]}")
    for where, row in rows:
        given = dict(zip(columns, row, strict=False))
        try:
            x, y = float(given.get("x", "")), float(given.get("y", ""))
        except ValueError as error:
            raise CellsRefused(f"{path.name}, {where}: x or y is no number") from error
        if not (math.isfinite(x) and math.isfinite(y)):
            raise CellsRefused(f"{path.name}, {where}: x or y is no number")
        yield _Cell(given.get("roi") or path.stem, x, y, given.get("type") or "cell")


def _parse_geojson(text: str, path: Path) -> Iterator[_Cell]:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise CellsRefused(f"{path.name} is no JSON, {error}") from error
    features = document.get("features") if isinstance(document, dict) else document
    if not isinstance(features, list):
        raise CellsRefused(f"{path.name} has no list of features")
    for number, feature in enumerate(features, start=1):
        try:
            yield from (_Cell(path.stem, x, y, _type_of(feature)) for x, y in _centres(feature["geometry"]))
        except (KeyError, TypeError, ValueError, IndexError, AttributeError, ZeroDivisionError) as error:
            raise CellsRefused(f"{path.name}: feature {number} is neither a point nor an area") from error


def _type_of(feature: Mapping[str, Any]) -> str:
    properties = feature.get("properties") or {}
    classification = properties.get("classification") or {}
    return str(classification.get("name") or properties.get("type") or "cell")


def _centres(geometry: Mapping[str, Any]) -> Iterator[tuple[float, float]]:
    kind, coordinates = geometry["type"], geometry["coordinates"]
    if kind == "Point":
        yield float(coordinates[0]), float(coordinates[1])
    elif kind == "MultiPoint":
        yield from ((float(x), float(y)) for x, y, *_ in coordinates)
    elif kind == "Polygon":
        yield _centroid(coordinates[0])
    else:
        raise ValueError(kind)


def _centroid(ring: Sequence[Sequence[float]]) -> tuple[float, float]:
    """The centre of gravity of the area within a closed ring."""
    x, y = np.array([corner[:2] for corner in ring], dtype=np.float64).T
    cross = x[:-1] * y[1:] - x[1:] * y[:-1]
    area = cross.sum() / 2
    if area == 0:
        return float(x.mean()), float(y.mean())
    return float(((x[:-1] + x[1:]) * cross).sum() / (6 * area)), float(((y[:-1] + y[1:]) * cross).sum() / (6 * area))


def find_cells(result: ResultOut, cells: Mapping[str, Cells]) -> Cells | None:
    """The cells in a result's ROI, in pixels of its image; those of its slide where they are named after that."""
    if result.roi in cells:
        return cells[result.roi]
    if result.place is None or result.slide not in cells:
        return None
    return cells[result.slide].moved(left=result.place.left_px, top=result.place.top_px)


def count_in(result: ResultOut, class_map: ClassMap, cells: Cells) -> CellCounts:
    """Cells, in pixels of an ROI's image, by the class of its class map."""
    height, width = class_map.shape
    own = result.class_map
    return count_cells(class_map, cells, scale_x=own.extent_width_px / width, scale_y=own.extent_height_px / height)


def compartment_rows(
    cohort: str, result: ResultOut, counts: CellCounts, indices: Mapping[str, int]
) -> Iterator[tuple[Cell, ...]]:
    """A row for each class and cell type, and for all types together; `indices` are those of the classes' names.

    Types that lie somewhere in the ROI have a row in each of its classes, so that none is taken for not looked for.
    """
    types = sorted({name for own in counts.by_class.values() for name in own})
    what = (
        *(cohort, result.case, result.slide, result.roi, result.tissue_type.value),
        *(result.segmenter, result.segmenter_version),
    )
    for area in result.class_map.areas:
        own = counts.by_class.get(indices[area.name], {})
        for name, number in [*((kind, own.get(kind, 0)) for kind in types), (ALL_TYPES, sum(own.values()))]:
            density = number / area.area_mm2 if area.area_mm2 else None
            yield (*what, area.name, area.group.value, area.area_mm2, name, number, density)


@dataclass(slots=True)
class Counted:
    """Rows of ROIs whose cells were counted, cells beyond their ROI's class map, names used, and what failed."""

    rows: list[tuple[Cell, ...]] = field(default_factory=list)
    rois: int = 0
    outside: int = 0
    used: set[str] = field(default_factory=set)
    problems: list[str] = field(default_factory=list)


def count_results(
    results: Sequence[ResultOut],
    cells: Mapping[str, Cells],
    counted: Counted,
    *,
    cohort: str,
    indices: Mapping[tuple[str, str], Mapping[str, int]],
) -> None:
    """Downloads the class maps of results that have cells, and adds what is counted to `counted`.

    `indices` are those of the classes' names, by segmenter and version.
    """
    pairs = [(result, found) for result in results if (found := find_cells(result, cells)) is not None]
    with TemporaryDirectory(prefix="pantile-compartments-") as scratch:
        files = {result.class_map.sha256: Path(scratch, result.class_map.sha256) for result, _ in pairs}
        urls = {result.class_map.sha256: result.class_map.url for result, _ in pairs}
        failed = download_files(
            [Download(url=urls[sha256], file=file, sha256=sha256) for sha256, file in files.items()], lambda: None
        )
        for result, found in pairs:
            file = files[result.class_map.sha256]
            if result.class_map.format != "png":
                counted.problems.append(f"{result.roi}: cells are counted in ROIs, and this is a whole slide")
                continue
            if file in failed:
                counted.problems.append(f"{result.roi}: {failed[file]}")
                continue
            counts = count_in(result, decode_class_map(file.read_bytes()), found)
            of_segmenter = indices[result.segmenter, result.segmenter_version]
            counted.rows += compartment_rows(cohort, result, counts, of_segmenter)
            counted.rois += 1
            # Of a slide's cells most lie beyond any one ROI.
            counted.outside += counts.outside if result.roi in cells else 0
            counted.used |= {result.roi, result.slide}


def compartment_table(rows: Iterable[Sequence[Cell]]) -> str:
    """CSV of cells by class."""
    return write_csv(COLUMNS, rows)

"""Rectangles for ROIs, as people draw them: QuPath's annotations as GeoJSON, or a CSV of places."""

import csv
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import floor
from pathlib import Path
from typing import Any

from pantile.domain.csv_text import read_csv_rows
from pantile.domain.errors import AnnotationsRefused, FileRefused
from pantile.domain.rois import TissueType, parse_tissue_type
from pantile.domain.slides import Rectangle

COLUMNS = ("slide", "left_px", "top_px", "width_px", "height_px", "tissue_type", "roi_number")
"""Columns of a CSV of places; the last two may be absent."""

_NEEDED = COLUMNS[:5]
_MOST_BYTES = 64 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnRoi:
    """An ROI as somebody placed it on a slide."""

    slide: str
    tissue_type: TissueType
    roi_number: int
    rectangle: Rectangle


def read_drawn(path: Path) -> list[DrawnRoi]:
    """The ROIs in a CSV, in a GeoJSON file named after its slide, or in all GeoJSON files of a folder.

    Raises:
        FileRefused: there is no such file, or it cannot be read.
        AnnotationsRefused: something in it is no place for an ROI; file and line or annotation are named.
    """
    if path.is_dir():
        files = sorted(path.glob("*.geojson"))
        if not files:
            raise FileRefused(f"{path} has no .geojson file")
        return [roi for file in files for roi in read_drawn(file)]
    text = _read(path)
    drawn = list(_read_csv(text) if path.suffix.lower() == ".csv" else _read_geojson(text, slide=_slide_of(path)))
    twice = [
        key
        for key, times in Counter((roi.slide, roi.tissue_type, roi.roi_number) for roi in drawn).items()
        if times > 1
    ]
    if twice:
        slide, tissue_type, number = twice[0]
        raise AnnotationsRefused(f"{path.name}: {slide} has two {tissue_type} ROIs with the number {number}")
    return drawn


def _read(path: Path) -> str:
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise FileRefused(f"{path} has more than {_MOST_BYTES >> 20} MiB")
        return path.read_text("utf-8-sig")
    except OSError as error:
        raise FileRefused(f"{path}, {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise FileRefused(f"{path} is no UTF-8 text") from error


def _slide_of(path: Path) -> str:
    """The slide that a file is named after; QuPath adds the ending of the image's own name."""
    stem = path.name.removesuffix(".geojson")
    for ending in (".svs", ".ndpi", ".mrxs", ".scn", ".tif", ".tiff", ".dcm"):
        stem = stem.removesuffix(ending)
    return stem


def _read_geojson(text: str, *, slide: str) -> Iterator[DrawnRoi]:
    """Numbers go up within a tissue type, in the order of the file."""
    numbers: Counter[TissueType] = Counter()
    for place, feature in enumerate(_features(text, slide), start=1):
        where = f"{slide}, annotation {place}"
        tissue_type = _tissue_type(feature, where)
        numbers[tissue_type] += 1
        rectangle = _bounds(feature, where)
        yield DrawnRoi(slide=slide, tissue_type=tissue_type, roi_number=numbers[tissue_type], rectangle=rectangle)


def _features(text: str, slide: str) -> list[Mapping[str, Any]]:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise AnnotationsRefused(f"{slide} is no JSON, {error}") from error
    features = document.get("features") if isinstance(document, dict) else document
    if not isinstance(features, list) or not all(isinstance(each, dict) for each in features):
        raise AnnotationsRefused(f"{slide} has no list of features")
    return features


def _tissue_type(feature: Mapping[str, Any], where: str) -> TissueType:
    properties = feature.get("properties")
    classification = properties.get("classification") if isinstance(properties, dict) else None
    name = classification.get("name") if isinstance(classification, dict) else None
    if not isinstance(name, str):
        raise AnnotationsRefused(f"{where} has no class; give it Tumor, Normal or Benign")
    try:
        return parse_tissue_type(name)
    except ValueError as error:
        raise AnnotationsRefused(f"{where}: {error}") from error


def _bounds(feature: Mapping[str, Any], where: str) -> Rectangle:
    """The rectangle around a polygon, to whole pixels; a rectangle of QuPath's is its own."""
    try:
        geometry = feature["geometry"]
        if geometry["type"] != "Polygon":
            raise AnnotationsRefused(f"{where} is a {geometry['type']}, not a rectangle")
        corners = [(float(x), float(y)) for x, y in geometry["coordinates"][0]]
        left, top = (floor(min(corner[axis] for corner in corners) + 0.5) for axis in (0, 1))
        right, bottom = (floor(max(corner[axis] for corner in corners) + 0.5) for axis in (0, 1))
        return Rectangle(left_px=left, top_px=top, width_px=right - left, height_px=bottom - top)
    except (KeyError, IndexError, TypeError, ValueError, OverflowError) as error:
        raise AnnotationsRefused(f"{where} is no rectangle") from error


def _read_csv(text: str) -> Iterator[DrawnRoi]:
    try:
        rows = list(read_csv_rows(text.splitlines(keepends=True)))
    except csv.Error as error:
        raise AnnotationsRefused(f"it is no CSV, {error}") from error
    header = [name.strip().lower() for name in rows[0][1]] if rows else []
    if missing := [name for name in _NEEDED if name not in header]:
        raise AnnotationsRefused(f"the column {missing[0]!r} is missing")
    for where, cells in rows[1:]:
        yield _drawn_roi(dict(zip(header, cells, strict=False)), where)


def _drawn_roi(cells: Mapping[str, str], where: str) -> DrawnRoi:
    try:
        left, top, width, height = (int(cells[name]) for name in _NEEDED[1:])
        return DrawnRoi(
            slide=cells["slide"].strip(),
            tissue_type=parse_tissue_type(cells.get("tissue_type") or "tumor"),
            roi_number=int(cells.get("roi_number") or 1),
            rectangle=Rectangle(left_px=left, top_px=top, width_px=width, height_px=height),
        )
    except (KeyError, ValueError) as error:
        raise AnnotationsRefused(f"{where}: {error}") from error


def by_slide(drawn: Sequence[DrawnRoi]) -> dict[str, list[DrawnRoi]]:
    """The ROIs of each slide, in the order in which slides first appear."""
    found: dict[str, list[DrawnRoi]] = {}
    for roi in drawn:
        found.setdefault(roi.slide, []).append(roi)
    return found

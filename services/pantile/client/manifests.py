"""Manifests on this machine: a CSV or Parquet file, or a folder of images, read and checked before anything is sent."""

import csv
import math
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TextIO

from pantile.domain.cohorts import IMAGE_SUFFIXES, MAX_ROWS, Cells, ManifestRow, read_rows, refuse_rows
from pantile.domain.csv_text import read_csv_rows
from pantile.domain.errors import ExtraMissing, FileRefused, ManifestRefused

_FIRST_LINE_CHARACTERS = 1 << 16
_DELIMITERS = ",;\t"
_TABLE_SUFFIXES = (".csv", ".tsv", ".txt")
_PARQUET_SUFFIXES = (".parquet", ".pq")
_PRODUCTS = ("_mask", "_class_map", "_overlay")
"""Endings of pictures made of ROIs, by the study or by `pantile results`: they may lie beside the ROIs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalRoi:
    """A row of a manifest, and the file on this machine that it means; None for an address."""

    row: ManifestRow
    file: Path | None


@dataclass(frozen=True, slots=True)
class _Table:
    """Rows as they were read; each has the label that names it in messages ("line 7", or the file's name)."""

    columns: Sequence[str]
    rows: Sequence[tuple[str, Cells]]
    folder: Path


def read_manifest(path: Path, *, cohort: str | None = None, mpp: float | None = None) -> list[LocalRoi]:
    """The ROIs that a manifest or a folder names; relative paths are relative to the manifest's folder.

    Args:
        path: a CSV file (comma, semicolon or tab), a Parquet file, or a folder, which is searched for images.
        cohort: the cohort of rows without one in their column, whatever their name says.
        mpp: the mpp of rows that have none, neither in a column nor in the file's name.

    Raises:
        ManifestRefused: a row is wrong, names an ROI twice, or a file that is not there; the lines are named.
        FileRefused: the manifest itself cannot be read.
        ExtraMissing: it is Parquet, and pyarrow is not installed.
    """
    try:
        table = _read_table(path)
    except OSError as error:
        raise FileRefused(f"{path}, {error.strerror or error}") from error
    return _check_rows(table, cohort=cohort, mpp=mpp)


def _read_table(path: Path) -> _Table:
    suffix = path.suffix.lower()
    if path.is_dir():
        return _read_folder(path)
    if suffix in _PARQUET_SUFFIXES:
        return _read_parquet(path)
    if suffix in _TABLE_SUFFIXES:
        return _read_csv(path)
    if not path.exists():
        raise FileRefused(f"there is no {path}")
    raise ManifestRefused(f"{path} is neither a .csv nor a .parquet file; images are submitted by naming their folder")


def _read_folder(folder: Path) -> _Table:
    names = sorted(islice(find_images(folder), MAX_ROWS + 1))
    if not names:
        raise ManifestRefused(f"there is no image in {folder} ({', '.join(IMAGE_SUFFIXES)})")
    _check_length(len(names))
    return _Table(("path",), [(name, {"path": name}) for name in names], folder)


def find_images(folder: Path) -> Iterator[str]:
    """The images below a folder, by their path in it; neither hidden files nor class maps and overlays."""
    for here, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in files:
            file = Path(here, name)
            is_product = file.stem.lower().endswith(_PRODUCTS)
            if file.suffix.lower() in IMAGE_SUFFIXES and not name.startswith(".") and not is_product:
                yield file.relative_to(folder).as_posix()


def _read_csv(path: Path) -> _Table:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            header, rows = _parse_csv(file)
    except UnicodeDecodeError as error:
        raise ManifestRefused(f"{path} is not text in UTF-8; save it as CSV in UTF-8") from error
    except csv.Error as error:
        raise ManifestRefused(f"{path} is not valid CSV, {error}") from error
    refuse_rows(
        (label, f"{len(row)} cells under {len(header)} columns") for label, row in rows if len(row) > len(header)
    )
    return _Table(
        header, [(label, dict(zip(header, row, strict=False))) for label, row in rows], path.absolute().parent
    )


def _parse_csv(file: TextIO) -> tuple[list[str], list[tuple[str, list[str]]]]:
    """The header's names, and the rows with the line on which each begins; empty rows are left out."""
    first = ""
    while not first.strip() and (first := file.readline(_FIRST_LINE_CHARACTERS)):
        pass
    file.seek(0)
    delimiter = max(_DELIMITERS, key=first.count)
    (_, header), *rows = list(islice(read_csv_rows(file, delimiter=delimiter), MAX_ROWS + 2)) or [("line 1", [])]
    _check_length(len(rows))
    names = [name.strip().lower() for name in header]
    if delimiter == ";" and "mpp" in names:
        _accept_decimal_commas([row for _, row in rows], names.index("mpp"))
    return names, rows


def _check_length(rows: int) -> None:
    """Raises `ManifestRefused` for more rows than one submission may have; nobody read on to count them."""
    if rows > MAX_ROWS:
        raise ManifestRefused(f"it names more images than the {MAX_ROWS:,} that are taken at once")


def _accept_decimal_commas(rows: Iterable[list[str]], column: int) -> None:
    # Spreadsheets separate by semicolons where a comma is the decimal mark.
    for row in rows:
        if column < len(row):
            row[column] = row[column].replace(",", ".")


def _read_parquet(path: Path) -> _Table:
    try:
        from pyarrow import ArrowException, parquet  # noqa: PLC0415 — an extra, and slow to load
    except ImportError as error:
        raise ExtraMissing("reading Parquet needs pyarrow: pip install 'pantile[analysis]'") from error
    if not path.is_file():
        raise FileRefused(f"there is no {path}")
    try:
        _check_length(parquet.read_metadata(path).num_rows)
        records = parquet.read_table(path).to_pylist()
    except ArrowException as error:
        raise ManifestRefused(f"{path} is not valid Parquet, {error}") from error
    columns = [name for name in (records[0] if records else {}) if not name.startswith("__index_level_")]
    rows = [{name: _cell_text(record[name]) for name in columns} for record in records]
    return _Table(columns, [(f"row {number}", cells) for number, cells in enumerate(rows, 1)], path.absolute().parent)


def _cell_text(value: object) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    return f"{value:g}" if isinstance(value, float) and value.is_integer() else str(value)


def _check_rows(table: _Table, *, cohort: str | None, mpp: float | None) -> list[LocalRoi]:
    rows = read_rows(table.rows, columns=table.columns, cohort=cohort, mpp=mpp)
    rois = [LocalRoi(row=row, file=None if row.is_remote else table.folder / row.path) for row in rows]
    refuse_rows(
        (label, f"there is no file {roi.file}")
        for (label, _), roi in zip(table.rows, rois, strict=True)
        if roi.file is not None and not roi.file.is_file()
    )
    return rois

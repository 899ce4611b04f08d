"""CSV text that a spreadsheet takes for what it is."""

import csv
import io
from collections.abc import Iterable

Cell = str | int | float | None

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")


def write_csv(columns: Iterable[str], rows: Iterable[Iterable[Cell]]) -> str:
    """CSV text under a header; no text cell is read as a formula, and None is an empty cell."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_write_cell(cell) for cell in row] for row in rows)
    return text.getvalue()


def _write_cell(cell: Cell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, float):
        return f"{cell:.9g}"
    if isinstance(cell, str) and cell.startswith(_FORMULA_STARTS):
        # An apostrophe makes it text (OWASP, CSV injection).
        return f"'{cell}"
    return str(cell)

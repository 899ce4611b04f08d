"""CSV text: read row by row, and written so that a spreadsheet takes it for what it is."""

import csv
import io
import re
from collections.abc import Iterable, Iterator

Cell = str | int | float | None

# What begins a formula, in wide letters, too; and not only at the start of a cell, since a spreadsheet that separates
# by semicolons or tabs finds other cells (OWASP, CSV injection).
_FORMULA = re.compile(r"(?:^|(?<=[;\t\r\n]))(?=[\s\ufeff]*[=+@\uff1d\uff0b\uff0d\uff20-].)")

_SPECIAL = re.compile('[,"\r\n]')


def read_csv_rows(text: Iterable[str], *, delimiter: str = ",") -> Iterator[tuple[str, list[str]]]:
    """The rows that are not empty, each with the line on which it begins ("line 7").

    Raises:
        csv.Error: it is not CSV, or a cell has more than 131,072 characters.
    """
    reader = csv.reader(text, delimiter=delimiter, strict=True)
    begins = 1
    for row in reader:
        if any(cell.strip() for cell in row):
            yield f"line {begins}", row
        begins = reader.line_num + 1


def write_csv(columns: Iterable[str], rows: Iterable[Iterable[Cell]], *, delimiter: str = ",") -> str:
    """CSV text under a header; no text cell is read as a formula, and None is an empty cell."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, lineterminator="\n")
    writer.writerow(_write_cell(column) for column in columns)
    writer.writerows([_write_cell(cell) for cell in row] for row in rows)
    return text.getvalue()


def csv_line(cells: Iterable[Cell], *, is_safe: bool = False) -> str:
    """A line of CSV whose text stays as it is, or with `is_safe` cannot be read as a formula by a spreadsheet.

    A cell is quoted where it has a comma, a quote or any end of line, lone carriage returns included, which the csv
    module leaves bare (RFC 4180, 2.6).
    """
    return ",".join(_quoted(_write_cell(cell) if is_safe else _plain(cell)) for cell in cells) + "\n"


def _plain(cell: Cell) -> str:
    return "" if cell is None else str(cell)


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"' if _SPECIAL.search(text) else text


def _write_cell(cell: Cell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, float):
        return f"{cell:.9g}"
    if isinstance(cell, str):
        # An apostrophe makes it text. The csv module leaves a lone carriage return unquoted, which ends a row.
        return _FORMULA.sub("'", cell).replace("\r\n", "\n").replace("\r", "\n")
    return str(cell)

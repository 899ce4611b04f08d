"""A table as the analysis gives it: numbers in CSV, the same numbers for people in HTML, and how many took part."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from math import isnan

from pantile.analysis.estimates import Estimate, show_2
from pantile.domain.csv_text import Cell, write_csv

_FEW_ROWS = 12
"""Tables of so many rows are not broken when the report is printed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Rows under columns, with a name for its file, a title and what has to be known to read it."""

    name: str
    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""
    is_long: bool = False
    """Folded up in the report."""

    def csv(self) -> str:
        """The table as CSV; an unknown number is an empty cell."""
        return write_csv(self.columns, ([_plain(cell) for cell in row] for row in self.rows))

    def html(self) -> str:
        """The table as HTML."""
        kinds = {True: "number", False: "text"}
        of_numbers = [all(_is_number(row[place]) for row in self.rows) for place in range(len(self.columns))]
        head = "".join(
            f"<th scope='col' class='{kinds[is_number]}'>{escape(column)}</th>"
            for column, is_number in zip(self.columns, of_numbers, strict=True)
        )
        body = "".join(
            "<tr>" + "".join(_cell(cell, column) for cell, column in zip(row, self.columns, strict=True)) + "</tr>\n"
            for row in self.rows
        )
        note = f"<p class='note'>{escape(self.note)}</p>" if self.note else ""
        table = (
            f"<table id='{self.name}'><caption>{escape(self.title)}</caption>"
            f"<thead><tr>{head}</tr></thead>\n<tbody>{body}</tbody></table>"
        )
        if not self.is_long:
            kind = "table few" if len(self.rows) <= _FEW_ROWS else "table"
            return f"<div class='{kind}'>{table}</div>{note}"
        summary = f"{escape(self.title)} ({len(self.rows):,} rows)"
        folded = (
            f"<summary data-file='tables/{self.name}.csv'>{summary}</summary><div class='table'>{table}</div>{note}"
        )
        return f"<details>{folded}</details>"


def make_table(
    name: str,
    title: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[Cell]],
    *,
    note: str = "",
    is_long: bool = False,
) -> Table:
    """A table from any sequences."""
    return Table(
        name=name,
        title=title,
        columns=tuple(columns),
        rows=tuple(tuple(row) for row in rows),
        note=note,
        is_long=is_long,
    )


def _plain(cell: Cell) -> Cell:
    return None if isinstance(cell, float) and isnan(cell) else cell


def _is_number(cell: Cell) -> bool:
    return not isinstance(cell, str)


def _cell(cell: Cell, column: str) -> str:
    text = escape(show(cell, column))
    if _is_number(cell):
        return f"<td class='number'>{text}</td>"
    if column == "SHA-256":
        return f"<td class='digest'>{text}</td>"
    if text.endswith("]") or "±" in text:
        return f"<td class='whole'>{text}</td>"
    return f"<td>{text.replace('/', '/<wbr/>')}</td>"


def show(cell: Cell, column: str = "") -> str:
    """A cell for people; p values, whose columns are named so, to three digits."""
    if cell is None or (isinstance(cell, float) and isnan(cell)):
        return "–"
    if isinstance(cell, float):
        return show_p(cell) if column.startswith("p ") or column == "p" else show_2(cell)
    return f"{cell:,}" if isinstance(cell, int) else str(cell)


def show_p(p: float) -> str:
    """A p value for people."""
    return "–" if isnan(p) else ("< 0.001" if p < 0.001 else f"{p:.3f}")


def mean_sd(mean: float, sd: float) -> str:
    """A mean with its standard deviation as in the article: 7.5 ± 1.6."""
    if isnan(mean):
        return "–"
    return f"{mean:.1f}" if isnan(sd) else f"{mean:.1f} ± {sd:.1f}"


def spread(estimate: Estimate) -> tuple[float, float, float]:
    """An estimate as three cells."""
    return estimate.value, estimate.low, estimate.high

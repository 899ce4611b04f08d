"""A table as the analysis gives it: numbers in CSV, the same numbers for people in HTML, and how many took part."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from math import isnan

from pantile.analysis.estimates import Estimate
from pantile.domain.csv_text import Cell, write_csv


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
        head = "".join(f"<th scope='col'>{escape(column)}</th>" for column in self.columns)
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
            return f"<div class='table'>{table}</div>{note}"
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


def _cell(cell: Cell, column: str) -> str:
    text = escape(show(cell, column))
    if isinstance(cell, str):
        return f"<td class='digest'>{text}</td>" if column == "SHA-256" else f"<td>{text}</td>"
    return f"<td class='number'>{text}</td>"


def show(cell: Cell, column: str = "") -> str:
    """A cell for people; p values, whose columns are named so, to three digits."""
    if cell is None or (isinstance(cell, float) and isnan(cell)):
        return "–"
    if isinstance(cell, float):
        return show_p(cell) if column.startswith("p ") or column == "p" else f"{cell:.2f}"
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

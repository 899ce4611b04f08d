"""What commands write: words on standard output, complaints on standard error, tables, bars, amounts for people."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

_PIPE_WIDTH = 240
"""Columns where output goes to a file or a pipe, so that no cell is folded."""

_MINUTE_S, _HOUR_S, _DAY_S = 60, 3600, 86400


def make_console(*, stderr: bool = False) -> Console:
    """A console as wide as its terminal, or wide enough where there is none."""
    console = Console(stderr=stderr, highlight=False)
    return console if console.is_terminal else Console(stderr=stderr, highlight=False, width=_PIPE_WIDTH)


def say(text: str) -> None:
    """Writes a line, as it is."""
    make_console().print(text, markup=False, soft_wrap=True)


def complain(text: str) -> None:
    """Writes a red line on standard error."""
    make_console(stderr=True).print(Text(text, style="red"), soft_wrap=True)


def remark(text: str) -> None:
    """Writes a line on standard error that is no complaint."""
    make_console(stderr=True).print(Text(text, style="yellow"), soft_wrap=True)


def show_table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Writes a table; numbers to the right."""
    table = Table(box=None, pad_edge=False, header_style="bold", show_header=any(columns))
    for number, column in enumerate(columns):
        is_number = bool(rows) and all(isinstance(row[number], int | float) for row in rows)
        table.add_column(column, justify="right" if is_number else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(str(cell)) for cell in row))
    make_console().print(table)


def count(number: int, noun: str) -> str:
    """A number with its noun: 1 image, 2 images, 1,200 images."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def amount(size: int) -> str:
    """A size for people: 340 B, 12.5 MB."""
    value = float(size)
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} TB"


def duration(seconds: float) -> str:
    """A time for people: 45 s, 12 min, 3 h 20 min, 2 d 4 h."""
    if seconds < _MINUTE_S:
        return f"{seconds:.0f} s"
    if seconds < _HOUR_S:
        return f"{seconds / _MINUTE_S:.0f} min"
    if seconds < _DAY_S:
        return f"{seconds // _HOUR_S:.0f} h {seconds % _HOUR_S // _MINUTE_S:.0f} min"
    return f"{seconds // _DAY_S:.0f} d {seconds % _DAY_S // _HOUR_S:.0f} h"

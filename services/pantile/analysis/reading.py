"""What reading a file of the study brings to light: problems by line, which refuse it, and remarks, which are told."""

import csv
import hashlib
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pantile.domain.csv_text import read_csv_rows
from pantile.domain.errors import FileRefused, ScoresRefused

MISSING = frozenset({"", "NA", "NaN", "nan", "N/A", "'--", "--"})
"""What stands for nothing: in R's files, in pandas', in the GDC's."""


@dataclass(slots=True)
class Problems:
    """What is wrong with a file, line by line."""

    file: str
    found: list[str] = field(default_factory=list)

    def add(self, where: str, sentence: str) -> None:
        """Notes a problem."""
        self.found.append(f"{where}: {sentence}")

    def raise_if_any(self) -> None:
        """Refuses the file if there is a problem.

        Raises:
            ScoresRefused: there is one.
        """
        if self.found:
            raise ScoresRefused.by_line(self.found, file=self.file)


@dataclass(frozen=True, slots=True, kw_only=True)
class InputFile:
    """A file that was read: its name, its digest, how many rows, and what is to be known of them."""

    role: str
    name: str
    sha256: str
    rows: int
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TextFile:
    """A file's text and digest."""

    name: str
    text: str
    sha256: str

    def rows(
        self, required: tuple[str, ...], *, delimiter: str = ",", verbatim: tuple[str, ...] = ()
    ) -> Iterator[tuple[str, Mapping[str, str]]]:
        """Its rows by column name, each with its line; spaces around a cell go, but for columns that are `verbatim`.

        Raises:
            ScoresRefused: it is not CSV, has no header, lacks a column, or a row has more cells than the header.
        """
        try:
            # By the ends of lines that CSV knows; there are more in Unicode, which words may have.
            numbered = read_csv_rows(io.StringIO(self.text, newline=""), delimiter=delimiter)
            yield from self._named(numbered, required, verbatim)
        except csv.Error as error:
            raise ScoresRefused(f"{self.name} is not CSV: {error}") from error

    def _named(
        self, numbered: Iterator[tuple[str, list[str]]], required: tuple[str, ...], verbatim: tuple[str, ...]
    ) -> Iterator[tuple[str, Mapping[str, str]]]:
        _, header = next(numbered, ("", []))
        names = [name.strip().lstrip("\ufeff") for name in header]
        if missing := [name for name in required if name not in names]:
            raise ScoresRefused(
                f"{self.name} has no column {', '.join(missing)}; it begins with {', '.join(names[:12])}"
            )
        for where, cells in numbered:
            if len(cells) > len(names):
                raise ScoresRefused(f"{self.name}, {where}: {len(cells)} cells under {len(names)} columns")
            padded = cells + [""] * (len(names) - len(cells))
            yield (
                where,
                {name: cell if name in verbatim else cell.strip() for name, cell in zip(names, padded, strict=True)},
            )


def read_text(path: Path) -> TextFile:
    """A file's text, UTF-8.

    Raises:
        FileRefused: it cannot be read, or is not UTF-8.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise FileRefused(f"{path}: {error.strerror or error}") from error
    return text_file(path.name, content)


def text_file(name: str, content: bytes) -> TextFile:
    """A file's text from its bytes.

    Raises:
        FileRefused: it is not UTF-8.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FileRefused(f"{name} is not UTF-8 at byte {error.start:,}") from error
    return TextFile(name=name, text=text, sha256=hashlib.sha256(content).hexdigest())


def is_missing(cell: str) -> bool:
    """Whether a cell stands for nothing."""
    return cell in MISSING


def how_many(number: int, noun: str) -> str:
    """A number with its noun: 1 row, 1,200 rows."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")

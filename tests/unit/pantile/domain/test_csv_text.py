"""CSV text is read with its lines named, and cannot carry formulas."""

import csv
import io
from pathlib import Path

import pytest

from pantile.domain.csv_text import Cell, read_csv_rows, write_csv


@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        "+1",
        "-2+3",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "\n=1",
        "  =1+1",
        "\ufeff=1",
        "\uff1d1+1",
        '=HYPERLINK("http://x","a")',
    ],
)
def test_text_that_a_spreadsheet_would_calculate_is_marked_as_text(text: str) -> None:
    (cell,) = next(csv.reader(io.StringIO(write_csv(("a",), [(text,)]).partition("\n")[2], newline="")))

    assert cell.startswith("'")
    assert cell.replace("'", "") == text.replace("\r", "\n")


@pytest.mark.parametrize("text", ["a;=1+1", "a\t-1", "a\n@x", "a;  =1"])
def test_neither_does_it_calculate_behind_another_separator(text: str) -> None:
    (cell,) = next(csv.reader(io.StringIO(write_csv(("a",), [(text,)]).partition("\n")[2], newline="")))

    assert cell == text[:2] + "'" + text[2:]


def test_the_header_is_marked_as_the_cells_are() -> None:
    assert write_csv(("=a",), []) == "'=a\n"


@pytest.mark.parametrize("text", ["-", "TCGA-A2-A0D2", "a=b", "a-b; c", "1e-5", "tumor, stroma"])
def test_other_text_is_as_it_was(text: str) -> None:
    assert list(csv.reader(io.StringIO(write_csv(("a",), [(text,)])))) == [["a"], [text]]


@pytest.mark.parametrize(("number", "text"), [(-1.5, "-1.5"), (-3, "-3"), (1e-12, "1e-12"), (0.25, "0.25")])
def test_numbers_stay_numbers(number: Cell, text: str) -> None:
    assert write_csv(("a",), [(number,)]) == f"a\n{text}\n"


def test_what_is_not_known_is_empty() -> None:
    assert write_csv(("a", "b"), [(None, 2)]) == "a,b\n,2\n"


def test_rows_are_named_by_the_line_on_which_they_begin() -> None:
    text = io.StringIO('a,b\n"two\nlines",1\n\n , \nx,2\n', newline="")

    assert list(read_csv_rows(text)) == [
        ("line 1", ["a", "b"]),
        ("line 2", ["two\nlines", "1"]),
        ("line 6", ["x", "2"]),
    ]


def test_csv_is_written_in_one_place_only() -> None:
    root = Path(__file__).parents[4]
    writers = {
        file.name
        for half in ("services", "workers")
        for file in (root / half).rglob("*.py")
        if "csv.writer" in file.read_text("utf-8") or "DictWriter" in file.read_text("utf-8")
    }

    assert writers == {"csv_text.py"}

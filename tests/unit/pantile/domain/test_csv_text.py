"""CSV text cannot carry formulas."""

from pantile.domain.csv_text import write_csv


def test_text_that_a_spreadsheet_would_calculate_is_marked_as_text() -> None:
    assert write_csv(("a",), [("=1+1",), ("@x",)]) == "a\n'=1+1\n'@x\n"


def test_negative_numbers_stay_numbers() -> None:
    assert write_csv(("a",), [(-1.5,)]) == "a\n-1.5\n"


def test_what_is_not_known_is_empty() -> None:
    assert write_csv(("a", "b"), [(None, 2)]) == "a,b\n,2\n"

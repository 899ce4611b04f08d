"""Tables as people read them."""

from math import nan

import pytest

from pantile.analysis.estimates import Estimate
from pantile.analysis.table import make_table, show


def test_headings_stand_over_their_numbers() -> None:
    page = make_table("x", "X", ("Cohort", "Mean", "Best"), [("OV", 8.25, "lung"), ("KIRC", nan, "breast")]).html()

    assert "<th scope='col' class='text'>Cohort</th><th scope='col' class='number'>Mean</th>" in page
    assert "<td>OV</td><td class='number'>8.25</td><td>lung</td>" in page
    assert "<td>KIRC</td><td class='number'>–</td><td>breast</td>" in page


@pytest.mark.parametrize(("rows", "kind"), [(12, "table few"), (13, "table")])
def test_only_short_tables_stay_on_one_page(rows: int, kind: str) -> None:
    assert f"<div class='{kind}'>" in make_table("x", "X", ("n",), [(1,)] * rows).html()


def test_intervals_and_deviations_are_not_broken() -> None:
    page = make_table("x", "X", ("ICC", "Mean"), [("0.71 [0.34, 0.95]", "7.5 ± 1.6")]).html()

    assert "<td class='whole'>0.71 [0.34, 0.95]</td><td class='whole'>7.5 ± 1.6</td>" in page


def test_nothing_rounds_to_less_than_nothing() -> None:
    assert show(-0.001) == "0.00"
    assert str(Estimate(value=-0.001, low=-0.11, high=0.1, n=9)) == "0.00 [-0.11, 0.10]"

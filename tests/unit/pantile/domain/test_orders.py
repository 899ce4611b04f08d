"""Orders are balanced, differ between raters, and can be drawn again."""

from collections import Counter
from itertools import pairwise

import pytest

from pantile.domain.orders import by_lot, case_order, pane_order, rater_orders, williams_design


@pytest.mark.parametrize("count", range(1, 27))
def test_a_williams_design_has_as_many_rows_as_needed_and_balances_every_place(count: int) -> None:
    rows = williams_design(count)

    assert len(rows) == (2 * count if count % 2 else count)
    for place in range(count):
        seen = Counter(row[place] for row in rows)
        assert seen == dict.fromkeys(range(1, count + 1), 2 if count % 2 else 1)


@pytest.mark.parametrize("count", range(2, 27))
def test_in_a_williams_design_each_follows_each_other_equally_often(count: int) -> None:
    seen = Counter(pair for row in williams_design(count) for pair in pairwise(row))

    assert len(seen) == count * (count - 1)
    assert set(seen.values()) == {2 if count % 2 else 1}


def test_nothing_cannot_be_ordered() -> None:
    with pytest.raises(ValueError, match="one number at least"):
        williams_design(0)


def test_any_ten_consecutive_cases_show_each_of_five_twice_in_each_pane() -> None:
    """Check 29."""
    orders = rater_orders(5, seed=3, rater="r1")
    cases = [pane_order(orders, position) for position in range(1, 101)]

    for start in range(91):
        for place in range(5):
            seen = Counter(order[place] for order in cases[start : start + 10])
            assert seen == dict.fromkeys(range(1, 6), 2), (start, place)


def test_raters_differ_in_their_orders_and_each_order_can_be_drawn_again() -> None:
    """Checks 29 and 30."""
    names = [f"roi{number}" for number in range(50)]

    assert rater_orders(5, seed=3, rater="r1") == rater_orders(5, seed=3, rater="r1")
    assert rater_orders(5, seed=3, rater="r1") != rater_orders(5, seed=3, rater="r2")
    assert case_order(names, seed=3, rater="r1") == case_order(reversed(names), seed=3, rater="r1")
    assert case_order(names, seed=3, rater="r1") != case_order(names, seed=3, rater="r2")
    assert case_order(names, seed=3, rater="r1") != case_order(names, seed=4, rater="r1")


def test_what_comes_later_moves_nothing_that_was_there() -> None:
    """Check 30."""
    old = [f"roi{number}" for number in range(50)]
    later = [*old, *(f"late{number}" for number in range(50))]

    kept = [name for name in case_order(later, seed=3, rater="r1") if name in old]

    assert kept == case_order(old, seed=3, rater="r1")


def test_a_lot_is_the_same_on_every_machine() -> None:
    assert by_lot(["a", "b", "c", "d"], "7/jane/cases") == ["d", "b", "a", "c"]

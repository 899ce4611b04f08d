"""Agreement of raters: published examples, pingouin as an oracle, and what has no answer."""

import warnings
from math import isnan

import numpy as np
import pandas as pd
import pingouin  # type: ignore[import-untyped]  # it has no types
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from pantile.analysis.agreement import IccForm, agree, bias, icc, limits_of_agreement, share_within, spearman

SHROUT_FLEISS = np.array(
    [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]], dtype=np.float64
)
"""Shrout & Fleiss 1979, table 2."""


def table(*rows: tuple[float, ...]) -> NDArray[np.float64]:
    return np.array(rows, dtype=np.float64)


@pytest.mark.parametrize(
    ("form", "value"), [(IccForm.CONSISTENCY, 0.71484), (IccForm.AGREEMENT, 0.28976), (IccForm.ONE_WAY, 0.16574)]
)
def test_shrout_and_fleiss_example(form: IccForm, value: float) -> None:
    assert icc(SHROUT_FLEISS, form).value == pytest.approx(value, abs=5e-6)


def test_shrout_and_fleiss_example_has_its_interval() -> None:
    found = icc(SHROUT_FLEISS)

    assert (found.low, found.high) == pytest.approx((0.34246476503392614, 0.9458582599553597), abs=1e-12)


def pingouin_icc(ratings: NDArray[np.float64]) -> dict[str, tuple[float, float, float]]:
    pingouin.options["round.column.CI95"] = None
    rows, columns = np.indices(ratings.shape)
    frame = pd.DataFrame({"t": rows.ravel(), "r": columns.ravel(), "s": ratings.ravel()})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = pingouin.intraclass_corr(data=frame, targets="t", raters="r", ratings="s")
    return {row.Type: (row.ICC, *row.CI95) for row in found.itertuples()}


def test_icc_equals_pingouin_on_200_random_tables() -> None:
    random = np.random.default_rng(6)
    for _ in range(200):
        n, k = int(random.integers(3, 40)), int(random.integers(2, 6))
        truth = random.normal(5, random.uniform(0, 3), size=(n, 1))
        strictness = random.normal(0, random.uniform(0, 2), size=(1, k))
        ratings = np.clip(np.round(truth + strictness + random.normal(0, 1.5, size=(n, k))), 0, 10)

        found = {str(form): icc(ratings, form) for form in IccForm}

        oracle = pingouin_icc(ratings)
        for form, it in found.items():
            assert (it.value, it.low, it.high) == pytest.approx(oracle[form], abs=1e-9)


def test_equal_scores_have_no_icc_and_a_reason() -> None:
    found = icc(table((7, 7), (7, 7), (7, 7)))

    assert isnan(found.value)
    assert found.reason == "the scores do not vary"


@pytest.mark.parametrize("form", list(IccForm))
def test_raters_who_each_say_one_thing_have_no_icc(form: IccForm) -> None:
    assert isnan(icc(table((7, 5), (7, 5), (7, 5)), form).value)


def test_one_constant_rater_has_an_icc_of_zero() -> None:
    assert icc(table((1, 5), (4, 5), (9, 5), (2, 5))).value == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("form", list(IccForm))
def test_perfect_agreement_is_one_without_interval(form: IccForm) -> None:
    found = icc(table((1, 1), (4, 4), (9, 9)), form)

    assert found.value == 1.0
    assert isnan(found.low)
    assert found.reason


def test_a_constant_difference_is_consistent_but_no_agreement() -> None:
    stricter = table((3, 1), (6, 4), (9, 7), (5, 3))

    assert icc(stricter).value == 1.0
    assert icc(stricter, IccForm.AGREEMENT).value < 0.8
    assert bias(stricter).value == -2.0


@pytest.mark.parametrize("ratings", [table((3, 4)), table((3,), (4,), (5,))])
def test_one_rated_or_one_rater_has_no_icc(ratings: NDArray[np.float64]) -> None:
    found = icc(ratings)

    assert isnan(found.value)
    assert found.reason


def test_missing_scores_drop_the_pair_and_are_counted() -> None:
    whole = table((1, 2), (4, 4), (9, 7), (3, 5))
    holes = np.vstack([whole, table((np.nan, 3), (4, np.nan))])

    found = icc(holes)

    assert found.value == icc(whole).value
    assert (found.n, found.dropped) == (4, 2)


def test_centring_takes_out_what_groups_differ_by() -> None:
    random = np.random.default_rng(1)
    groups = np.repeat([0, 1, 2], 200)
    noise = random.normal(0, 1, size=(600, 2))
    ratings = groups[:, None] * 4.0 + noise

    assert icc(ratings).value > 0.85
    assert abs(icc(ratings, groups=list(groups)).value) < 0.1


def test_centring_of_one_group_changes_nothing() -> None:
    plain, centred = icc(SHROUT_FLEISS), icc(SHROUT_FLEISS, groups=["a"] * 6)

    assert (centred.value, centred.low, centred.high) == pytest.approx((plain.value, plain.low, plain.high))


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 10), st.integers(0, 10)), min_size=4, max_size=30))
def test_spearman_with_ties_equals_scipy(pairs: list[tuple[int, int]]) -> None:
    ratings = np.array(pairs, dtype=np.float64)

    found = spearman(ratings)

    if np.ptp(ratings, axis=0).min() == 0:
        assert found.reason == "a rater's scores do not vary"
    else:
        assert found.value == pytest.approx(float(stats.spearmanr(ratings).statistic), abs=1e-12)


def test_bias_has_the_t_interval() -> None:
    ratings = table((5, 6), (7, 7), (4, 6), (8, 7), (3, 5))
    differences = ratings[:, 1] - ratings[:, 0]

    found = bias(ratings)

    expected = stats.ttest_1samp(differences, 0).confidence_interval()
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))


def test_limits_of_agreement_are_the_textbook_ones() -> None:
    ratings = np.random.default_rng(2).normal(5, 2, size=(85, 2))
    differences = ratings[:, 1] - ratings[:, 0]

    found = limits_of_agreement(ratings)

    assert found.high.value == pytest.approx(differences.mean() + 1.959964 * differences.std(ddof=1), abs=1e-6)
    assert found.low.high - found.low.low == pytest.approx(
        2 * stats.t.ppf(0.975, 84) * differences.std(ddof=1) * np.sqrt(1 / 85 + 1.959964**2 / 168), abs=1e-6
    )


def test_a_difference_of_exactly_delta_is_within_it_in_binary_too() -> None:
    assert share_within(table((0.85, 1.0), (1.0, 0.85), (0.3, 0.46)), 0.15).value == pytest.approx(2 / 3)


def test_everything_of_two_raters_is_said_at_once() -> None:
    found = agree(table((5, 6), (7, 7), (np.nan, 6), (8, 7), (3, 5)))

    assert (found.n, found.dropped) == (4, 1)
    assert found.within_one.value == 0.75
    assert found.icc_c1.is_known
    assert found.icc_a1.is_known


def test_nothing_scored_by_both_has_a_reason_everywhere() -> None:
    found = agree(table((5, np.nan), (np.nan, 7)))

    for estimate in (found.icc_c1, found.icc_a1, found.bias, found.spearman, found.within_one, found.kappa, found.ac2):
        assert isnan(estimate.value)
        assert estimate.reason

"""How many to score twice: Bonett's published figures, and the width that a simulation finds."""

import numpy as np
import pytest

from pantile.analysis.agreement import icc
from pantile.analysis.sample_size import bonett, icc_width, plan_icc


def test_bonett_2002_examples() -> None:
    assert bonett(expected_icc=0.85, width=0.2, raters=4) == 20
    assert bonett(expected_icc=0.8, width=0.2, raters=2) == 55


def test_the_plan_is_the_smallest_number_that_is_narrow_enough() -> None:
    plan = plan_icc(expected_icc=0.87, width=0.04, raters=2)

    assert icc_width(expected_icc=0.87, rated=plan.rated, raters=2) <= 0.04
    assert icc_width(expected_icc=0.87, rated=plan.rated - 1, raters=2) > 0.04
    assert plan.rated == pytest.approx(plan.approximate, rel=0.05)


def test_the_article_interval_is_what_its_598_outputs_give() -> None:
    assert icc_width(expected_icc=0.87, rated=598, raters=2) == pytest.approx(0.888 - 0.849, abs=1e-3)


@pytest.mark.parametrize(("expected", "raters"), [(0.5, 2), (0.8, 3)])
def test_simulated_intervals_are_as_wide_as_planned(expected: float, raters: int) -> None:
    plan = plan_icc(expected_icc=expected, width=0.25, raters=raters)
    random = np.random.default_rng(4)
    truth = random.normal(0, np.sqrt(expected), size=(1000, plan.rated, 1))
    noise = random.normal(0, np.sqrt(1 - expected), size=(1000, plan.rated, raters))

    found = [icc(ratings) for ratings in truth + noise]

    assert np.mean([it.high - it.low for it in found]) == pytest.approx(0.25, abs=0.015)
    assert 0.93 < np.mean([it.low <= expected <= it.high for it in found]) < 0.97


@pytest.mark.parametrize(
    ("expected", "width", "raters", "sentence"),
    [
        (1.0, 0.1, 2, "at least 0 and below 1"),
        (0.8, 0.0, 2, "above 0 and below 2"),
        (0.8, 0.1, 1, "two raters or more"),
        (0.5, 1e-4, 2, "more than 1,000,000"),
    ],
)
def test_what_cannot_be_planned_is_refused(expected: float, width: float, raters: int, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        plan_icc(expected_icc=expected, width=width, raters=raters)

"""Agreement beyond chance on the published examples, and against other libraries."""

from math import isnan

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score  # type: ignore[import-untyped]  # it has no types
from statsmodels.stats.inter_rater import cohens_kappa  # type: ignore[import-untyped, unused-ignore]  # it has no types

from pantile.analysis.chance_agreement import SCORES, gwet_ac2, krippendorff_alpha, quadratic_kappa

NONE = float("nan")
KRIPPENDORFF = np.array(
    [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, NONE, NONE, NONE],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, NONE, 3],
        [NONE, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, NONE],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, NONE],
    ]
).T
"""Krippendorff 2011, and Gwet 2014 (page 120), who puts the lone score of the last unit with another rater."""

ABSTRACTORS = np.array([[13, 0, 0], [0, 20, 7], [0, 4, 56]])
"""Gwet's 100 ratings of two abstractors in three categories."""


def test_krippendorff_2011_interval_data() -> None:
    found = krippendorff_alpha(KRIPPENDORFF)

    assert found.value == pytest.approx(0.849, abs=5e-4)
    assert (found.n, found.dropped) == (11, 1)


def test_gwet_ac1_of_four_raters() -> None:
    found = gwet_ac2(KRIPPENDORFF, labels=range(1, 6), weights=np.eye(5))

    assert found.value == pytest.approx(0.77544, abs=5e-6)
    assert found.low == pytest.approx(0.461, abs=5e-4)
    assert found.high == 1.0


def test_gwet_ac2_of_four_raters_with_quadratic_weights() -> None:
    found = gwet_ac2(KRIPPENDORFF, labels=range(1, 6))

    assert found.value == pytest.approx(0.914, abs=5e-4)
    assert found.low == pytest.approx(0.685, abs=5e-4)


def test_gwet_ac2_of_two_abstractors_with_quadratic_weights() -> None:
    rows, columns = np.nonzero(ABSTRACTORS)
    pairs = np.repeat(np.stack([rows, columns], axis=1), ABSTRACTORS[rows, columns], axis=0).astype(np.float64)

    found = gwet_ac2(pairs, labels=range(3))

    assert (found.value, found.low, found.high) == pytest.approx((0.940, 0.905, 0.976), abs=5e-4)


def test_quadratic_kappa_equals_scikit_learn_and_its_interval_statsmodels() -> None:
    random = np.random.default_rng(3)
    for _ in range(50):
        first = random.integers(0, 11, size=40)
        second = np.clip(first + random.integers(-3, 4, size=40), 0, 10)
        joint = np.zeros((11, 11))
        np.add.at(joint, (first, second), 1)

        found = quadratic_kappa(np.stack([first, second], axis=1).astype(np.float64))

        assert found.value == pytest.approx(
            cohen_kappa_score(first, second, labels=list(SCORES), weights="quadratic"), abs=1e-12
        )
        oracle = cohens_kappa(joint, wt="quadratic", return_results=True)
        assert found.low == pytest.approx(max(-1, oracle.kappa_low), abs=1e-6)


def test_constant_scores_have_no_kappa_and_no_alpha_but_full_ac2() -> None:
    same = np.full((5, 2), 7.0)

    assert isnan(quadratic_kappa(same).value)
    assert isnan(krippendorff_alpha(same).value)
    assert gwet_ac2(same).value == pytest.approx(1.0)


def test_a_score_outside_the_scale_is_refused() -> None:
    with pytest.raises(ValueError, match=r"10\.5 is not one of the scores 0 to 10"):
        quadratic_kappa(np.array([[3, 10.5]]))


def test_nothing_scored_twice_has_a_reason() -> None:
    alone = np.array([[3, NONE], [NONE, 4]])

    assert krippendorff_alpha(alone).reason == "nothing was scored twice"
    assert gwet_ac2(alone).reason == "nothing was scored twice"

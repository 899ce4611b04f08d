"""Segmenters ranked by scores, Dice or both, and what the intervals say."""

import numpy as np
import pytest

from pantile.analysis.recommend import Measure, Measured, recommend


def _values(segmenter: str, values: list[float], *, rois_a_case: int = 1) -> list[Measured]:
    return [
        Measured(case=f"case {roi // rois_a_case}", roi=roi, segmenter=segmenter, value=value)
        for roi, value in enumerate(values)
    ]


LUNG = _values("lung", [0.9, 0.8, 1.0, 0.9])
BREAST = _values("breast", [0.8, 0.7, 0.9, 0.8])


def test_the_best_mean_comes_first_with_what_is_behind_it() -> None:
    first, second = recommend([*BREAST, *LUNG], [], Measure.SCORE, draws=500, seed=0)

    assert (first.segmenter, first.rois, first.cases) == ("lung", 4, 4)
    assert first.mean == pytest.approx(0.9)
    assert first.means == {Measure.SCORE: pytest.approx(0.9)}
    assert first.low is not None
    assert first.high is not None
    assert first.low < 0.9 < first.high
    assert second.segmenter == "breast"


def test_differences_between_segmenters_are_paired() -> None:
    # The patients differ by far more than the segmenters, yet one is better on each of them.
    base = np.linspace(0.1, 0.8, 20)
    better = _values("better", (base + 0.05).tolist())
    worse = _values("worse", base.tolist())

    first, second = recommend([*better, *worse], [], Measure.SCORE, draws=500, seed=0)

    assert (first.segmenter, first.first, second.first) == ("better", 1.0, 0.0)
    assert first.low is not None
    assert first.low < second.mean


def test_the_same_seed_gives_the_same_intervals() -> None:
    one, same, other = (recommend([*BREAST, *LUNG], [], Measure.SCORE, draws=200, seed=seed) for seed in (1, 1, 2))

    assert one == same
    assert one != other


def test_rois_of_one_patient_widen_the_interval() -> None:
    values = np.repeat(np.linspace(0.4, 1.0, 10), 4).tolist()

    (alone,) = recommend(_values("lung", values), [], Measure.SCORE, draws=2000, seed=0)
    (together,) = recommend(_values("lung", values, rois_a_case=4), [], Measure.SCORE, draws=2000, seed=0)

    assert (together.rois, together.cases) == (40, 10)
    assert alone.high is not None
    assert alone.low is not None
    assert together.high is not None
    assert together.low is not None
    assert together.high - together.low > 1.5 * (alone.high - alone.low)


def test_both_is_the_mean_of_score_and_dice_of_those_that_have_both() -> None:
    dices = _values("lung", [0.5, 0.7])

    (only,) = recommend([*BREAST, *LUNG], dices, Measure.BOTH, draws=200, seed=0)

    assert only.segmenter == "lung"
    assert only.mean == pytest.approx((0.9 + 0.6) / 2)
    assert only.means == {Measure.SCORE: pytest.approx(0.9), Measure.DICE: pytest.approx(0.6)}


def test_of_one_patient_there_is_no_interval() -> None:
    (only,) = recommend(_values("lung", [0.5, 0.7], rois_a_case=2), [], Measure.SCORE, draws=200, seed=0)

    assert only.mean == pytest.approx(0.6)
    assert (only.low, only.high, only.first) == (None, None, None)


def test_where_nothing_is_known_nothing_is_recommended() -> None:
    assert recommend([], [], Measure.SCORE, draws=200, seed=0) == []
    assert recommend(LUNG, [], Measure.BOTH, draws=200, seed=0) == []


def test_intervals_cover_the_true_mean_about_as_often_as_they_say() -> None:
    random = np.random.default_rng(0)
    hits = 0
    for number in range(400):
        patients = np.repeat(random.normal(0.6, 0.1, 60), 2)
        values = (patients + random.normal(0, 0.05, 120)).tolist()
        (found,) = recommend(_values("lung", values, rois_a_case=2), [], Measure.SCORE, draws=400, seed=number)
        assert found.low is not None
        assert found.high is not None
        hits += found.low <= 0.6 <= found.high

    assert 0.92 <= hits / 400 <= 0.98

"""Intervals by drawing patients: the same for the same seed, paired, and as wide as they have to be."""

import numpy as np
import pytest

from pantile.analysis.bootstrap import draw_means, interval, interval_of_mean, share_at_least
from pantile.analysis.scores import ScoreTable
from pantile.analysis.summaries import summarise
from tests.unit.pantile.analysis.tables import make_table


def two_per_patient(random: np.random.Generator, patients: int) -> ScoreTable:
    """Scores whose patients differ as much as their ROIs; the mean of all is 5."""
    patient = np.repeat(random.normal(0, 1, size=(patients, 1)), 2, axis=0)
    values = 5 + patient + random.normal(0, 1, size=(2 * patients, 5))
    return make_table(
        values, cohorts=["BRCA"] * (2 * patients), cases=np.repeat(np.arange(patients), 2).astype(str).tolist()
    )


def test_the_same_seed_draws_the_same(study: ScoreTable) -> None:
    part = study.where(study.cohorts == "CHOL")

    first, again, other = (draw_means(part, draws=50, seed=seed).cells for seed in (3, 3, 4))

    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_draws_are_centred_on_the_means_of_table_1(study: ScoreTable) -> None:
    draws, summary = draw_means(study, draws=400, seed=1), summarise(study)

    assert np.abs(draws.cells.mean(axis=0) - summary.cells.mean).max() < 0.03
    assert np.abs(draws.columns.mean(axis=0) - summary.columns.mean).max() < 0.01


def test_segmenters_are_drawn_together() -> None:
    values = np.random.default_rng(0).normal(5, 2, size=(40, 1)) + np.array([[0, 1, 2, 3, 4]])
    table = make_table(values, cohorts=["BRCA"] * 40, cases=[str(number) for number in range(40)])

    draws = draw_means(table, draws=100, seed=1).columns

    assert np.allclose(draws[:, 1] - draws[:, 0], 1)


@pytest.mark.parametrize("patients", [10, 40])
def test_intervals_cover_a_known_mean_in_93_to_97_of_100(patients: int) -> None:
    random = np.random.default_rng(8)
    hits = []
    for number in range(400):
        low, high = interval(draw_means(two_per_patient(random, patients), draws=600, seed=number).cells[:, 0])
        hits.append((low <= 5) & (high >= 5))

    assert 0.93 <= np.mean(hits) <= 0.97


def test_drawing_rois_instead_of_patients_would_be_too_narrow() -> None:
    table = two_per_patient(np.random.default_rng(9), 200)
    values, clusters = table.scores[:, 0], table.cases

    by_patient = interval_of_mean(values, clusters, seed=1)
    by_roi = interval_of_mean(values, table.rois, seed=1)

    assert by_patient[1] - by_patient[0] > 1.15 * (by_roi[1] - by_roi[0])


def test_one_patient_alone_has_no_interval() -> None:
    assert all(np.isnan(interval_of_mean(np.array([3.0, 4.0]), np.array(["a", "a"]))))


def test_missing_scores_are_no_zeros() -> None:
    values = np.full((20, 5), 6.0)
    values[:10, 0] = np.nan
    table = make_table(values, cohorts=["BRCA"] * 20, cases=[str(number) for number in range(20)])

    draws = draw_means(table, draws=200, seed=2)

    assert np.nanmin(draws.cells[:, 0, 0]) == pytest.approx(6.0)


def test_the_chance_of_a_mean_is_its_share_of_the_draws() -> None:
    assert share_at_least(np.array([[7.9], [8.0], [8.2], [8.4]]), 8.0).tolist() == [0.75]

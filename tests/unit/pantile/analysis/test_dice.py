"""Dice files, and how far scores agree with Dice beyond what clustering alone gives."""

from pathlib import Path

import numpy as np
import pytest

from pantile.analysis.design import ARTICLE
from pantile.analysis.dice_agreement import compare_dice, deal_anew
from pantile.analysis.dice_files import RATINGS_FILE, image_key, read_dice
from pantile.analysis.generated_files import DICE_FOLDER
from pantile.domain.errors import ScoresRefused


def write(
    folder: Path, *, cohort: str = "01_LUNG_COHORT", model: str = "CRC_MODEL", rows: str = "S1_0.25,roi_1,0.8"
) -> None:
    at = folder / cohort / model
    at.mkdir(parents=True, exist_ok=True)
    (at / "detailed_dice_results.csv").write_text(f"Slide,ROI,Overall_DICE\n{rows}\n")


@pytest.mark.parametrize(
    ("slide", "roi"),
    [("S1_0.2500", "roi_2"), ("S1", "2"), ("S1_0.25_original_roi_2.jpg", ""), ("S1_0.25_tumor_original_roi_2", "")],
)
def test_one_roi_has_one_key_however_its_name_is_cut(slide: str, roi: str) -> None:
    assert image_key(slide, roi) == "S1_roi_2"


def test_dice_meets_the_scores_of_the_same_roi(tmp_path: Path) -> None:
    write(tmp_path)
    ratings = tmp_path / "ratings.csv"
    ratings.write_text(
        "base_image,cohort,COADREAD_score,RCC_score\nS1_0.2500_original_roi_1,LUNG,7,\nS9_0.25_original_roi_1,LUNG,3,4\n"
    )

    table, files = read_dice(tmp_path, ratings, ARTICLE)

    assert (table.dice[0, 1], table.scores[0, 1]) == (0.8, 7)
    assert np.isnan(table.scores[0, 3])
    assert files[-1].remarks == ("1 rated ROI without a Dice result, left out",)


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        ("S1,1,1.2", "line 2: Dice 1.2 is not between 0 and 1"),
        ("S1,1,high", "line 2: Dice 'high' is no number"),
        ("S1,1,0.5\nS1,roi_1,0.6", "line 3: a second Dice of S1_roi_1"),
    ],
)
def test_dice_that_cannot_be_is_refused(tmp_path: Path, rows: str, sentence: str) -> None:
    write(tmp_path, rows=rows)

    with pytest.raises(ScoresRefused, match=sentence):
        read_dice(tmp_path, None, ARTICLE)


def test_a_path_that_names_no_model_is_refused(tmp_path: Path) -> None:
    write(tmp_path, model="SPLEEN_MODEL")

    with pytest.raises(ScoresRefused, match="names no cohort and known model"):
        read_dice(tmp_path, None, ARTICLE)


def test_a_folder_without_dice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ScoresRefused, match="has no detailed_dice_results"):
        read_dice(tmp_path, None, ARTICLE)


def test_the_generated_dice_have_the_printed_means(generated: Path) -> None:
    table, _ = read_dice(generated / DICE_FOLDER, generated / RATINGS_FILE, ARTICLE)

    assert np.round(table.dice.mean(axis=0), 2)[[0, 2, 4]].tolist() == [0.82, 0.84, 0.69]
    assert np.round(table.dice.std(axis=0, ddof=1), 2)[[0, 2, 4]].tolist() == [0.10, 0.13, 0.17]
    assert round(float(table.dice.mean()), 2) == 0.77


def test_independent_clustered_scores_agree_by_chance_alone_in_over_nine_of_ten() -> None:
    random = np.random.default_rng(0)
    dice = np.clip(random.normal(0.86, 0.05, size=500), 0, 1)
    scores = random.choice([0.8, 0.9], size=500)

    found = deal_anew(np.stack([dice, scores], axis=1), random)

    assert found is not None
    assert found.expected > 0.9
    assert found.p > 0.05


def test_the_baseline_is_the_mean_of_what_dealing_gives() -> None:
    random = np.random.default_rng(1)
    pairs = np.stack([random.random(12), random.random(12)], axis=1)
    dealt = [np.mean(np.abs(pairs[:, 0] - random.permutation(pairs[:, 1])) <= 0.15 + 1e-9) for _ in range(20_000)]

    found = deal_anew(pairs, random)

    assert found is not None
    assert found.expected == pytest.approx(np.mean(dealt), abs=0.003)


def test_dealing_by_kinds_spreads_as_shuffling_all_scores_does() -> None:
    random = np.random.default_rng(2)
    dice = random.beta(4, 2, size=80)
    scores = np.clip(np.round(10 * (dice + random.normal(0, 0.3, size=80))), 0, 10) / 10
    near = np.abs(dice[:, None] - scores[None, :]) <= 0.15 + 1e-9
    shuffled = [near[np.arange(80), random.permutation(80)].mean() for _ in range(20_000)]

    found = deal_anew(np.stack([dice, scores], axis=1), random, draws=20_000)

    assert found is not None
    assert found.expected == pytest.approx(np.mean(shuffled), abs=0.002)
    assert (found.low, found.high) == pytest.approx(np.quantile(shuffled, [0.025, 0.975]), abs=1 / 80 + 1e-9)
    assert found.p == pytest.approx(np.mean(np.array(shuffled) >= near.diagonal().mean()), abs=0.01)


def test_scores_that_follow_dice_beat_the_baseline(generated: Path) -> None:
    table, _ = read_dice(generated / DICE_FOLDER, generated / RATINGS_FILE, ARTICLE)

    found = {(it.cohort, it.segmenter): it for it in compare_dice(table, seed=1)}

    lung = found["lung", "Lung"]
    assert lung.baseline is not None
    assert lung.is_home
    assert lung.within.value > lung.baseline.high
    assert found["prostate", "Breast"].icc_c1.value < 0.4

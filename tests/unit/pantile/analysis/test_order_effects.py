"""Panes, positions and repeats, from the long export."""

import numpy as np
import pytest

from pantile.analysis.design import ARTICLE
from pantile.analysis.long_files import Readings, read_readings
from pantile.analysis.order_effects import measure_order, measure_repeats
from pantile.analysis.reading import text_file
from pantile.domain.errors import ScoresRefused

HEADER = "file_name,tcga_project,model,score,rater,round,position,pane"


def some_readings(*, favoured: float = 0.0, drift: float = 0.0, repeats: int = 0, seed: int = 2) -> Readings:
    random = np.random.default_rng(seed)
    n = 500
    place = np.tile(np.arange(5), n)
    position = np.repeat(np.arange(1, n + 1), 5)
    pane = random.permuted(np.tile(np.arange(5), (n, 1)), axis=1).ravel()
    score = (
        5
        + place * 0.5
        + random.normal(0, 1, 5 * n)
        + np.repeat(random.normal(0, 1, n), 5)
        + favoured * (pane == 0)
        + drift * position / 100
    )
    outputs = np.array([f"roi{at}_model{of}" for at, of in zip(position, place, strict=True)], dtype=np.str_)
    again = np.arange(repeats)
    return Readings(
        outputs=np.concatenate([outputs, outputs[again]]),
        cells=np.array([f"OV\t{of}" for of in [*place, *place[again]]], dtype=np.str_),
        raters=np.array(["r1"] * (5 * n + repeats), dtype=np.str_),
        rounds=np.concatenate([np.ones(5 * n, dtype=np.int64), np.full(repeats, 2)]),
        positions=np.concatenate([position, position[again] + n]),
        panes=np.array(["ABCDE"[it] for it in [*pane, *pane[again]]], dtype=np.str_),
        scores=np.clip(np.round(np.concatenate([score, score[again] + random.normal(0, 0.4, repeats)])), 0, 10),
    )


def test_a_favoured_pane_is_found() -> None:
    found = measure_order(some_readings(favoured=0.5))

    assert found is not None
    assert found.p < 0.001
    assert found.panes[0].mean == pytest.approx(0.4, abs=0.15)


def test_without_an_effect_one_is_claimed_as_rarely_as_the_level_says() -> None:
    found = [measure_order(some_readings(seed=seed)) for seed in range(120)]

    assert np.mean([it is not None and it.p < 0.05 for it in found]) < 0.11
    assert np.mean([it is not None and it.drift.low < 0 < it.drift.high for it in found]) > 0.89


def test_drift_is_given_for_a_hundred_cases() -> None:
    found = measure_order(some_readings(drift=0.3))

    assert found is not None
    assert found.drift.value == pytest.approx(0.3, abs=0.1)


def test_a_rater_is_compared_with_themselves() -> None:
    found = measure_repeats(some_readings(repeats=200))

    assert found["r1"].n == 200
    assert found["r1"].icc_c1.value > 0.8


def test_without_repeats_nobody_is_compared() -> None:
    assert measure_repeats(some_readings()) == {}


def test_long_rows_are_read_and_unscored_ones_counted() -> None:
    content = f"{HEADER}\na_model1.jpg,TCGA-OV,model1,7,r1,1,4,B\nb_model1.jpg,TCGA-OV,model1,,r1,1,5,A\n"

    readings, file = read_readings(text_file("long.csv", content.encode()), ARTICLE)

    assert (readings.scores.tolist(), readings.panes.tolist(), readings.positions.tolist()) == ([7], ["B"], [4])
    assert file.remarks == ("1 row without a score, left out",)


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("a,TCGA-OV,model1,7,r1,one,4,B", "line 2: score, round and position have to be whole numbers"),
        ("a,TCGA-OV,model8,7,r1,1,4,B", "line 2: model 'model8' is unknown"),
        ("a,TCGA-OV,model1,11,r1,1,4,B", "line 2: score 11 is not between 0 and 10"),
        ("", "no scores follow the header"),
    ],
)
def test_long_rows_that_cannot_be_are_refused(line: str, sentence: str) -> None:
    with pytest.raises(ScoresRefused, match=sentence):
        read_readings(text_file("long.csv", f"{HEADER}\n{line}\n".encode()), ARTICLE)

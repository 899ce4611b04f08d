"""Which outputs a plate shows."""

import pytest

from pantile.domain.plates import ScoredOutput, choose_by_score, choose_foreign, scale_bar_um
from pantile.domain.rois import TissueType


def _output(
    roi: int, value: float, *, cohort: str = "TCGA-OV", segmenter: str = "lung", tissue: TissueType = TissueType.TUMOR
) -> ScoredOutput:
    return ScoredOutput(
        cohort=cohort,
        roi_id=roi,
        roi=f"roi {roi}",
        segmenter=segmenter,
        job_id=roi,
        tissue_type=tissue,
        mpp=0.25,
        value=value,
    )


SCORED = [_output(roi, roi % 11) for roi in range(110)]


def test_examples_are_of_the_scores_10_8_to_0() -> None:
    rows = choose_by_score(SCORED, examples=2, seed=0)

    assert [row.title for row in rows] == [f"Score {score}" for score in (10, 8, 6, 4, 2, 0)]
    assert all(len(row.outputs) == 2 and f"Score {row.outputs[0].value}" == row.title for row in rows)


def test_the_seed_decides_what_is_shown() -> None:
    one, same, other = (choose_by_score(SCORED, examples=2, seed=seed) for seed in (1, 1, 2))

    assert one == same
    assert one != other


def test_no_roi_is_shown_twice_and_none_of_normal_tissue() -> None:
    twice = [_output(1, 10), _output(1, 8, segmenter="breast"), _output(2, 8, tissue=TissueType.NORMAL)]

    rows = choose_by_score(twice, examples=2, seed=0)

    assert [[each.roi_id for each in row.outputs] for row in rows] == [[1]]


def test_the_five_best_foreign_cohorts_are_shown_with_outputs_as_good_as_their_mean() -> None:
    means = {"TCGA-LUAD": 10, "A": 9, "B": 8, "C": 7, "D": 6, "E": 5, "F": 4}
    outputs = [
        _output(10 * number + step, mean + step - 1, cohort=cohort)
        for number, (cohort, mean) in enumerate(means.items())
        for step in range(3)
    ]

    rows = choose_foreign(outputs, "lung", native={"TCGA-LUAD"}, examples=1, seed=3)

    assert [row.title for row in rows] == [f"{name}, mean {means[name]:.1f} (n = 3)" for name in "ABCDE"]
    assert all(each.value >= means[each.cohort] for row in rows for each in row.outputs)
    assert choose_foreign(outputs, "breast", native=set(), examples=1, seed=3) == []


@pytest.mark.parametrize(("width_um", "length_um"), [(3125, 500), (300, 50), (8000, 2000), (10, 10)])
def test_a_scale_bar_is_a_round_number_and_at_most_a_quarter_of_the_picture(width_um: float, length_um: int) -> None:
    assert scale_bar_um(width_um) == length_um

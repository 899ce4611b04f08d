"""Assignment plans: stratified, drawn by a seed, the same when drawn again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pantile.domain.errors import AssignmentRefused
from pantile.domain.rois import TissueType
from pantile.domain.study_plans import (
    Amount,
    AssignmentPlan,
    Band,
    Candidate,
    RaterOrder,
    band_of,
    choose_rois,
    plan_assignment,
)

ORDER = RaterOrder(seed=7, rater="r2", segmenters=5)


def _candidates(count: int, *, cohorts: int = 3) -> list[Candidate]:
    return [
        Candidate(
            roi_id=number,
            name=f"roi{number}",
            cohort=f"TCGA-{'ABCDEFGH'[number % cohorts]}",
            tissue_type=TissueType.NORMAL if number % 5 == 4 else TissueType.TUMOR,
            band=(Band.HIGH, Band.MIDDLE, Band.LOW)[number % 7 % 3],
        )
        for number in range(count)
    ]


def _plan(
    candidates: list[Candidate], amount: Amount, *, seed: int = 7, held: frozenset[int] = frozenset(), after: int = 0
) -> AssignmentPlan:
    return plan_assignment(candidates, amount, seed=seed, order=ORDER, held=held, after=after)


@pytest.mark.parametrize(
    ("mean", "band"),
    [(None, Band.UNSCORED), (10, Band.HIGH), (7.5, Band.HIGH), (7.4, Band.MIDDLE), (4.5, Band.MIDDLE), (4.4, Band.LOW)],
)
def test_the_bands_are_the_articles(mean: float | None, band: Band) -> None:
    assert band_of(mean) is band


def test_a_subset_is_the_same_for_the_same_seed_and_another_for_another() -> None:
    """Check 32."""
    candidates = _candidates(200)
    amount = Amount(in_all=40)

    assert choose_rois(candidates, amount, seed=1) == choose_rois(candidates, amount, seed=1)
    assert set(choose_rois(reversed(candidates), amount, seed=1).chosen) == set(
        choose_rois(candidates, amount, seed=1).chosen
    )
    assert choose_rois(candidates, amount, seed=1).chosen != choose_rois(candidates, amount, seed=2).chosen


@given(count=st.integers(1, 120), cohorts=st.integers(1, 8), wanted=st.integers(0, 150))
def test_a_subset_has_the_number_asked_for_in_proportion_to_its_strata(count: int, cohorts: int, wanted: int) -> None:
    choice = choose_rois(_candidates(count, cohorts=cohorts), Amount(in_all=wanted), seed=1)

    assert len(choice.chosen) == sum(each.chosen for each in choice.strata) == min(count, wanted)
    assert all(0 <= each.chosen <= each.available for each in choice.strata)
    if wanted >= len(choice.strata):
        assert all(each.chosen >= 1 for each in choice.strata)
    assert len({roi.roi_id for roi in choice.chosen}) == len(choice.chosen)


def test_a_number_per_stratum_is_taken_from_each_as_far_as_there_are() -> None:
    choice = choose_rois(_candidates(60), Amount(per_stratum=4), seed=1)

    assert all(each.chosen == min(4, each.available) for each in choice.strata)
    assert {(each.cohort, each.tissue_type, each.band) for each in choice.strata} == {
        (roi.cohort, roi.tissue_type, roi.band) for roi in choice.chosen
    }


def test_more_of_a_stratum_include_the_fewer() -> None:
    candidates = _candidates(60)

    few = choose_rois(candidates, Amount(per_stratum=2), seed=1).chosen
    more = choose_rois(candidates, Amount(per_stratum=4), seed=1).chosen

    assert set(few) <= set(more)


def test_what_is_held_already_is_not_assigned_twice() -> None:
    """Check 32."""
    candidates = _candidates(30)
    first = _plan(candidates, Amount(in_all=10))
    held = frozenset(case.roi.roi_id for case in first.cases)

    with pytest.raises(AssignmentRefused, match="r2 has all 10 of these cases already"):
        _plan(candidates, Amount(in_all=10), held=held, after=10)
    more = _plan(candidates, Amount(), held=held, after=10)

    assert (more.already, len(more.cases)) == (10, 20)
    assert [case.position for case in more.cases] == list(range(11, 31))
    assert not held & {case.roi.roi_id for case in more.cases}


def test_a_plan_of_nothing_is_refused() -> None:
    with pytest.raises(AssignmentRefused, match="no ROI of the study is of this kind"):
        _plan([], Amount())

"""Cases are split, never images; each class is on both sides where it can be."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pantile.domain.errors import TrainingRefused
from pantile.domain.splits import Part, split_cases
from pantile.domain.training import Split

CASES = {f"c{number}": frozenset({0, 1} if number < 18 else {0, 1, 2}) for number in range(20)}


def of(part: Part, parts: dict[str, Part]) -> set[str]:
    return {case for case, its in parts.items() if its is part}


def test_a_tenth_is_drawn_and_the_rest_is_learned_from() -> None:
    parts = split_cases(CASES, Split(), seed=0)

    assert len(of(Part.VALIDATION, parts)) == 2
    assert len(of(Part.TRAINING, parts)) == 18


def test_a_seed_draws_the_same_cases_each_time() -> None:
    draws = [split_cases(CASES, Split(), seed=seed) for seed in (1, 1, 2, 3, 4)]

    assert draws[0] == draws[1]
    assert any(draw != draws[0] for draw in draws[2:])


@given(st.integers(0, 1000))
def test_a_class_that_two_cases_hold_is_on_both_sides(seed: int) -> None:
    parts = split_cases(CASES, Split(), seed=seed)

    for part in (Part.TRAINING, Part.VALIDATION):
        assert frozenset().union(*(CASES[case] for case in of(part, parts))) == {0, 1, 2}


@given(
    st.dictionaries(st.text("abc", min_size=1, max_size=3), st.frozensets(st.integers(0, 4)), min_size=2),
    st.floats(0.01, 0.99),
)
def test_there_is_always_something_to_learn_from_and_to_validate_with(
    cases: dict[str, frozenset[int]], share: float
) -> None:
    parts = split_cases(cases, Split(share=share), seed=0)

    assert of(Part.TRAINING, parts)
    assert of(Part.VALIDATION, parts)


def test_named_cases_are_where_they_were_put() -> None:
    parts = split_cases(CASES, Split(validation_cases=("c1",), test_cases=("c2", "c3")), seed=0)

    assert of(Part.VALIDATION, parts) == {"c1"}
    assert of(Part.TEST, parts) == {"c2", "c3"}


def test_a_case_on_both_sides_is_refused() -> None:
    with pytest.raises(TrainingRefused, match="the case c1 is in validation_cases and in test_cases"):
        Split(validation_cases=("c1",), test_cases=("c1",))


def test_a_case_that_is_not_there_is_refused() -> None:
    with pytest.raises(TrainingRefused, match="there is no case c99"):
        split_cases(CASES, Split(test_cases=("c99",)), seed=0)


def test_one_case_cannot_be_split() -> None:
    with pytest.raises(TrainingRefused, match="too few to split"):
        split_cases({"c1": frozenset({1})}, Split(), seed=0)

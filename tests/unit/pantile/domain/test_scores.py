"""Scores answer what the study asks, and nothing else."""

from typing import Any

import pytest

from pantile.domain.errors import AnswerRefused, ScoreOutOfRange
from pantile.domain.questions import SCORE_QUESTION, Question, QuestionKind
from pantile.domain.scores import MAX_ANSWER, MAX_COMMENT, Score, by_score, check_score, is_complete

STRUCTURE = Question(number=2, kind=QuestionKind.CHOICES, prompt="Which structures?", options=("gland", "nerve", "fat"))
USABILITY = Question(number=3, kind=QuestionKind.CHOICE, prompt="How usable?", options=("usable", "useless"))
REMARK = Question(number=4, kind=QuestionKind.TEXT, prompt="Off-label use?", is_required=False)
BENIGN = (STRUCTURE, USABILITY, REMARK)


@pytest.mark.parametrize("value", [-1, 11, 100])
def test_a_score_is_from_0_to_10(value: int) -> None:
    with pytest.raises(ScoreOutOfRange, match=f"got {value}"):
        Score(value=value)


def test_a_comment_has_an_end() -> None:
    with pytest.raises(AnswerRefused):
        Score(comment="x" * (MAX_COMMENT + 1))


@pytest.mark.parametrize(
    "answers",
    [
        {"2": ["gland", "fat"]},
        {"2": []},
        {"3": "useless", "4": "as a pen"},
        {},
    ],
)
def test_answers_of_the_kind_that_is_asked_for_are_taken(answers: dict[str, Any]) -> None:
    check_score(Score(answers=answers), BENIGN)


@pytest.mark.parametrize(
    ("answers", "why"),
    [
        ({"5": "x"}, "no question"),
        ({"2": "gland"}, "list of options"),
        ({"2": ["gland", "gland"]}, "twice"),
        ({"2": ["bone"]}, "no option"),
        ({"3": ["usable"]}, "one answer"),
        ({"3": "superb"}, "no option"),
        ({"4": ["x"]}, "one answer"),
        ({"4": "x" * (MAX_ANSWER + 1)}, "characters"),
    ],
)
def test_other_answers_are_refused(answers: dict[str, Any], why: str) -> None:
    with pytest.raises(AnswerRefused, match=why):
        check_score(Score(answers=answers), BENIGN)


def test_a_value_is_taken_only_where_a_score_is_asked_for() -> None:
    check_score(Score(value=7), [SCORE_QUESTION])
    with pytest.raises(AnswerRefused, match="not asked"):
        check_score(Score(value=7), BENIGN)
    with pytest.raises(AnswerRefused, match="no question"):
        check_score(Score(answers={"1": "7"}), [SCORE_QUESTION])


@pytest.mark.parametrize(
    ("score", "expected"),
    [
        (Score(), False),
        (Score(answers={"2": ["gland"]}), False),
        (Score(answers={"2": [], "3": "usable"}), False),
        (Score(answers={"2": ["gland"], "3": "usable"}), True),
    ],
)
def test_a_score_is_complete_when_all_that_is_required_is_answered(score: Score, *, expected: bool) -> None:
    assert is_complete(score, BENIGN) is expected


def test_anchors_are_shown_from_the_best_score_down() -> None:
    assert list(by_score({"0": "unacceptable", "8": "excellent", "10": "ideal"}).items()) == [
        ("10", "ideal"),
        ("8", "excellent"),
        ("0", "unacceptable"),
    ]


def test_a_zero_is_a_score() -> None:
    assert is_complete(Score(value=0), [SCORE_QUESTION])
    assert not is_complete(Score(value=None, comment="later"), [SCORE_QUESTION])

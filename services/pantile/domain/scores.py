"""Scores: what a rater says of one output, and whether that answers what the study asks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pantile.domain.errors import AnswerRefused, ScoreOutOfRange
from pantile.domain.questions import Question, QuestionKind

MIN_SCORE = 0
MAX_SCORE = 10

MAX_COMMENT = 4000
MAX_ANSWER = 4000
"""Characters of a comment, and of an answer in words."""

Answer = str | Sequence[str]
"""An option or words, or some options."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """One rater's verdict on one output: 0 (unacceptable) to 10 (ideal) or none yet, further answers, and a comment.

    Answers go by the number of their question, as text.
    """

    value: int | None = None
    answers: Mapping[str, Answer] = field(default_factory=dict)
    comment: str = ""

    def __post_init__(self) -> None:
        if self.value is not None and not MIN_SCORE <= self.value <= MAX_SCORE:
            raise ScoreOutOfRange(f"got {self.value}")
        if len(self.comment) > MAX_COMMENT:
            raise AnswerRefused(f"the comment has more than {MAX_COMMENT:,} characters")

    def document(self) -> dict[str, object]:
        """The score as events and answers of the API have it."""
        return {"value": self.value, "answers": dict(self.answers), "comment": self.comment}


def by_score(anchors: Mapping[str, str]) -> dict[str, str]:
    """The words of a study's scale in the order in which they are shown: the best score first."""
    return {score: anchors[score] for score in sorted(anchors, key=int, reverse=True)}


def check_score(score: Score, asked: Sequence[Question]) -> None:
    """Raises `AnswerRefused` for a value that is not asked for, or an answer that its question cannot have."""
    if score.value is not None and not any(each.kind is QuestionKind.SCORE for each in asked):
        raise AnswerRefused("this ROI is not asked for a score")
    questions = {str(each.number): each for each in asked if each.kind is not QuestionKind.SCORE}
    for number, answer in score.answers.items():
        if number not in questions:
            raise AnswerRefused(f"there is no question {number[:20]!r} to answer about this ROI")
        _check_answer(questions[number], answer)


def _check_answer(question: Question, answer: Answer) -> None:
    if question.kind is QuestionKind.CHOICES:
        if isinstance(answer, str):
            raise AnswerRefused(f"question {question.number} takes a list of options")
        if len(set(answer)) != len(answer):
            raise AnswerRefused(f"question {question.number} names an option twice")
        _check_options(question, answer)
        return
    if not isinstance(answer, str):
        raise AnswerRefused(f"question {question.number} takes one answer")
    if question.kind is QuestionKind.CHOICE:
        _check_options(question, [answer])
    elif len(answer) > MAX_ANSWER:
        raise AnswerRefused(f"the answer to question {question.number} has more than {MAX_ANSWER:,} characters")


def _check_options(question: Question, chosen: Sequence[str]) -> None:
    unknown = next((option for option in chosen if option not in question.options), None)
    if unknown is not None:
        raise AnswerRefused(f"{unknown[:50]!r} is no option of question {question.number}")


def is_complete(score: Score, asked: Sequence[Question]) -> bool:
    """Whether every question that has to be answered is."""
    return all(_is_answered(each, score) for each in asked if each.is_required)


def _is_answered(question: Question, score: Score) -> bool:
    if question.kind is QuestionKind.SCORE:
        return score.value is not None
    return bool(score.answers.get(str(question.number)))

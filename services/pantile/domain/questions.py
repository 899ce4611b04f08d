"""Questions: what a study asks of each output, few and typed kinds."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from pantile.domain.errors import StudyRefused
from pantile.domain.rois import TissueType

MAX_PROMPT = 500
MAX_OPTIONS = 40
MAX_OPTION = 100


class QuestionKind(StrEnum):
    """What answers a question: a score of 0-10, one of its options, some of them, or words."""

    SCORE = "score"
    CHOICE = "choice"
    CHOICES = "choices"
    TEXT = "text"

    @property
    def has_options(self) -> bool:
        """Whether the answer is among options."""
        return self in {QuestionKind.CHOICE, QuestionKind.CHOICES}


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One question of a study, asked of every ROI or of those of one tissue type."""

    number: int
    kind: QuestionKind
    prompt: str
    options: tuple[str, ...] = ()
    is_required: bool = True
    tissue_type: TissueType | None = None

    def __post_init__(self) -> None:
        problem = next(_problems(self), None)
        if problem:
            raise StudyRefused(f"question {self.number}: {problem}")

    def is_asked_of(self, tissue_type: TissueType) -> bool:
        """Whether it is asked of ROIs of this tissue type."""
        return self.tissue_type in (None, tissue_type)


def _problems(question: Question) -> Iterator[str]:
    if not question.prompt.strip() or len(question.prompt) > MAX_PROMPT:
        yield f"its prompt has to have 1 to {MAX_PROMPT} characters"
    if not question.kind.has_options and question.options:
        yield f"a question of the kind {question.kind} has no options"
    if question.kind.has_options and not 2 <= len(question.options) <= MAX_OPTIONS:
        yield f"it has {len(question.options)} options, and 2 to {MAX_OPTIONS} are needed"
    if any(not option.strip() or len(option) > MAX_OPTION for option in question.options):
        yield f"an option has to have 1 to {MAX_OPTION} characters"
    if len(set(question.options)) != len(question.options):
        yield "an option is there twice"


SCORE_QUESTION = Question(number=1, kind=QuestionKind.SCORE, prompt="How good is this segmentation?")
"""What a study asks when nobody says otherwise: the article's score."""


def check_questions(questions: Sequence[Question]) -> tuple[Question, ...]:
    """The questions, if a study can ask them; raises `StudyRefused`.

    A score is kept once for an output, so that no ROI can be asked for two.
    """
    if not questions:
        raise StudyRefused("it asks no question")
    for tissue_type in TissueType:
        scores = [each for each in questions if each.kind is QuestionKind.SCORE and each.is_asked_of(tissue_type)]
        if len(scores) > 1:
            raise StudyRefused(f"ROIs of the tissue type {tissue_type} are asked for {len(scores)} scores")
    return tuple(questions)

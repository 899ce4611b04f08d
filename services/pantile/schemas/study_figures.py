"""The shapes of a study's figures: progress, agreement, disagreements, and how many to score twice."""

from datetime import date, datetime
from math import isnan
from typing import Self
from uuid import UUID

from pydantic import Field

from pantile.domain.readings import Purpose
from pantile.domain.rois import TissueType
from pantile.schemas.shapes import Shape


class RaterProgress(Shape):
    """How far a rater is with the cases of one purpose."""

    account: str
    purpose: Purpose
    assigned: int
    done: int
    skipped: int
    withdrawn: int = Field(0, description="Not counted as assigned: there is nothing to score any more.")
    open: int
    median_s: float | None = Field(description="Median seconds of work a case that is done.")
    flags: int
    last_done_at: datetime | None


class RaterDay(Shape):
    """What a rater did on a day, by UTC; the mean score shows drift."""

    account: str
    day: date
    done: int
    mean_score: float | None


class Coverage(Shape):
    """How many of a segmenter's outputs on a cohort are scored, by one rater or by two."""

    cohort: str
    number: int
    segmenter: str
    outputs: int
    missing: int
    scored: int
    scored_twice: int


class Unscored(Shape):
    """ROIs of a cohort that a rater has still to score, or that nobody has for a first reading."""

    cohort: str
    account: str | None = Field(description="Null: assigned to nobody.")
    purpose: Purpose
    rois: int
    done: int
    left: int = Field(description="Skipped ones among them.")


class ProgressOut(Shape):
    """How far a study is."""

    raters: list[RaterProgress]
    days: list[RaterDay]
    coverage: list[Coverage]
    left: list[Unscored]


class EstimateOut(Shape):
    """A figure with its 95 % interval; where one is null, `reason` says why."""

    value: float | None
    low: float | None
    high: float | None
    n: int
    dropped: int = Field(description="Outputs that one of both left unscored.")
    reason: str

    @classmethod
    def of(cls, value: float, low: float, high: float, *, n: int, dropped: int, reason: str) -> Self:
        """The figure with null where it is NaN."""
        known = [None if isnan(each) else each for each in (value, low, high)]
        return cls(value=known[0], low=known[1], high=known[2], n=n, dropped=dropped, reason=reason)


class AgreementFigures(Shape):
    """Everything that is said of two readings of the same outputs. Differences are second minus first."""

    n: int
    dropped: int
    icc_c1: EstimateOut = Field(description="ICC(C,1): consistency, single measures.")
    icc_a1: EstimateOut = Field(description="ICC(A,1): absolute agreement, single measures.")
    spearman: EstimateOut
    bias: EstimateOut
    limit_low: EstimateOut = Field(description="Bland and Altman's lower limit of agreement.")
    limit_high: EstimateOut
    within_one: EstimateOut = Field(description="The share of differences of one at most.")
    kappa: EstimateOut = Field(description="Cohen's kappa with quadratic weights.")
    alpha: EstimateOut = Field(description="Krippendorff's alpha.")
    ac2: EstimateOut = Field(description="Gwet's AC2.")


class SegmenterAgreement(AgreementFigures):
    """Agreement on one segmenter's outputs."""

    number: int
    segmenter: str


class CohortAgreement(AgreementFigures):
    """Agreement on one cohort's outputs; `within` is ICC(C,1) once each segmenter's mean is known."""

    cohort: str
    within: EstimateOut


class PairCount(Shape):
    """How many outputs got one score at first and another by the second reading."""

    first: int
    second: int
    outputs: int


class AgreementOut(Shape):
    """How far two readings agree. `within` comes first: pooled scores agree as segmenters differ."""

    first: str = Field(description="Whose scores are first: a member's name, or the purpose.")
    second: str
    within: EstimateOut = Field(description="ICC(C,1) within segmenters.")
    pooled: AgreementFigures
    by_segmenter: list[SegmenterAgreement]
    by_cohort: list[CohortAgreement]
    pairs: list[PairCount]


class Disagreement(Shape):
    """An output whose two scores differ."""

    output: UUID
    number: int
    segmenter: str
    roi: str
    cohort: str
    tissue_type: TissueType
    first: int
    second: int
    delta: int
    first_comment: str
    second_comment: str
    first_case: UUID
    second_case: UUID
    adjudication: UUID | None
    adjudication_state: str | None
    consensus: int | None


class DisagreementPage(Shape):
    """Disagreements, the largest first; `next` continues the list."""

    disagreements: list[Disagreement]
    next: str | None = None


class SampleSize(Shape):
    """How many outputs have to be scored by all raters, and how many ROIs with all segmenters that is."""

    raters: int
    expected_icc: float
    width: float
    outputs: int
    rois: int
    expected_width: float = Field(description="Of the interval that so many outputs then give.")
    approximate_outputs: int = Field(description="Bonett's formula (2002), before the exact F distribution.")


class DiscrepancyOut(Shape):
    """A case whose history does not hold, and why."""

    assignment: UUID
    problem: str


class VerificationOut(Shape):
    """What was verified: each case's chain of events, and the scores that follow from them."""

    is_intact: bool
    assignments: int
    events: int
    discrepancies: list[DiscrepancyOut]


class AnswerCount(Shape):
    """How often an answer was given for a segmenter's outputs, and an output as an example of it."""

    question: int
    answer: str
    number: int
    segmenter: str
    outputs: int
    raters: int
    example: UUID = Field(description="An output with this answer; its tiles are at /tiles/{example}.")
    example_roi: UUID


class SummaryQuestion(Shape):
    """A question of the summary."""

    number: int
    prompt: str
    options: list[str]


class AnswerSummary(Shape):
    """Answers by segmenter: a table of what was found (rows) and by whom (columns) for each question with options."""

    questions: list[SummaryQuestion]
    answers: list[AnswerCount]

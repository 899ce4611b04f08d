"""The shapes of adjudication: what is open, the two scores side by side, and the consensus."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, StringConstraints

from pantile.domain.readings import MAX_REASON, FlagKind
from pantile.domain.rois import TissueType
from pantile.schemas.readings import AnswerValue, CaseOut, ScoreValue
from pantile.schemas.shapes import Ask, Shape

_Words = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_REASON, pattern=r"^[^\x00]*$")
]


class AdjudicationListed(Shape):
    """An adjudication in the queue."""

    key: UUID
    reason: Literal["difference", "flag"]
    state: Literal["open", "signed"]
    cohort: str
    tissue_type: TissueType
    is_claimed: bool
    is_mine: bool = Field(description="Whether the visitor has claimed it, and the claim holds.")
    claimed_until: datetime | None
    value: int | None = Field(description="The consensus, once it is signed.")
    opened_at: datetime
    signed_at: datetime | None


class AdjudicationPage(Shape):
    """A study's adjudications; `next` continues the list."""

    adjudications: list[AdjudicationListed]
    open: int
    signed: int
    next: int | None = None


class AdjudicationsOpened(Shape):
    """How many adjudications are new."""

    opened: int


class ReadingFlag(Shape):
    """A flag of a reading, on the output or its case."""

    kind: FlagKind
    note: str


class AdjudicatedReading(Shape):
    """What one reading says of the output; whose it is, is not told."""

    value: int | None
    comment: str
    answers: dict[str, AnswerValue]
    flags: list[ReadingFlag]


class AdjudicationStep(Shape):
    """What was done in an adjudication."""

    action: Literal["open", "claim", "release", "sign", "reopen"]
    actor: str = Field(description="`rule` for what opens by itself.")
    at: datetime
    details: dict[str, object]


class AdjudicationOut(AdjudicationListed):
    """An adjudication with what there is to see. `case` shows the whole ROI, without anybody's scores."""

    output: UUID
    pane: str
    first: AdjudicatedReading | None
    second: AdjudicatedReading | None
    others: list[AdjudicatedReading] = Field(description="Readings beyond the second.")
    rationale: str
    signed_by: str | None
    history: list[AdjudicationStep]
    case: CaseOut


class ClaimOut(Shape):
    """Until when a claim holds."""

    claimed_until: datetime


class SignIn(Ask):
    """The consensus on an output, why, and the account's password once more."""

    value: ScoreValue
    rationale: _Words
    password: str = Field("", max_length=1000)


class ReopenIn(Ask):
    """Why a signed adjudication is opened again."""

    reason: _Words

"""The shapes of studies: what is set up, who is in it, and how far it is."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field, StrictBool, StrictInt

from pantile.domain.questions import MAX_OPTION, MAX_OPTIONS, MAX_PROMPT, QuestionKind
from pantile.domain.rois import TissueType
from pantile.domain.studies import (
    ANCHORS,
    MAX_ANCHOR,
    MAX_DESCRIPTION,
    MAX_SEED,
    MAX_SEGMENTERS,
    MAX_TITLE,
    Presentation,
    StudyRole,
    StudyState,
)
from pantile.schemas.shapes import Ask, Shape

_NO_NUL = r"^[^\x00]*$"

_Name = Annotated[str, Field(max_length=200, pattern=_NO_NUL)]
_Cohorts = Annotated[list[_Name], Field(min_length=1, max_length=1000)]
_Segmenters = Annotated[list[_Name], Field(min_length=1, max_length=MAX_SEGMENTERS)]
_TissueTypes = Annotated[list[TissueType], Field(min_length=1, max_length=2)]
_Title = Annotated[str, Field(min_length=1, max_length=MAX_TITLE, pattern=_NO_NUL)]
_Description = Annotated[str, Field(max_length=MAX_DESCRIPTION, pattern=_NO_NUL)]
_Seed = Annotated[StrictInt, Field(ge=0, le=MAX_SEED)]
_Delta = Annotated[StrictInt, Field(ge=1, le=10)]
_Anchors = Annotated[
    dict[
        Annotated[str, Field(pattern=r"^(10|[0-9])$")],
        Annotated[str, Field(min_length=1, max_length=MAX_ANCHOR, pattern=_NO_NUL)],
    ],
    Field(max_length=11),
]


class QuestionIn(Ask):
    """A question of a study, in the order in which they are asked."""

    kind: QuestionKind
    prompt: str = Field(min_length=1, max_length=MAX_PROMPT, pattern=_NO_NUL)
    options: list[Annotated[str, Field(min_length=1, max_length=MAX_OPTION, pattern=_NO_NUL)]] = Field(
        default=[], max_length=MAX_OPTIONS, description="What a choice is among."
    )
    is_required: StrictBool = Field(True, description="Whether a case is incomplete without an answer.")
    tissue_type: TissueType | None = Field(None, description="None: asked of every ROI.")


_Questions = Annotated[list[QuestionIn], Field(min_length=1, max_length=50)]


class StudyIn(Ask):
    """A study to be made. The order of `segmenters` numbers them: the first is `model1` in the study's CSV."""

    name: str = Field(max_length=63, pattern=r"^[a-z][a-z0-9._-]*$", examples=["pan-cancer"])
    title: _Title
    description: _Description = ""
    cohorts: _Cohorts
    segmenters: _Segmenters
    tissue_types: _TissueTypes = Field(default=list(TissueType))
    seed: _Seed | None = Field(None, description="Of all orders that are drawn by lot; None: a random one.")
    questions: _Questions | None = Field(None, description="None: one score from 0 to 10.")
    anchors: _Anchors = Field(default=dict(ANCHORS))
    presentation: Presentation = Presentation.GRID
    is_blinded: StrictBool = Field(True, description="Whether raters are kept from knowing the segmenters.")
    adjudication_delta: _Delta = Field(
        3, description="Two scores of one output that differ by so much or more are adjudicated."
    )


class StudyChangeIn(Ask):
    """What is to change of a study; what is absent stays. Only title and description change after the draft."""

    title: _Title | None = None
    description: _Description | None = None
    cohorts: _Cohorts | None = None
    segmenters: _Segmenters | None = None
    tissue_types: _TissueTypes | None = None
    seed: _Seed | None = None
    questions: _Questions | None = None
    anchors: _Anchors | None = None
    presentation: Presentation | None = None
    is_blinded: StrictBool | None = None
    adjudication_delta: _Delta | None = None


class ConfirmationIn(Ask):
    """The account's password once more; an account that signs in elsewhere leaves it empty, and signs in again."""

    password: str = Field("", max_length=1000)


class StudyQuestion(Shape):
    """A question of a study."""

    number: int
    kind: QuestionKind
    prompt: str
    options: list[str]
    is_required: bool
    tissue_type: TissueType | None


class StudySegmenterOut(Shape):
    """A segmenter of a study: `model{number}` in its CSV."""

    number: int
    name: str
    version: str
    title: str


class StudyListed(Shape):
    """A study in which the visitor is, with their own cases."""

    name: str
    title: str
    state: StudyState
    role: StudyRole
    assigned: int
    done: int


class StudyList(Shape):
    """Studies, newest first."""

    studies: list[StudyListed]


class StudyOut(Shape):
    """A study. `segmenters`, `cohorts` and the seed are for those who may know which segmenter an output is of."""

    name: str
    title: str
    description: str
    state: StudyState
    role: StudyRole = Field(description="What the visitor is in it.")
    presentation: Presentation
    is_blinded: bool
    anchors: dict[str, str]
    tissue_types: list[TissueType]
    questions: list[StudyQuestion]
    cohorts: list[str]
    segmenters: list[StudySegmenterOut] | None = Field(description="None while the visitor is blinded.")
    seed: int | None = Field(description="None for all but admins.")
    adjudication_delta: int
    rois: int
    outputs: int = Field(description="Class maps that are pinned by their digest.")
    outputs_missing: int = Field(description="Pairs of ROI and segmenter without a class map, which nobody can score.")
    created_at: datetime
    created_by: str
    frozen_at: datetime | None = Field(description="Since when all but title and description stays as it is.")


class StudyRoi(Shape):
    """An ROI of a study."""

    key: UUID
    roi: str
    cohort: str
    slide: str
    tissue_type: TissueType
    is_calibration: bool
    missing: list[int] = Field(description="The numbers of the segmenters that have no class map of it.")


class StudyRoiPage(Shape):
    """A study's ROIs; `next` continues the list."""

    rois: list[StudyRoi]
    next: int | None = None


class CalibrationIn(Ask):
    """ROIs that become calibration images, or ordinary ones again."""

    rois: list[UUID] = Field(min_length=1, max_length=1000)
    is_calibration: StrictBool = True


class CalibrationOut(Shape):
    """How many ROIs changed."""

    changed: int


class RefreshOut(Shape):
    """What came since: ROIs and outputs that are new, outputs that have their class map now, and those without."""

    rois_added: int
    outputs_added: int
    outputs_filled: int
    outputs_missing: int


class MemberIn(Ask):
    """What somebody is to be in a study."""

    role: StudyRole


class MemberOut(Shape):
    """Somebody in a study."""

    account: str
    role: StudyRole
    is_active: bool


class MemberList(Shape):
    """A study's members by name."""

    members: list[MemberOut]

"""Readings over the API: cases, what a rater sets in them, their history, and queues."""

from datetime import UTC, datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AwareDatetime, Field, JsonValue, StrictBool, StrictFloat, StrictInt

from pantile.domain.class_maps import ClassGroup
from pantile.domain.legends import LegendPalette
from pantile.domain.questions import QuestionKind
from pantile.domain.readings import MAX_NOTE, MAX_REASON, FlagKind, Purpose, ReadingState
from pantile.domain.rois import TissueType
from pantile.domain.score_events import MAX_VIEW, Action
from pantile.domain.scores import MAX_ANSWER, MAX_COMMENT, MAX_SCORE, MIN_SCORE
from pantile.domain.studies import Presentation, StudyState
from pantile.schemas.shapes import Ask, Problem, Shape

_NO_NUL = r"^[^\x00]*$"
_MAX_ANSWERS = 50
_DAY_MS = 24 * 60 * 60 * 1000
_MAX_ERRORS = 1_000_000

Text = Annotated[str, Field(max_length=MAX_ANSWER, pattern=_NO_NUL)]
Coordinate = Annotated[StrictInt | StrictFloat, Field(ge=-MAX_VIEW, le=MAX_VIEW, allow_inf_nan=False)]
ScoreValue = Annotated[StrictInt, Field(ge=MIN_SCORE, le=MAX_SCORE)]
AnswerValue = Text | Annotated[list[Text], Field(max_length=_MAX_ANSWERS)]
ClientTime = Annotated[AwareDatetime, Field(ge=datetime(2000, 1, 1, tzinfo=UTC), lt=datetime(2100, 1, 1, tzinfo=UTC))]
Milliseconds = Annotated[StrictInt, Field(ge=0, le=_DAY_MS)]


class ViewIn(Ask):
    """Where the rater had zoomed to."""

    zoom: Coordinate
    x: Coordinate
    y: Coordinate


class ScoreIn(Ask):
    """What an output's score is to be. Answers and comment that are absent stay as they are."""

    value: ScoreValue | None = Field(description="0 to 10; null takes the score back.")
    answers: Annotated[dict[str, AnswerValue], Field(max_length=_MAX_ANSWERS)] | None = Field(
        None, description="Answers by number of the question: an option or words, or a list of options."
    )
    comment: str | None = Field(None, max_length=MAX_COMMENT, pattern=_NO_NUL)
    action: Literal["set", "undo", "redo"] = "set"
    group: UUID | None = Field(None, description="The same for all that was one step for the rater.")
    client_at: ClientTime | None = Field(None, description="When the rater did it, by their own clock.")
    view: ViewIn | None = None


class ScoreOut(Shape):
    """A score as it is stored."""

    value: int | None
    answers: dict[str, AnswerValue]
    comment: str
    version: int = Field(description="What `If-Match` has to name to change it; 0 as long as it was never set.")


class RecordedScoreOut(ScoreOut):
    """A score as it was stored by a change, and the number of the event that says so."""

    output: UUID
    event: int


class ScoreConflictProblem(Problem):
    """A refusal that tells the score as it is."""

    current: ScoreOut


class IncompleteProblem(Problem):
    """A refusal that tells which outputs are not scored, where that is the reason."""

    unscored: list[UUID] = Field(default=[])


class CompleteIn(Ask):
    """How a case is completed."""

    skip_missing: StrictBool = Field(False, description="Complete it although something is not scored.")


class ReasonIn(Ask):
    """Why a case is skipped or opened again."""

    reason: str = Field(min_length=1, max_length=MAX_REASON, pattern=_NO_NUL)


class CommentIn(Ask):
    """A comment on a case as a whole."""

    comment: str = Field(max_length=MAX_COMMENT, pattern=_NO_NUL)


class FlagIn(Ask):
    """A flag on a case, or on one of its outputs, to be set or taken back."""

    kind: FlagKind
    output: UUID | None = None
    note: str = Field("", max_length=MAX_NOTE, pattern=_NO_NUL)
    is_set: StrictBool = True


class TimingIn(Ask):
    """How long a case was looked at since the last report; a pause of more than a minute is idle."""

    active_ms: Milliseconds
    idle_ms: Milliseconds
    first_tile_ms: Milliseconds | None = None
    loaded_ms: Milliseconds | None = None
    tile_errors: Annotated[StrictInt, Field(ge=0, le=_MAX_ERRORS)] = 0


class TimingOut(Shape):
    """How long a case was looked at in all."""

    active_ms: int
    idle_ms: int


class FlagOut(Shape):
    """A flag; without an output it is on the case."""

    output: UUID | None
    kind: FlagKind
    note: str


class CaseFlags(Shape):
    """All flags of a case."""

    flags: list[FlagOut]


class CaseStanding(Shape):
    """Where a case stands, and which one comes next."""

    status: ReadingState
    next: UUID | None


class CaseComment(Shape):
    """The comment on a case as a whole."""

    comment: str


class QuestionOut(Shape):
    """A question that is asked of each output of the case; one of kind `score` is answered by `value`."""

    number: int
    kind: QuestionKind
    prompt: str
    options: list[str]
    is_required: bool


class CaseStudy(Shape):
    """The study of a case."""

    name: str
    title: str
    state: StudyState
    is_blinded: bool
    presentation: Presentation
    anchors: dict[str, str]
    questions: list[QuestionOut]


class TileSource(Shape):
    """Deep-zoom tiles of an image: `{url}/{level}/{x}_{y}.{format}`."""

    url: str
    format: Literal["jpg"]
    tile_px: int
    overlap: int
    width_px: int
    height_px: int
    levels: int


class MapSource(Shape):
    """Tiles of a class map: `{url}/{level}/{x}_{y}.png`, 8-bit grey, each pixel an index of `groups`."""

    url: str
    format: Literal["png"]
    tile_px: int
    overlap: int
    width_px: int
    height_px: int
    levels: int
    extent_width_px: float = Field(description="Pixels of the ROI that the class map spans.")
    extent_height_px: float
    groups: list[ClassGroup] = Field(description="The same for all outputs.")


class CaseRoi(Shape):
    """The image that is scored."""

    width_px: int
    height_px: int
    mpp: float
    tiles: TileSource | None = Field(description="None until they are made.")
    tiles_state: Literal["ready", "making", "failed", "withdrawn"]


class PaneOut(Shape):
    """One output of the case, at its place."""

    pane: str
    output: UUID
    is_missing: bool = Field(description="There is no class map, and nothing to score.")
    tiles: MapSource | None
    score: ScoreOut
    segmenter: str | None = Field(description="None while the study is blinded.")


class LegendOut(Shape):
    """A class of the harmonised legend; colours by palette, none where it is transparent."""

    index: int
    label: str
    letter: str
    group: ClassGroup
    colours: dict[LegendPalette, str]


class CaseOut(Shape):
    """All that a rater is shown of an assignment."""

    key: UUID
    study: CaseStudy
    label: str
    roi_name: str | None = Field(description="None while the study is blinded.")
    cohort: str
    tissue_type: TissueType
    position: int
    total: int
    done: int
    status: ReadingState
    purpose: Purpose
    round: int
    is_own: bool = Field(description="Whether the visitor may score it, and does not only look at it.")
    comment: str
    flags: list[FlagOut]
    roi: CaseRoi
    sample: dict[TissueType, UUID | None] = Field(description="The rater's cases of the same slide.")
    panes: list[PaneOut]
    legend: list[LegendOut]
    next: UUID | None
    previous: UUID | None


class QueuedCase(Shape):
    """A case in its rater's queue."""

    key: UUID
    label: str
    roi_name: str | None = Field(description="None while the study is blinded.")
    position: int
    cohort: str
    tissue_type: TissueType
    status: ReadingState
    purpose: Purpose
    round: int
    scored: int
    panes: int = Field(description="Outputs that can be scored.")
    flags: list[FlagKind]


class QueueProgress(Shape):
    """How far a rater is with the cases of one cohort and purpose."""

    cohort: str
    purpose: Purpose
    assigned: int
    done: int
    skipped: int
    withdrawn: int = Field(0, description="Not counted as assigned: there is nothing to score any more.")


class QueuePage(Shape):
    """A rater's cases by position; `next` continues the list, `total` and `progress` count all of the rater's cases."""

    cases: list[QueuedCase]
    total: int
    progress: list[QueueProgress]
    next: int | None = None


class NextCase(Shape):
    """The case to go on with."""

    key: UUID


class EventOut(Shape):
    """One event of an assignment."""

    number: int
    action: Action
    output: UUID | None
    pane: str | None
    before: dict[str, JsonValue]
    after: dict[str, JsonValue]
    actor: str
    at: datetime
    client_at: datetime | None
    reason: str | None
    group: UUID | None
    hash: str


class EventList(Shape):
    """The events of an assignment, first to last."""

    events: list[EventOut]


class ExamplePane(Shape):
    """An output of a calibration image, with the score that experts gave where it is known and may be shown."""

    output: UUID
    is_missing: bool
    tiles: MapSource | None
    value: int | None


class ExampleOut(Shape):
    """A calibration image."""

    cohort: str
    tissue_type: TissueType
    roi: CaseRoi
    panes: list[ExamplePane]


class ExampleList(Shape):
    """A study's calibration images, with the legend of their class maps."""

    examples: list[ExampleOut]
    legend: list[LegendOut]

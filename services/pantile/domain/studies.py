"""Studies: what a study is, how far it is, and what each of its people may do and see."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from pantile.domain.errors import StudyClosed, StudyRefused
from pantile.domain.questions import SCORE_QUESTION, Question, check_questions
from pantile.domain.rois import TissueType

_NAME = re.compile(r"[a-z][a-z0-9._-]{0,62}")
MAX_TITLE = 200
MAX_DESCRIPTION = 10_000
MAX_ANCHOR = 50
MAX_SEGMENTERS = 26
"""As many as there are letters for panes."""

MAX_SEED = 2**63 - 1

ANCHORS: Mapping[str, str] = {
    "10": "ideal",
    "8": "excellent",
    "6": "good",
    "4": "poor",
    "2": "very poor",
    "0": "unacceptable",
}
"""The words of the study's scale (the article's Methods)."""


class StudyState(StrEnum):
    """How far a study is: being set up, being scored, closed, and closed with the segmenters' names shown."""

    DRAFT = "draft"
    PUBLISHED = "published"
    LOCKED = "locked"
    UNBLINDED = "unblinded"


class StudyChange(StrEnum):
    """The steps from one state of a study to another."""

    PUBLISH = "publish"
    LOCK = "lock"
    UNLOCK = "unlock"
    UNBLIND = "unblind"


# Names are shown only once no score can be changed any more: whoever has seen them is not blinded again.
_STEPS: Mapping[StudyChange, tuple[StudyState, StudyState]] = {
    StudyChange.PUBLISH: (StudyState.DRAFT, StudyState.PUBLISHED),
    StudyChange.LOCK: (StudyState.PUBLISHED, StudyState.LOCKED),
    StudyChange.UNLOCK: (StudyState.LOCKED, StudyState.PUBLISHED),
    StudyChange.UNBLIND: (StudyState.LOCKED, StudyState.UNBLINDED),
}


class StudyRole(StrEnum):
    """What a person is in a study."""

    ADMIN = "admin"
    ADJUDICATOR = "adjudicator"
    RATER = "rater"
    VIEWER = "viewer"

    @property
    def may_score(self) -> bool:
        """Whether cases can be assigned to them."""
        return self is not StudyRole.VIEWER

    @property
    def may_adjudicate(self) -> bool:
        """Whether they settle what two readings leave open."""
        return self in {StudyRole.ADMIN, StudyRole.ADJUDICATOR}


class Presentation(StrEnum):
    """How outputs are shown: side by side, as in the article's study, or one at a time."""

    GRID = "grid"
    SINGLE = "single"


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """A study's own row."""

    id: int
    name: str
    title: str
    description: str
    state: StudyState
    presentation: Presentation
    is_blinded: bool
    seed: int
    anchors: Mapping[str, str]
    tissue_types: tuple[TissueType, ...]
    adjudication_delta: int
    created_at: datetime
    created_by: str
    frozen_at: datetime | None

    @property
    def names_segmenters(self) -> bool:
        """Whether a case tells which segmenter an output is of: never while the study is blinded."""
        return not self.is_blinded or self.state is StudyState.UNBLINDED

    @property
    def opens_scores(self) -> bool:
        """Whether all members may read all scores and their agreement, not admins alone."""
        return self.state is StudyState.UNBLINDED

    @property
    def takes_scores(self) -> bool:
        """Whether anything can be scored."""
        return self.state is StudyState.PUBLISHED


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyPlan:
    """What a study is to be; the order of `segmenters` numbers them."""

    name: str
    title: str
    seed: int
    cohorts: tuple[str, ...]
    segmenters: tuple[str, ...]
    description: str = ""
    tissue_types: tuple[TissueType, ...] = tuple(TissueType)
    questions: tuple[Question, ...] = (SCORE_QUESTION,)
    anchors: Mapping[str, str] = field(default_factory=lambda: dict(ANCHORS))
    presentation: Presentation = Presentation.GRID
    is_blinded: bool = True
    adjudication_delta: int = 3

    def __post_init__(self) -> None:
        check_study_name(self.name)
        if not self.title.strip() or len(self.title) > MAX_TITLE:
            raise StudyRefused(f"its title has to have 1 to {MAX_TITLE} characters")
        if len(self.description) > MAX_DESCRIPTION:
            raise StudyRefused(f"its description has more than {MAX_DESCRIPTION:,} characters")
        _check_list(self.cohorts, "cohort")
        _check_list(self.segmenters, "segmenter")
        if len(self.segmenters) > MAX_SEGMENTERS:
            raise StudyRefused(f"it has {len(self.segmenters)} segmenters, and {MAX_SEGMENTERS} can be shown")
        if not self.tissue_types or len(set(self.tissue_types)) != len(self.tissue_types):
            raise StudyRefused("its tissue types have to be tumor, normal or both")
        if not 0 <= self.seed <= MAX_SEED:
            raise StudyRefused(f"its seed has to be from 0 to {MAX_SEED}")
        if not 1 <= self.adjudication_delta <= 10:
            raise StudyRefused("adjudication_delta has to be from 1 to 10")
        check_questions(self.questions)
        check_anchors(self.anchors)


def check_study_name(name: str) -> None:
    """Raises `StudyRefused` for a name that cannot be a study's: it stands in addresses."""
    if not _NAME.fullmatch(name):
        raise StudyRefused(
            f"the name {name[:100]!r} has to be a small letter, then up to 62 small letters, digits, dots, dashes or "
            "underscores"
        )


def check_anchors(anchors: Mapping[str, str]) -> None:
    """Raises `StudyRefused` for words that stand beside no score, or are none."""
    for score, word in anchors.items():
        if score not in {str(value) for value in range(11)}:
            raise StudyRefused(f"the anchor {score[:20]!r} is no score from 0 to 10")
        if not word.strip() or len(word) > MAX_ANCHOR:
            raise StudyRefused(f"the anchor of {score} has to have 1 to {MAX_ANCHOR} characters")


def state_after(state: StudyState, change: StudyChange) -> StudyState:
    """The state to which a step leads; raises `StudyClosed` where it cannot be taken."""
    before, after = _STEPS[change]
    if state is not before:
        raise StudyClosed(f"it is {state}, and only a {before} study can be {_DONE[change]}")
    return after


_DONE: Mapping[StudyChange, str] = {
    StudyChange.PUBLISH: "published",
    StudyChange.LOCK: "locked",
    StudyChange.UNLOCK: "unlocked",
    StudyChange.UNBLIND: "unblinded",
}


def _check_list(names: Sequence[str], what: str) -> None:
    if not names:
        raise StudyRefused(f"it names no {what}")
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise StudyRefused(f"the {what} {twice!r} is named twice")

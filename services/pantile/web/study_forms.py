"""The forms by which a study is set up: what their fields say, and what can be chosen in them."""

import secrets
from collections.abc import Mapping
from typing import Any

from pantile.catalog import cohorts, segmenters
from pantile.catalog.assignments import AssignmentAsk
from pantile.catalog.database import Connection
from pantile.domain.legends import LEGEND
from pantile.domain.questions import SCORE_QUESTION, Question, QuestionKind
from pantile.domain.readings import Purpose
from pantile.domain.rois import TissueType
from pantile.domain.studies import Presentation
from pantile.domain.study_names import number_segmenters
from pantile.domain.study_plans import Amount
from pantile.web.forms import Form, FormRefused

_MOST_COHORTS = 1000
_SEED_BITS = 31

_STRUCTURES = (
    "gland or duct",
    "surface epithelium",
    "other epithelium",
    "vessel",
    "nerve",
    "muscle",
    "stroma or fat",
    "lymphoid tissue",
    "nothing",
)

BENIGN_QUESTIONS: tuple[Question, ...] = (
    Question(number=1, kind=QuestionKind.SCORE, prompt="How good is this segmentation?", tissue_type=TissueType.TUMOR),
    Question(
        number=2,
        kind=QuestionKind.CHOICES,
        prompt="Which structures are segmented?",
        options=_STRUCTURES,
        tissue_type=TissueType.NORMAL,
    ),
    Question(
        number=3,
        kind=QuestionKind.CHOICES,
        prompt="As which classes?",
        options=tuple(entry.label for entry in LEGEND),
        tissue_type=TissueType.NORMAL,
    ),
    Question(
        number=4,
        kind=QuestionKind.CHOICE,
        prompt="How usable is it?",
        options=("as it is", "with small corrections", "for another purpose than the class says", "not at all"),
        tissue_type=TissueType.NORMAL,
    ),
    Question(number=5, kind=QuestionKind.TEXT, prompt="Remarks", is_required=False, tissue_type=TissueType.NORMAL),
)
"""A score for tumor ROIs; for normal ones what is segmented, as what, and what for (the article's Figure 7A)."""

QUESTION_SETS: Mapping[str, tuple[Question, ...]] = {"score": (SCORE_QUESTION,), "benign": BENIGN_QUESTIONS}


def choices(connection: Connection) -> dict[str, Any]:
    """The cohorts and segmenters that a study can be made of; segmenters in the order in which studies number them."""
    names = {each.card.name for each in segmenters.list_segmenters(connection)}
    numbers = number_segmenters(names)
    return {
        "cohorts": [each.name for each in cohorts.list_cohorts(connection, limit=_MOST_COHORTS)],
        "segmenters": sorted(names, key=lambda name: numbers[name]),
    }


def plan_values(form: Form, *, is_new: bool) -> dict[str, Any]:
    """What a set-up form says, by the names of `StudyPlan`.

    Raises:
        FormRefused: a field is not of its kind; `StudyPlan` itself refuses the rest.
    """
    seed = form.number("seed")
    values: dict[str, Any] = {
        "title": form.get("title"),
        "description": form.get("description"),
        "cohorts": tuple(form.all("cohorts")),
        "segmenters": tuple(form.all("segmenters")),
        "tissue_types": tuple(one_of(TissueType, each, "tissue type") for each in form.all("tissue_types")),
        "presentation": one_of(Presentation, form.get("presentation", Presentation.GRID), "presentation"),
        "is_blinded": bool(form.get("is_blinded")),
        "adjudication_delta": form.number("adjudication_delta") or 0,
    }
    if form.get("questions") in QUESTION_SETS:
        values["questions"] = QUESTION_SETS[form.get("questions")]
    if is_new or seed is not None:
        values["seed"] = secrets.randbits(_SEED_BITS) if seed is None else seed
    return {**values, "name": form.get("name")} if is_new else values


def assignment_ask(form: Form) -> AssignmentAsk:
    """What an assignment form asks for; raises `FormRefused`."""
    in_all, per_stratum = form.number("n"), form.number("n_per_stratum")
    if in_all is not None and per_stratum is not None:
        raise FormRefused("say how many in all, or how many of each stratum, not both")
    if 0 in (in_all, per_stratum):
        raise FormRefused("none at all cannot be assigned")
    return AssignmentAsk(
        rater=form.get("rater"),
        purpose=one_of(Purpose, form.get("purpose", Purpose.PRIMARY), "purpose"),
        cohorts=tuple(form.all("cohorts")),
        tissue_types=tuple(one_of(TissueType, each, "tissue type") for each in form.all("tissue_types")),
        amount=Amount(in_all=in_all, per_stratum=per_stratum),
        seed=form.number("seed"),
        repeat_round=form.number("round") or 2,
    )


def one_of(kind: Any, value: str, what: str) -> Any:
    """The word of a closed set that a field says; raises `FormRefused` for any other."""
    if value not in list(kind):
        raise FormRefused(f"{value[:40]!r} is no {what}")
    return kind(value)

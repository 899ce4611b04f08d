"""Pages by which a study is set up: made, changed, staffed, assigned, and taken from state to state."""

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from pantile.analysis.sample_size import plan_icc
from pantile.catalog import assignments, outputs, study_members, study_setup
from pantile.catalog.studies import describe_study
from pantile.domain.access import Scope, Visitor
from pantile.domain.errors import NotAllowed, PantileError
from pantile.domain.scores import by_score
from pantile.domain.studies import StudyChange, StudyPlan, StudyRole
from pantile.domain.study_plans import AssignmentPlan
from pantile.web.confirmation import Confirm, GivenConfirm
from pantile.web.errors import status_of
from pantile.web.forms import Form, FormRefused, OwnForm
from pantile.web.given import GivenDatabase, GivenVisitor
from pantile.web.pages import render_for, to_page
from pantile.web.study_access import GivenAdminVisit, GivenVisit, StudyVisit
from pantile.web.study_forms import assignment_ask, choices, plan_values
from pantile.web.study_tabs import render_study

router = APIRouter(include_in_schema=False)
in_study = APIRouter(prefix="/studies/{study}", include_in_schema=False)

_CASES_SHOWN = 20
_STEPS = {
    "publish": (StudyChange.PUBLISH, "published"),
    "lock": (StudyChange.LOCK, "locked"),
    "unlock": (StudyChange.UNLOCK, "unlocked"),
    "unblind": (StudyChange.UNBLIND, "unblinded"),
}
_CONFIRMED = {StudyChange.LOCK, StudyChange.UNLOCK, StudyChange.UNBLIND}


@router.get("/studies/new")
def new_study(request: Request, visitor: GivenVisitor, database: GivenDatabase) -> Response:
    """The form for a new study."""
    _check_may_create(visitor)
    return _new_page(request, database, Form({}))


@router.post("/studies/new")
def create_study(request: Request, visitor: GivenVisitor, form: OwnForm, database: GivenDatabase) -> Response:
    """Makes a study, a draft, and leads to it."""
    _check_may_create(visitor)
    try:
        plan = StudyPlan(**plan_values(form, is_new=True))
        with database.transaction() as connection:
            study_setup.create_study(connection, plan, actor=visitor.actor)
    except PantileError as error:
        return _new_page(request, database, form, error)
    return to_page(f"/studies/{plan.name}", done="created")


def _check_may_create(visitor: Visitor) -> None:
    if Scope.OPERATE not in visitor.scopes:
        raise NotAllowed("studies are set up by admins and operators")


def _new_page(request: Request, database: GivenDatabase, form: Form, error: PantileError | None = None) -> Response:
    with database.transaction() as connection:
        offered = choices(connection)
    return render_for(request, "studies/new.html", **_told(error), form=form, study=None, content=None, **offered)


@in_study.get("/edit")
def edit_study(request: Request, visit: GivenAdminVisit, database: GivenDatabase) -> Response:
    """The form by which a study is changed."""
    return _edit_page(request, visit, database, Form({}))


@in_study.post("/edit")
def change_study(request: Request, visit: GivenAdminVisit, form: OwnForm, database: GivenDatabase) -> Response:
    """Changes a draft; of any other study title and description."""
    try:
        values = plan_values(form, is_new=False)
        if visit.study.frozen_at is not None:
            values = {name: values[name] for name in ("title", "description")}
        with database.transaction() as connection:
            study_setup.change_study(connection, visit.study, values, actor=visit.visitor.actor)
    except PantileError as error:
        return _edit_page(request, visit, database, form, error)
    return to_page(f"/studies/{visit.study.name}", done="changed")


def _edit_page(
    request: Request, visit: StudyVisit, database: GivenDatabase, form: Form, error: PantileError | None = None
) -> Response:
    with database.transaction() as connection:
        offered, content = choices(connection), describe_study(connection, visit.study)
    return render_study(
        request, visit, "studies/edit.html", **_told(error), form=form, study=visit.study, content=content, **offered
    )


@in_study.get("")
def show_study(request: Request, visit: GivenVisit, database: GivenDatabase) -> Response:
    """A study: what it is made of, and for its admins all that sets it up."""
    planned, error = None, None
    try:
        planned = _planned(Form({name: [value] for name, value in request.query_params.items()}))
    except FormRefused as refusal:
        error = refusal
    return _study_page(request, visit, database, error=error, planned=planned)


def _planned(form: Form) -> dict[str, Any] | None:
    expected, width, raters = form.decimal("expected_icc"), form.decimal("width"), form.number("raters")
    if expected is None or width is None:
        return None
    try:
        plan = plan_icc(expected_icc=expected, width=width, raters=raters or 2)
    except ValueError as error:
        raise FormRefused(str(error)) from error
    return {"plan": plan, "expected_icc": expected, "width": width, "raters": raters or 2}


def _study_page(
    request: Request,
    visit: StudyVisit,
    database: GivenDatabase,
    *,
    error: PantileError | None = None,
    planned: dict[str, Any] | None = None,
    plan: AssignmentPlan | None = None,
    form: Form | None = None,
) -> Response:
    is_admin = visit.role is StudyRole.ADMIN
    with database.transaction() as connection:
        content = describe_study(connection, visit.study)
        members = study_members.list_members(connection, visit.study.id) if is_admin else []
    return render_study(
        request,
        visit,
        "studies/overview.html",
        **_told(error),
        content=content,
        anchors=by_score(visit.study.anchors),
        members=members,
        raters=[each.account for each in members if each.role.may_score and each.is_active],
        roles=list(StudyRole),
        is_admin=is_admin,
        planned=planned,
        plan=plan,
        shown=_CASES_SHOWN,
        form=form or Form({}),
    )


@in_study.post("/members")
def change_members(request: Request, visit: GivenAdminVisit, form: OwnForm, database: GivenDatabase) -> Response:
    """Takes an account into the study, gives it another role there, or takes it out."""
    account, role = form.get("account"), form.get("role")
    try:
        with database.transaction() as connection:
            if not role:
                study_members.remove_member(connection, visit.study, account, actor=visit.visitor.actor)
            else:
                study_members.set_member(connection, visit.study, account, _role(role), actor=visit.visitor.actor)
    except PantileError as error:
        return _study_page(request, visit, database, error=error, form=form)
    return to_page(f"/studies/{visit.study.name}", done="member")


def _role(name: str) -> StudyRole:
    try:
        return StudyRole(name)
    except ValueError as error:
        raise FormRefused(f"{name[:40]!r} is no role in a study") from error


@in_study.post("/assign")
def assign_cases(request: Request, visit: GivenAdminVisit, form: OwnForm, database: GivenDatabase) -> Response:
    """Shows what would be assigned to a rater, and with `do` assigns it."""
    is_meant = bool(form.get("do"))
    try:
        ask = assignment_ask(form)
        with database.transaction() as connection:
            plan = assignments.assign(connection, visit.study, ask, dry_run=not is_meant, actor=visit.visitor.actor)
    except PantileError as error:
        return _study_page(request, visit, database, error=error, form=form)
    if is_meant:
        return to_page(f"/studies/{visit.study.name}", done="assigned")
    return _study_page(request, visit, database, plan=plan, form=form)


@in_study.post("/hand-on")
def hand_on(request: Request, visit: GivenAdminVisit, form: OwnForm, database: GivenDatabase) -> Response:
    """Gives the cases that a rater has not begun to another, or to nobody."""
    giver, taker = form.get("giver"), form.get("taker")
    try:
        with database.transaction() as connection:
            if taker:
                assignments.reassign(connection, visit.study, giver=giver, taker=taker, actor=visit.visitor.actor)
            else:
                assignments.release(connection, visit.study, giver, actor=visit.visitor.actor)
    except PantileError as error:
        return _study_page(request, visit, database, error=error, form=form)
    return to_page(f"/studies/{visit.study.name}", done="reassigned" if taker else "released")


@in_study.post("/refresh")
def refresh(request: Request, visit: GivenAdminVisit, _: OwnForm, database: GivenDatabase) -> Response:
    """Takes in the ROIs and class maps that came since."""
    try:
        with database.transaction() as connection:
            outputs.refresh_study(connection, visit.study, actor=visit.visitor.actor)
    except PantileError as error:
        return _study_page(request, visit, database, error=error)
    return to_page(f"/studies/{visit.study.name}", done="refreshed")


@in_study.post("/step")
def step(
    request: Request, visit: GivenAdminVisit, form: OwnForm, confirm: GivenConfirm, database: GivenDatabase
) -> Response:
    """Publishes, locks, unlocks or unblinds; all but the first ask for the password again."""
    try:
        change, done = _change(form, confirm)
        with database.transaction() as connection:
            study_setup.step_study(connection, visit.study, change, actor=visit.visitor.actor)
    except PantileError as error:
        return _study_page(request, visit, database, error=error)
    return to_page(f"/studies/{visit.study.name}", done=done)


def _change(form: Form, confirm: Confirm) -> tuple[StudyChange, str]:
    if form.get("change") not in _STEPS:
        raise FormRefused("it does not say what is to be done")
    change, done = _STEPS[form.get("change")]
    if change in _CONFIRMED:
        confirm(form.raw("password"))
    return change, done


def _told(error: PantileError | None) -> dict[str, Any]:
    """What a page says of a refusal, and its status; trouble of ours is not the form's."""
    if error is None:
        return {"problem": "", "status": 200}
    status = status_of(error)
    if status >= 500:
        raise error
    return {"problem": str(error), "status": status}


router.include_router(in_study)

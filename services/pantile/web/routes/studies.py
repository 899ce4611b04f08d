"""Studies: made, changed, filled, published, locked and unblinded; and who is in them."""

import secrets
from typing import Annotated, Any

from fastapi import APIRouter, Query

from pantile.catalog import outputs, studies, study_members, study_setup
from pantile.catalog.database import Connection
from pantile.catalog.study_members import Member
from pantile.domain.questions import SCORE_QUESTION, Question
from pantile.domain.scores import by_score
from pantile.domain.studies import StudyChange, StudyPlan, StudyRole
from pantile.schemas.studies import (
    CalibrationIn,
    CalibrationOut,
    ConfirmationIn,
    MemberIn,
    MemberList,
    MemberOut,
    QuestionIn,
    RefreshOut,
    StudyChangeIn,
    StudyIn,
    StudyList,
    StudyListed,
    StudyOut,
    StudyQuestion,
    StudyRoi,
    StudyRoiPage,
    StudySegmenterOut,
)
from pantile.web.confirmation import GivenConfirm
from pantile.web.errors import problems
from pantile.web.given import AccountPath, After, GivenActor, GivenDatabase, GivenVisitor
from pantile.web.study_access import (
    GivenAdminVisit,
    GivenVisit,
    StudyVisit,
    is_admin_everywhere,
    role_of,
)

router = APIRouter(tags=["studies"])
in_study = APIRouter(prefix="/studies/{study}", tags=["studies"])

_SEED_BITS = 31


@router.get("/studies", summary="List one's studies")
def list_studies(visitor: GivenVisitor, database: GivenDatabase) -> StudyList:
    """The studies that the visitor is in, with how many cases are assigned to them and done; admins see all."""
    with database.transaction() as connection:
        found = studies.list_studies(
            connection, account_id=visitor.account_id, all_of_them=is_admin_everywhere(visitor)
        )
    return StudyList(
        studies=[
            StudyListed(
                name=each.study.name,
                title=each.study.title,
                state=each.study.state,
                role=role_of(visitor, each.role) or StudyRole.VIEWER,
                assigned=each.assigned,
                done=each.done,
            )
            for each in found
        ]
    )


@router.post("/studies", status_code=201, summary="Make a study", responses=problems(404, 409))
def create_study(wanted: StudyIn, visitor: GivenVisitor, database: GivenDatabase) -> StudyOut:
    """Makes a draft over the ROIs of some cohorts and the newest class maps that some segmenters have of them.

    Each class map is pinned by its digest: what is scored stays what it was.
    """
    plan = StudyPlan(**_plan_values(wanted))
    with database.transaction() as connection:
        study = study_setup.create_study(connection, plan, actor=visitor.actor)
        return _study_out(connection, StudyVisit(study=study, visitor=visitor, role=StudyRole.ADMIN))


@in_study.get("", summary="Show a study", responses=problems(404))
def show_study(visit: GivenVisit, database: GivenDatabase) -> StudyOut:
    """A study as the visitor may see it."""
    with database.transaction() as connection:
        return _study_out(connection, visit)


@in_study.patch("", summary="Change a study", responses=problems(404, 409))
def change_study(wanted: StudyChangeIn, visit: GivenAdminVisit, actor: GivenActor, database: GivenDatabase) -> StudyOut:
    """Changes a draft; of a study that is published, title and description."""
    with database.transaction() as connection:
        changed = study_setup.change_study(connection, visit.study, _plan_values(wanted), actor=actor)
        return _study_out(connection, StudyVisit(study=changed, visitor=visit.visitor, role=visit.role))


@in_study.post("/publish", summary="Publish a study", responses=problems(404, 409))
def publish_study(visit: GivenAdminVisit, database: GivenDatabase) -> StudyOut:
    """Opens a draft for scoring; its questions, segmenters and rules stay as they are from then on."""
    return _step(visit, database, StudyChange.PUBLISH)


@in_study.post("/lock", summary="Lock a study", responses=problems(404, 409, 429))
def lock_study(
    given: ConfirmationIn, visit: GivenAdminVisit, confirm: GivenConfirm, database: GivenDatabase
) -> StudyOut:
    """Closes a study: nothing in it can be scored or adjudicated any more. Asks for the password again."""
    confirm(given.password)
    return _step(visit, database, StudyChange.LOCK)


@in_study.post("/unlock", summary="Unlock a study", responses=problems(404, 409, 429))
def unlock_study(
    given: ConfirmationIn, visit: GivenAdminVisit, confirm: GivenConfirm, database: GivenDatabase
) -> StudyOut:
    """Opens a locked study for scoring again. Asks for the password again."""
    confirm(given.password)
    return _step(visit, database, StudyChange.UNLOCK)


@in_study.post("/unblind", summary="Unblind a study", responses=problems(404, 409, 429))
def unblind_study(
    given: ConfirmationIn, visit: GivenAdminVisit, confirm: GivenConfirm, database: GivenDatabase
) -> StudyOut:
    """Shows the segmenters' names and all scores to all members of a locked study, for good.

    Asks for the password again.
    """
    confirm(given.password)
    return _step(visit, database, StudyChange.UNBLIND)


@in_study.get("/rois", summary="List a study's ROIs", responses=problems(404))
def list_rois(
    visit: GivenAdminVisit,
    database: GivenDatabase,
    after: After = 0,
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
) -> StudyRoiPage:
    """The ROIs of a study with the segmenters whose class map is missing, for admins."""
    with database.transaction() as connection:
        found = outputs.list_rois(connection, visit.study.id, after=after, limit=limit + 1)
    page = found[:limit]
    return StudyRoiPage(
        rois=[StudyRoi(**{**row, "roi": row["name"]}) for row in page],
        next=page[-1]["roi_id"] if len(found) > limit else None,
    )


@in_study.post("/refresh", summary="Take what came since", responses=problems(404, 409))
def refresh_study(visit: GivenAdminVisit, actor: GivenActor, database: GivenDatabase) -> RefreshOut:
    """Adds ROIs and class maps that came since; stored orders and pinned class maps stay as they are."""
    with database.transaction() as connection:
        pinned = outputs.refresh_study(connection, visit.study, actor=actor)
    return RefreshOut(
        rois_added=pinned.rois_added,
        outputs_added=pinned.outputs_added,
        outputs_filled=pinned.outputs_filled,
        outputs_missing=pinned.outputs_missing,
    )


@in_study.post("/calibration", summary="Choose calibration images", responses=problems(404))
def choose_calibration(
    wanted: CalibrationIn, visit: GivenAdminVisit, actor: GivenActor, database: GivenDatabase
) -> CalibrationOut:
    """Makes ROIs the study's calibration images, by which raters tune themselves, or ordinary ones again."""
    with database.transaction() as connection:
        changed = outputs.mark_calibration(
            connection,
            visit.study,
            [str(key) for key in wanted.rois],
            is_calibration=wanted.is_calibration,
            actor=actor,
        )
    return CalibrationOut(changed=changed)


@in_study.get("/members", summary="List a study's members", responses=problems(404))
def list_members(visit: GivenAdminVisit, database: GivenDatabase) -> MemberList:
    """Who is in a study, for admins."""
    with database.transaction() as connection:
        return MemberList(
            members=[_member_out(each) for each in study_members.list_members(connection, visit.study.id)]
        )


@in_study.put("/members/{account}", summary="Set a member's role", responses=problems(404))
def set_member(
    wanted: MemberIn, visit: GivenAdminVisit, account: AccountPath, actor: GivenActor, database: GivenDatabase
) -> MemberOut:
    """Takes an account into a study, or gives it another role there."""
    with database.transaction() as connection:
        return _member_out(study_members.set_member(connection, visit.study, account, wanted.role, actor=actor))


@in_study.delete("/members/{account}", summary="Remove a member", responses=problems(404))
def remove_member(
    visit: GivenAdminVisit, account: AccountPath, actor: GivenActor, database: GivenDatabase
) -> MemberList:
    """Takes an account out of a study; its cases and scores stay as they are.

    Release the cases that it has not begun first, so that others can have them.
    """
    with database.transaction() as connection:
        study_members.remove_member(connection, visit.study, account, actor=actor)
        return MemberList(
            members=[_member_out(each) for each in study_members.list_members(connection, visit.study.id)]
        )


def _plan_values(wanted: StudyIn | StudyChangeIn) -> dict[str, Any]:
    values = wanted.model_dump(exclude_none=True, exclude_unset=isinstance(wanted, StudyChangeIn))
    if isinstance(wanted, StudyIn):
        values.setdefault("seed", secrets.randbits(_SEED_BITS))
        values["questions"] = [SCORE_QUESTION]
    if wanted.questions is not None:
        values["questions"] = [_question(number, each) for number, each in enumerate(wanted.questions, 1)]
    lists = ("cohorts", "segmenters", "tissue_types", "questions")
    return {**values, **{name: tuple(values[name]) for name in lists if name in values}}


def _question(number: int, given: QuestionIn) -> Question:
    return Question(
        number=number,
        kind=given.kind,
        prompt=given.prompt,
        options=tuple(given.options),
        is_required=given.is_required,
        tissue_type=given.tissue_type,
    )


def _step(visit: StudyVisit, database: GivenDatabase, change: StudyChange) -> StudyOut:
    with database.transaction() as connection:
        changed = study_setup.step_study(connection, visit.study, change, actor=visit.visitor.actor)
        return _study_out(connection, StudyVisit(study=changed, visitor=visit.visitor, role=visit.role))


def _study_out(connection: Connection, visit: StudyVisit) -> StudyOut:
    study = visit.study
    content = studies.describe_study(connection, study)
    return StudyOut(
        name=study.name,
        title=study.title,
        description=study.description,
        state=study.state,
        role=visit.role,
        presentation=study.presentation,
        is_blinded=study.is_blinded,
        anchors=by_score(study.anchors),
        tissue_types=list(study.tissue_types),
        questions=[
            StudyQuestion(
                number=each.number,
                kind=each.kind,
                prompt=each.prompt,
                options=list(each.options),
                is_required=each.is_required,
                tissue_type=each.tissue_type,
            )
            for each in content.questions
        ],
        cohorts=list(content.cohorts),
        segmenters=[
            StudySegmenterOut(number=each.number, name=each.name, version=each.version, title=each.title)
            for each in content.segmenters
        ]
        if visit.sees_segmenters
        else None,
        seed=study.seed if visit.role is StudyRole.ADMIN else None,
        adjudication_delta=study.adjudication_delta,
        rois=content.rois,
        outputs=content.outputs,
        outputs_missing=content.missing,
        created_at=study.created_at,
        created_by=study.created_by,
        frozen_at=study.frozen_at,
    )


def _member_out(member: Member) -> MemberOut:
    return MemberOut(account=member.account, role=member.role, is_active=member.is_active)

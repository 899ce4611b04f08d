"""Adjudications: the queue, one of them with its two scores side by side, and who claims and signs it."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Path, Query

from pantile.catalog import adjudications, cases
from pantile.catalog.adjudications import Adjudicator
from pantile.catalog.audit import record_action
from pantile.catalog.database import Connection, Row
from pantile.domain.errors import NotAllowed
from pantile.domain.rois import TissueType
from pantile.schemas.adjudications import (
    AdjudicatedReading,
    AdjudicationListed,
    AdjudicationOut,
    AdjudicationPage,
    AdjudicationsOpened,
    AdjudicationStep,
    ClaimOut,
    ReopenIn,
    SignIn,
)
from pantile.schemas.readings import CaseOut, ScoreOut
from pantile.web.case_answers import case_out
from pantile.web.confirmation import GivenConfirm
from pantile.web.errors import problems
from pantile.web.given import After, GivenActor, GivenDatabase
from pantile.web.study_access import GivenAdjudicatorVisit, GivenAdminVisit, StudyVisit

router = APIRouter(prefix="/studies/{study}/adjudications", tags=["studies"])

AdjudicationPath = Annotated[UUID, Path(description="The adjudication's key.")]

_UNSCORED = ScoreOut(value=None, answers={}, comment="", version=0)


@router.get("", summary="List adjudications", responses=problems(404))
def list_adjudications(
    visit: GivenAdjudicatorVisit,
    database: GivenDatabase,
    state: Annotated[Literal["open", "signed"] | None, Query()] = None,
    after: After = 0,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> AdjudicationPage:
    """Outputs on which two readings differ by the study's delta or more, or that a rater flagged; one each."""
    with database.transaction() as connection:
        found = adjudications.list_adjudications(
            connection, visit.study, account_id=visit.visitor.account_id, state=state, after=after, limit=limit + 1
        )
        counts = adjudications.count_adjudications(connection, visit.study.id)
    page = found[:limit]
    return AdjudicationPage(
        adjudications=[AdjudicationListed(**row) for row in page],
        open=counts["open"],
        signed=counts["signed"],
        next=page[-1]["id"] if len(found) > limit else None,
    )


@router.post("", summary="Open what is due", responses=problems(404))
def open_adjudications(visit: GivenAdminVisit, actor: GivenActor, database: GivenDatabase) -> AdjudicationsOpened:
    """Opens the adjudications that are due and not there. They open by themselves as readings are completed."""
    with database.transaction() as connection:
        opened = adjudications.open_adjudications(connection, visit.study.id)
        details = {"opened": opened}
        subject = f"study {visit.study.name}"
        record_action(connection, actor=actor, action="open adjudications", subject=subject, details=details)
    return AdjudicationsOpened(opened=opened)


@router.get("/{adjudication}", summary="Show an adjudication", responses=problems(404))
def show_adjudication(
    adjudication: AdjudicationPath, visit: GivenAdjudicatorVisit, database: GivenDatabase
) -> AdjudicationOut:
    """The output with the scores that it got, and no names: neither of raters nor of segmenters."""
    with database.transaction() as connection:
        return _adjudication_out(connection, visit, adjudication)


@router.post("/{adjudication}/claim", summary="Claim an adjudication", responses=problems(404, 409))
def claim_adjudication(
    adjudication: AdjudicationPath, visit: GivenAdjudicatorVisit, database: GivenDatabase
) -> ClaimOut:
    """Takes it for half an hour, so that nobody else settles it meanwhile; claiming it again begins a new one."""
    with database.transaction() as connection:
        until = adjudications.claim(connection, visit.study, adjudication, _adjudicator(visit))
    return ClaimOut(claimed_until=until)


@router.post("/{adjudication}/release", summary="Give an adjudication back", responses=problems(404, 409))
def release_adjudication(
    adjudication: AdjudicationPath, visit: GivenAdjudicatorVisit, database: GivenDatabase
) -> AdjudicationOut:
    """Ends one's claim."""
    with database.transaction() as connection:
        adjudications.release(connection, visit.study, adjudication, _adjudicator(visit))
        return _adjudication_out(connection, visit, adjudication)


@router.post("/{adjudication}/sign", summary="Sign a consensus", responses=problems(404, 409, 429))
def sign_adjudication(
    adjudication: AdjudicationPath,
    given: SignIn,
    visit: GivenAdjudicatorVisit,
    confirm: GivenConfirm,
    database: GivenDatabase,
) -> AdjudicationOut:
    """Signs the consensus on an output that one has claimed; the scores stay as they are.

    Asks for the password again.
    """
    adjudicator = _adjudicator(visit)
    confirm(given.password)
    with database.transaction() as connection:
        adjudications.sign(
            connection, visit.study, adjudication, adjudicator, value=given.value, rationale=given.rationale
        )
        return _adjudication_out(connection, visit, adjudication)


@router.post("/{adjudication}/reopen", summary="Open a signed adjudication again", responses=problems(404, 409))
def reopen_adjudication(
    adjudication: AdjudicationPath, given: ReopenIn, visit: GivenAdminVisit, actor: GivenActor, database: GivenDatabase
) -> AdjudicationOut:
    """Opens a signed adjudication again, for admins; what was signed stays in its history."""
    with database.transaction() as connection:
        adjudications.reopen(connection, visit.study, adjudication, reason=given.reason, actor=actor)
        return _adjudication_out(connection, visit, adjudication)


def _adjudicator(visit: StudyVisit) -> Adjudicator:
    if visit.visitor.account_id is None:
        raise NotAllowed("a consensus is a person's: it takes an account")
    return Adjudicator(account_id=visit.visitor.account_id, actor=visit.visitor.actor)


def _adjudication_out(connection: Connection, visit: StudyVisit, key: UUID) -> AdjudicationOut:
    row = adjudications.find_adjudication(connection, visit.study, key, account_id=visit.visitor.account_id)
    readings = adjudications.list_readings(connection, row)
    history = adjudications.list_history(connection, row["id"])
    case = _case(connection, visit, row, readings[0]["assignment"])
    told = [AdjudicatedReading(**each) for each in readings]
    return AdjudicationOut(
        **{name: row[name] for name in (*AdjudicationListed.model_fields, "output", "rationale", "signed_by")},
        pane=next(pane.pane for pane in case.panes if pane.output == row["output"]),
        first=told[0],
        second=told[1] if len(told) > 1 else None,
        others=told[2:],
        history=[AdjudicationStep(**step) for step in history],
        case=case,
    )


def _case(connection: Connection, visit: StudyVisit, row: Row, assignment: UUID) -> CaseOut:
    """The case of the first reading, in its panes, without what tells whose it is or what they say of it."""
    case = cases.find_case(connection, assignment)
    shown = case_out(case, cases.list_panes(connection, case), visit.study, is_own=False)
    return shown.model_copy(
        update={
            "key": row["key"],
            "label": f"Adjudication {row['id']}",
            "position": 1,
            "total": 1,
            "done": 0,
            "comment": "",
            "flags": [],
            "sample": dict.fromkeys(TissueType),
            "panes": [pane.model_copy(update={"score": _UNSCORED}) for pane in shown.panes],
            "next": None,
            "previous": None,
        }
    )

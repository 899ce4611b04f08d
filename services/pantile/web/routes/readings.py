"""Readings: what a rater sees of a case, sets in it and did before. Every change needs the case to be their own."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Header, Path, Response

from pantile.catalog import cases, readings, remarks, scores
from pantile.catalog.database import Connection
from pantile.catalog.pyramids import want_pyramids
from pantile.catalog.queues import find_neighbour
from pantile.catalog.score_events import list_events
from pantile.domain.access import Visitor
from pantile.domain.errors import NotAllowed
from pantile.domain.score_events import Action, plain_view
from pantile.schemas.readings import (
    CaseComment,
    CaseFlags,
    CaseOut,
    CaseStanding,
    CommentIn,
    CompleteIn,
    EventList,
    FlagIn,
    IncompleteProblem,
    ReasonIn,
    RecordedScoreOut,
    ScoreConflictProblem,
    ScoreIn,
    TimingIn,
    TimingOut,
)
from pantile.web.case_answers import case_out, event_out
from pantile.web.errors import problems
from pantile.web.given import GivenDatabase, GivenVisitor, SeenVersion, version_number
from pantile.web.study_access import StudyVisit, visit_study

router = APIRouter(prefix="/assignments/{assignment}", tags=["readings"])

AssignmentPath = Annotated[UUID, Path(description="The assignment's key.")]
OutputPath = Annotated[UUID, Path(description="The output's key.")]
IdempotencyKey = Annotated[
    UUID, Header(alias="Idempotency-Key", description="The same for the same change when it is sent again.")
]

_CHANGE: dict[int | str, dict[str, Any]] = problems(404, 409)


def _visit(connection: Connection, case: cases.Case, visitor: Visitor) -> StudyVisit:
    """The visitor in the case's study; raises `NotAllowed` for another rater's case while scores are not open."""
    visit = visit_study(connection, visitor, case.study)
    if case.account_id != visitor.account_id and not visit.reads_all_scores:
        raise NotAllowed("the case is somebody else's")
    return visit


@router.get("", summary="Show a case", responses=problems(404))
def show_case(assignment: AssignmentPath, visitor: GivenVisitor, database: GivenDatabase) -> CaseOut:
    """The case of an assignment: image, outputs in their panes, scores, legend. It is not opened by this."""
    with database.transaction() as connection:
        case = cases.find_case(connection, assignment)
        visit = _visit(connection, case, visitor)
        panes = cases.list_panes(connection, case)
    return case_out(case, panes, visit.study, is_own=case.account_id == visitor.account_id)


@router.get("/events", summary="List a case's events", responses=problems(404))
def list_case_events(assignment: AssignmentPath, visitor: GivenVisitor, database: GivenDatabase) -> EventList:
    """All that was done in a case, first to last."""
    with database.transaction() as connection:
        case = cases.find_case(connection, assignment)
        _visit(connection, case, visitor)
        found = list_events(connection, case.row["id"])
    return EventList(events=[event_out(each) for each in found])


@router.post("/open", summary="Open a case", responses=problems(404))
def open_case(assignment: AssignmentPath, visitor: GivenVisitor, database: GivenDatabase) -> CaseStanding:
    """Says that the rater looks at the case now. Showing it does not, so that a viewer can fetch the next one early."""
    with database.transaction() as connection:
        opened = readings.open_reading(connection, assignment, visitor)
        want_pyramids(connection, [opened.roi_id])
        return _standing(connection, opened)


@router.put(
    "/scores/{output}",
    summary="Score an output",
    responses={**_CHANGE, 412: {**problems(412)[412], "model": ScoreConflictProblem}},
)
def score_output(
    assignment: AssignmentPath,
    output: OutputPath,
    wanted: ScoreIn,
    version: SeenVersion,
    key: IdempotencyKey,
    response: Response,
    *,
    visitor: GivenVisitor,
    database: GivenDatabase,
) -> RecordedScoreOut:
    """Sets, changes or takes back an output's score, if it is still at the version that the rater saw.

    The same change with the same key again gives the same answer, also when the case is closed by then.
    """
    change = scores.ScoreChange(
        key=key,
        version=version_number(version),
        value=wanted.value,
        answers=wanted.answers,
        comment=wanted.comment,
        action=Action(wanted.action) if wanted.action != "set" else None,
        group=wanted.group,
        client_at=wanted.client_at,
        view=plain_view(wanted.view.model_dump()) if wanted.view is not None else None,
    )
    with database.transaction() as connection:
        recorded = scores.record_score(connection, assignment, output, change, visitor)
    response.headers["ETag"] = f'"v{recorded.current.version}"'
    return RecordedScoreOut.model_validate(
        {"output": recorded.output, "event": recorded.event, **recorded.current.document()}
    )


@router.post(
    "/complete",
    summary="Complete a case",
    responses={**_CHANGE, 409: {**problems(409)[409], "model": IncompleteProblem}},
)
def complete_case(
    assignment: AssignmentPath, wanted: CompleteIn, visitor: GivenVisitor, database: GivenDatabase
) -> CaseStanding:
    """Ends a case. Where something is not scored, the refusal names it; a case that is done already stays so."""
    with database.transaction() as connection:
        done = readings.complete_reading(connection, assignment, visitor, skips_missing=wanted.skip_missing)
        return _standing(connection, done)


@router.post("/skip", summary="Skip a case", responses=_CHANGE)
def skip_case(
    assignment: AssignmentPath, wanted: ReasonIn, visitor: GivenVisitor, database: GivenDatabase
) -> CaseStanding:
    """Ends a case without its being scored whole, and says why."""
    with database.transaction() as connection:
        return _standing(connection, readings.skip_reading(connection, assignment, visitor, reason=wanted.reason))


@router.post("/reopen", summary="Open a case again", responses=_CHANGE)
def reopen_case(
    assignment: AssignmentPath, wanted: ReasonIn, visitor: GivenVisitor, database: GivenDatabase
) -> CaseStanding:
    """Opens a case that was completed or skipped, and says why."""
    with database.transaction() as connection:
        return _standing(connection, readings.reopen_reading(connection, assignment, visitor, reason=wanted.reason))


def _standing(connection: Connection, reading: readings.Reading) -> CaseStanding:
    return CaseStanding(status=reading.state, next=find_neighbour(connection, reading))


@router.put("/flags", summary="Flag a case or an output", responses=_CHANGE)
def set_flag(assignment: AssignmentPath, wanted: FlagIn, visitor: GivenVisitor, database: GivenDatabase) -> CaseFlags:
    """Sets a flag or takes it back; an output that is missing can be flagged as well."""
    with database.transaction() as connection:
        remarks.set_flag(
            connection,
            assignment,
            visitor,
            kind=wanted.kind,
            output=wanted.output,
            note=wanted.note,
            is_set=wanted.is_set,
        )
        return CaseFlags.model_validate({"flags": remarks.list_flags(connection, assignment)})


@router.put("/comment", summary="Comment on a case", responses=_CHANGE)
def set_comment(
    assignment: AssignmentPath, wanted: CommentIn, visitor: GivenVisitor, database: GivenDatabase
) -> CaseComment:
    """Sets the comment on the case as a whole."""
    with database.transaction() as connection:
        remarks.set_comment(connection, assignment, visitor, wanted.comment)
    return CaseComment(comment=wanted.comment)


@router.post("/timing", summary="Report how long a case was looked at", responses=problems(404))
def add_timing(
    assignment: AssignmentPath, wanted: TimingIn, visitor: GivenVisitor, database: GivenDatabase
) -> TimingOut:
    """Adds what has passed since the last report, up to five minutes, and never more than the case was open."""
    with database.transaction() as connection:
        total = remarks.add_timing(connection, assignment, visitor, remarks.Timing(**wanted.model_dump()))
    return TimingOut(active_ms=total.active_ms, idle_ms=total.idle_ms)

"""Pages of what came of a study: progress, agreement, adjudication, audit, export."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from pantile.catalog import adjudications, exports, study_audit, study_members
from pantile.catalog.audit import record_action
from pantile.catalog.score_events import verify_study
from pantile.domain.errors import PantileError
from pantile.domain.rois import TissueType
from pantile.domain.studies import StudyRole
from pantile.schemas.study_figures import AgreementOut
from pantile.web.charts import bland_altman, scatter
from pantile.web.errors import status_of
from pantile.web.forms import OwnForm
from pantile.web.given import After, GivenDatabase
from pantile.web.routes.study_figures import list_disagreements, show_agreement, show_progress
from pantile.web.study_access import GivenAdjudicatorVisit, GivenAdminVisit, GivenReaderVisit, StudyVisit
from pantile.web.study_tabs import render_study

router = APIRouter(prefix="/studies/{study}", include_in_schema=False)

_LISTED = 100
_NO_NUL = r"^[^\x00]*$"

Word = Annotated[str, Query(max_length=100, pattern=_NO_NUL)]

EXPORTS = (
    ("study", "First scores", "the study's own columns, one row an output"),
    ("second", "Second rater's scores", "the same columns"),
    ("consensus", "Consensus", "the same columns; signed consensus where there is one"),
    ("long", "Long format", "every reading with rater, round, position and pane"),
    ("events", "Events", "every change of every score, with the hash that chains it"),
    ("dice_wide", "Wide table for Dice", "one row an ROI, one column a segmenter"),
    ("imrmc", "iMRMC", "readers and cases as the program iMRMC reads them"),
)


@router.get("/progress")
def show_progress_page(request: Request, visit: GivenAdminVisit, database: GivenDatabase) -> Response:
    """How far the raters are, day by day, and what is scored."""
    return render_study(request, visit, "studies/progress.html", progress=show_progress(visit, database))


@router.get("/agreement")
def show_agreement_page(
    request: Request,
    visit: GivenReaderVisit,
    database: GivenDatabase,
    *,
    first: Word = "",
    second: Word = "",
    tissue: Word = "",
    min_delta: Annotated[int, Query(ge=1, le=10)] = 3,
) -> Response:
    """How far two readings agree, in figures and charts, and where they differ most."""
    asked = {"first": first, "second": second, "tissue": tissue, "min_delta": min_delta}
    values: dict[str, Any] = {"found": None, "disagreements": [], "problem": "", "status": 200}
    try:
        one, other = first or None, second or None
        tissue_type = next((each for each in TissueType if each == tissue), None)
        found = show_agreement(visit, database, first=one, second=other, tissue_type=tissue_type)
        listed = list_disagreements(visit, database, min_delta=min_delta, first=one, second=other, limit=_LISTED)
        values |= {"found": found, "disagreements": listed.disagreements, **_charts(found)}
    except PantileError as error:
        if status_of(error) >= 500:
            raise
        values |= {"problem": str(error), "status": status_of(error)}
    with database.transaction() as connection:
        members = [each.account for each in study_members.list_members(connection, visit.study.id)]
    return render_study(request, visit, "studies/agreement.html", asked=asked, members=members, **values)


def _charts(found: AgreementOut) -> dict[str, Any]:
    if not found.pairs:
        return {}
    pooled = found.pooled
    levels = [
        ("mean", "bias", pooled.bias.value),
        ("limit", "", pooled.limit_low.value),
        ("limit", "", pooled.limit_high.value),
    ]
    return {"scatter": scatter(found.pairs), "bland_altman": bland_altman(found.pairs, levels=levels)}


@router.get("/adjudication")
def show_adjudications(
    request: Request, visit: GivenAdjudicatorVisit, database: GivenDatabase, *, state: Word = "open", after: After = 0
) -> Response:
    """What two readings leave open, and what is settled."""
    wanted = state if state in {"open", "signed"} else None
    with database.transaction() as connection:
        found = adjudications.list_adjudications(
            connection,
            visit.study,
            account_id=visit.visitor.account_id,
            state=wanted,
            after=after,
            limit=_LISTED + 1,
        )
        counts = adjudications.count_adjudications(connection, visit.study.id)
    page = found[:_LISTED]
    return render_study(
        request,
        visit,
        "studies/adjudication.html",
        listed=page,
        counts=counts,
        state=state,
        following=page[-1]["id"] if len(found) > _LISTED else None,
    )


@router.get("/audit")
def show_audit(
    request: Request, visit: GivenAdminVisit, database: GivenDatabase, *, rater: Word = "", before: After | None = None
) -> Response:
    """Who did what to the study, and every change of a score."""
    return _audit_page(request, visit, database, rater=rater, before=before)


@router.post("/verify")
def verify(request: Request, visit: GivenAdminVisit, _: OwnForm, database: GivenDatabase) -> Response:
    """Follows the chain of every case's events, and tells what it found."""
    with database.transaction() as connection:
        found = verify_study(connection, visit.study.id)
        details = {"events": found.events, "discrepancies": len(found.discrepancies)}
        subject = f"study {visit.study.name}"
        record_action(connection, actor=visit.visitor.actor, action="verify", subject=subject, details=details)
    return _audit_page(request, visit, database, verified=found)


def _audit_page(
    request: Request,
    visit: StudyVisit,
    database: GivenDatabase,
    *,
    rater: str = "",
    before: int | None = None,
    verified: object = None,
) -> Response:
    with database.transaction() as connection:
        events = study_audit.list_study_events(
            connection, visit.study.id, rater=rater or None, before=before, limit=_LISTED + 1
        )
        actions = study_audit.list_study_actions(connection, visit.study.name, limit=_LISTED)
        members = [each.account for each in study_members.list_members(connection, visit.study.id)]
    page = events[:_LISTED]
    return render_study(
        request,
        visit,
        "studies/audit.html",
        events=page,
        actions=actions,
        members=members,
        rater=rater,
        verified=verified,
        following=page[-1]["id"] if len(events) > _LISTED else None,
    )


@router.get("/export")
def show_exports(request: Request, visit: GivenReaderVisit, database: GivenDatabase) -> Response:
    """The tables that can be had of a study, and for admins those that were."""
    made = []
    if visit.role is StudyRole.ADMIN:
        with database.transaction() as connection:
            made = exports.list_exports(connection, visit.study.id)
    return render_study(request, visit, "studies/export.html", kinds=EXPORTS, made=made)

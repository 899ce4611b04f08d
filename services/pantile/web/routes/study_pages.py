"""Pages that everybody in a study has: the first page, the studies, a study, and one's cases in it."""

from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from pantile.catalog import queues, studies
from pantile.catalog.queues import QueueFilter
from pantile.catalog.studies import StudyListed
from pantile.domain.access import Scope, Visitor
from pantile.domain.errors import NothingLeft
from pantile.domain.readings import ReadingState
from pantile.domain.rois import TissueType
from pantile.web.case_answers import queued_case
from pantile.web.given import GivenDatabase, GivenVisitor
from pantile.web.pages import render_for, to_page
from pantile.web.study_access import GivenVisit, is_admin_everywhere, role_of
from pantile.web.study_tabs import render_study

router = APIRouter(include_in_schema=False)
in_study = APIRouter(prefix="/studies/{study}", include_in_schema=False)

_CASES_A_PAGE = 50
_NO_NUL = r"^[^\x00]*$"

Word = Annotated[str, Query(max_length=200, pattern=_NO_NUL)]


@router.get("/")
def show_home(request: Request, visitor: GivenVisitor, database: GivenDatabase) -> Response:
    """The first page: one's studies, and the way back to where one was."""
    return render_for(request, "home.html", **_listed(visitor, database))


@router.get("/studies")
def list_studies(request: Request, visitor: GivenVisitor, database: GivenDatabase) -> Response:
    """All of one's studies."""
    return render_for(request, "studies/list.html", **_listed(visitor, database))


def _listed(visitor: Visitor, database: GivenDatabase) -> dict[str, Any]:
    with database.transaction() as connection:
        found = studies.list_studies(
            connection, account_id=visitor.account_id, all_of_them=is_admin_everywhere(visitor)
        )
    return {"listed": [_row(each, visitor) for each in found], "may_create": Scope.OPERATE in visitor.scopes}


def _row(listed: StudyListed, visitor: Visitor) -> dict[str, Any]:
    role = role_of(visitor, listed.role)
    counts = {"assigned": listed.assigned, "done": listed.done, "skipped": listed.skipped}
    return {"study": listed.study, "role": role, **counts}


@in_study.get("/resume")
def resume(visit: GivenVisit, database: GivenDatabase) -> Response:
    """Leads to the case that one was at, or where nothing is left, to one's cases."""
    try:
        with database.transaction() as connection:
            key = queues.resume(connection, visit.study.id, visit.visitor.account_id or 0)
    except NothingLeft:
        return to_page(f"/studies/{visit.study.name}/queue")
    return to_page(f"/score/{key}")


@in_study.get("/queue")
def show_queue(
    request: Request,
    visit: GivenVisit,
    database: GivenDatabase,
    *,
    q: Word = "",
    status: Word = "",
    cohort: Word = "",
    tissue: Word = "",
    flagged: Word = "",
    after: Annotated[int, Query(ge=0, le=2**31 - 1)] = 0,
) -> Response:
    """One's cases in their order, filtered as the address says; a filter that is none does not matter."""
    asked = {"q": q, "status": status, "cohort": cohort, "tissue": tissue, "flagged": flagged}
    account_id = visit.visitor.account_id or 0
    with database.transaction() as connection:
        found = queues.list_cases(
            connection,
            visit.study.id,
            account_id,
            _filter(asked),
            names_rois=visit.study.names_segmenters,
            after=after,
            limit=_CASES_A_PAGE + 1,
        )
        counts = queues.count_cases(connection, visit.study.id, account_id)
    page = found[:_CASES_A_PAGE]
    more = {**{name: value for name, value in asked.items() if value}, "after": page[-1]["position"] if page else 0}
    return render_study(
        request,
        visit,
        "studies/queue.html",
        cases=[queued_case(row) for row in page],
        counts=counts,
        cohorts=sorted({row["cohort"] for row in counts}),
        is_finished=bool(counts) and all(row["assigned"] == row["done"] + row["skipped"] for row in counts),
        asked=asked,
        following=f"{request.url.path}?{urlencode(more)}" if len(found) > _CASES_A_PAGE else "",
    )


def _filter(asked: dict[str, str]) -> QueueFilter:
    states = [state for state in ReadingState if state == asked["status"]]
    return QueueFilter(
        states=states,
        cohorts=[asked["cohort"]] if asked["cohort"] else [],
        tissue_type=next((each for each in TissueType if each == asked["tissue"]), None),
        is_flagged={"true": True, "false": False}.get(asked["flagged"]),
        words=asked["q"].strip(),
    )


router.include_router(in_study)

"""Pages of a study's results: as they are so far, and the report of them."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from pantile.catalog import reports
from pantile.domain.dice import DiceProtocol
from pantile.web.forms import OwnForm
from pantile.web.given import GivenDatabase
from pantile.web.pages import to_page
from pantile.web.study_access import GivenResultsVisit
from pantile.web.study_results import find_results
from pantile.web.study_tabs import render_scripted_study, render_study

router = APIRouter(prefix="/studies/{study}", include_in_schema=False)


@router.get("/results")
def show_results(
    request: Request,
    visit: GivenResultsVisit,
    database: GivenDatabase,
    protocol: Annotated[str, Query(max_length=30)] = DiceProtocol.PUBLISHED_CODE,
) -> Response:
    """What the readings that are done give so far; a protocol that is none does not matter."""
    wanted = next((each for each in DiceProtocol if each == protocol), DiceProtocol.PUBLISHED_CODE)
    with database.transaction() as connection:
        found = find_results(connection, visit.study, wanted)
    return render_study(
        request, visit, "studies/results.html", found=found, protocols=list(DiceProtocol), chosen=wanted
    )


@router.get("/report")
def show_report(request: Request, visit: GivenResultsVisit, database: GivenDatabase) -> Response:
    """How the study's report stands, and the newest that was made."""
    with database.transaction() as connection:
        found = reports.find_report(connection, visit.study.id)
    return render_scripted_study(request, visit, "studies/report.html", report=found)


@router.post("/report")
def ask_report(visit: GivenResultsVisit, _: OwnForm, database: GivenDatabase) -> Response:
    """Asks for a report, and leads to where it is shown."""
    with database.transaction() as connection:
        reports.ask_report(connection, visit.study, actor=visit.visitor.actor)
    return to_page(f"/studies/{visit.study.name}/report", done="reported")

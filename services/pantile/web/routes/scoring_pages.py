"""The scoring page: a shell that the viewer's script fills, for a rater's case and for an adjudication."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Request
from fastapi.responses import HTMLResponse

from pantile.web.assets import viewer_assets
from pantile.web.pages import render_shell

router = APIRouter(include_in_schema=False)

StudyName = Annotated[str, Path(max_length=100, pattern=r"^[^\x00]*$")]


@router.get("/score/{assignment}")
def show_case(assignment: UUID, request: Request) -> HTMLResponse:
    """The page on which a rater scores; the script asks the API for the case, which checks whose it is."""
    return _shell(request, case=str(assignment))


@router.get("/studies/{study}/adjudication/{adjudication}")
def show_adjudication(study: StudyName, adjudication: UUID, request: Request) -> HTMLResponse:
    """The same page with two readings and one consensus to give."""
    return _shell(request, study=study, adjudication=str(adjudication))


def _shell(request: Request, *, case: str = "", study: str = "", adjudication: str = "") -> HTMLResponse:
    shown = {"case": case, "study": study, "adjudication": adjudication}
    return render_shell(request, "score.html", assets=viewer_assets(), **shown)

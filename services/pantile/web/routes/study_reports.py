"""A study's report: asked for, followed, opened and downloaded, by those who may see its figures by segmenter."""

from fastapi import APIRouter, Response
from fastapi.responses import StreamingResponse

from pantile.catalog import reports
from pantile.catalog.reports import Report, ReportStanding
from pantile.domain.errors import ReportNotFound
from pantile.schemas.reports import ReportMade, ReportOut
from pantile.web.errors import problems
from pantile.web.given import GivenActor, GivenDatabase, GivenObjects
from pantile.web.study_access import GivenResultsVisit, StudyVisit

router = APIRouter(prefix="/studies/{study}", tags=["studies"])

_PAGE_POLICY = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'"
"""The page has its style and its pictures within it, and may do nothing else."""


@router.post("/report", summary="Ask for a study's report", responses=problems(404), status_code=202)
def ask_report(visit: GivenResultsVisit, actor: GivenActor, database: GivenDatabase) -> ReportOut:
    """Has an evaluate worker make the report of what is scored by then; one on its way is not asked for again.

    For admins, and once the study is unblinded for members who score no blinded study.
    """
    with database.transaction() as connection:
        reports.ask_report(connection, visit.study, actor=actor)
        return _report_out(reports.find_report(connection, visit.study.id))


@router.get("/report", summary="Show how a study's report stands", responses=problems(404))
def show_report(visit: GivenResultsVisit, database: GivenDatabase) -> ReportOut:
    """Whether a report is on its way, why the last one failed, and the newest that was made."""
    with database.transaction() as connection:
        return _report_out(reports.find_report(connection, visit.study.id))


def _report_out(found: ReportStanding) -> ReportOut:
    made = found.made
    return ReportOut(
        state=found.state,
        asked_at=found.asked_at,
        error=found.error,
        made=None
        if made is None
        else ReportMade(
            made_at=made.made_at, scores=made.scores, page_bytes=made.page_bytes, archive_bytes=made.archive_bytes
        ),
    )


@router.get(
    "/report.html",
    summary="Open a study's report",
    response_class=Response,
    responses={200: {"content": {"text/html": {"schema": {"type": "string"}}}}, **problems(404)},
)
def open_report(visit: GivenResultsVisit, database: GivenDatabase, objects: GivenObjects) -> Response:
    """The newest report: one page that needs nothing else."""
    made = _find_made(visit, database)
    headers = {
        "Content-Security-Policy": _PAGE_POLICY,
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-store",
    }
    return Response(objects.get(made.page_key, sha256=made.page_sha256), media_type="text/html", headers=headers)


@router.get(
    "/report.zip",
    summary="Download a study's report with its tables and figures",
    response_class=StreamingResponse,
    responses={
        200: {"content": {"application/zip": {"schema": {"type": "string", "format": "binary"}}}},
        **problems(404),
    },
)
def download_report(visit: GivenResultsVisit, database: GivenDatabase, objects: GivenObjects) -> StreamingResponse:
    """The newest report, its tables as CSV, its figures as SVG, PNG and CSV."""
    made = _find_made(visit, database)
    headers = {
        "Content-Disposition": f'attachment; filename="{visit.study.name}-report.zip"',
        "Content-Length": str(made.archive_bytes),
    }
    return StreamingResponse(objects.chunks(made.archive_key), media_type="application/zip", headers=headers)


def _find_made(visit: StudyVisit, database: GivenDatabase) -> Report:
    with database.transaction() as connection:
        made = reports.find_report(connection, visit.study.id).made
    if made is None:
        raise ReportNotFound(visit.study.name)
    return made

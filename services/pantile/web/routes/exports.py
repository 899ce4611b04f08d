"""What goes out of a study and what comes in: its tables as CSV, and scores from the study's own CSV."""

import base64
from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Query, Request
from fastapi.responses import StreamingResponse
from starlette.datastructures import Headers

from pantile.analysis.reading import text_file
from pantile.analysis.score_lines import read_score_lines
from pantile.catalog import exports, imports
from pantile.catalog.imports import ImportAsk, Imported
from pantile.domain.readings import Purpose
from pantile.domain.study_exports import ExportKind
from pantile.schemas.study_exports import ExportList, ExportOut, ImportOut
from pantile.web.errors import problems
from pantile.web.given import GivenActor, GivenDatabase
from pantile.web.study_access import GivenAdminVisit, GivenReaderVisit
from pantile.web.study_export import ExportAsk, write_export

router = APIRouter(prefix="/studies/{study}", tags=["studies"])

Name = Annotated[str, Query(max_length=100, pattern=r"^[^\x00]*$", description="A member's name.")]

_CSV = {"text/csv": {"schema": {"type": "string"}}}


@router.get(
    "/export",
    summary="Export a study as CSV",
    response_class=StreamingResponse,
    responses={200: {"content": _CSV}, **problems(404)},
)
def export_study(
    visit: GivenReaderVisit,
    actor: GivenActor,
    database: GivenDatabase,
    kind: ExportKind = ExportKind.STUDY,
    rater: Name | None = None,
    *,
    excel_safe: Annotated[bool, Query(description="No cell can be read as a formula by a spreadsheet.")] = False,
) -> StreamingResponse:
    """A table of the readings that are done. `Repr-Digest` has its SHA-256, which is kept with the number of rows.

    For admins, and once the study is unblinded for all members.
    """
    ask = ExportAsk(kind=kind, rater=rater, is_safe=excel_safe)
    made = write_export(database, visit.study, ask, actor=actor)
    headers = {
        "Content-Disposition": f'attachment; filename="{visit.study.name}-{kind}.csv"',
        "Content-Length": str(made.size_bytes),
        "Repr-Digest": f"sha-256=:{base64.b64encode(made.digest).decode()}:",
        "X-Rows": str(made.rows),
    }
    return StreamingResponse(made.chunks(), media_type="text/csv", headers=headers)


@router.get("/exports", summary="List a study's exports", responses=problems(404))
def list_exports(visit: GivenAdminVisit, database: GivenDatabase) -> ExportList:
    """The last exports with their digests, for admins."""
    with database.transaction() as connection:
        found = exports.list_exports(connection, visit.study.id)
    return ExportList(exports=[ExportOut(**row) for row in found])


async def _read_csv(request: Request) -> Callable[[], bytes]:
    media_type = Headers(scope=request.scope).get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "text/csv":
        raise HTTPException(415, "The scores have to be text/csv.")
    body = await request.body()
    return lambda: body


GivenCsv = Annotated[Callable[[], bytes], Depends(_read_csv)]


@router.post(
    "/import",
    summary="Import the study's own CSV",
    responses=problems(404, 409, 415),
    openapi_extra={"requestBody": {"required": True, "content": _CSV}},
)
def import_scores(
    visit: GivenAdminVisit,
    actor: GivenActor,
    body: GivenCsv,
    database: GivenDatabase,
    rater: Name,
    purpose: Purpose = Purpose.PRIMARY,
    *,
    dry_run: Annotated[bool, Query(description="Only tell what would be imported.")] = False,
) -> ImportOut:
    """Takes scores of a file with the columns of the study's `scoring_data.csv` as readings of a member.

    Everything is taken or nothing: what is wrong is told line by line. The same file again adds nothing. Each score is
    an event of its own.
    """
    lines = read_score_lines(text_file("the file", body()))
    ask = ImportAsk(rater=rater, purpose=purpose)
    with database.transaction() as connection:
        done = imports.import_scores(connection, visit.study, ask, lines, dry_run=dry_run, actor=actor)
    return _import_out(done, dry_run=dry_run)


def _import_out(done: Imported, *, dry_run: bool) -> ImportOut:
    return ImportOut(
        dry_run=dry_run,
        rows=done.rows,
        readings=done.readings,
        scores=done.scores,
        already=done.already,
        adjudications=done.adjudications,
    )

"""The page by which scores that exist as a file come into a study: looked through first, all of them or none."""

from collections.abc import Sequence

from fastapi import APIRouter, Request
from starlette.responses import Response

from pantile.analysis.reading import text_file
from pantile.analysis.score_lines import read_score_lines
from pantile.catalog import imports, study_members
from pantile.catalog.imports import ImportAsk, Imported
from pantile.domain.errors import PantileError, ScoresRefused
from pantile.domain.readings import Purpose
from pantile.web.errors import status_of
from pantile.web.forms import Form, FormRefused, OwnUpload, Upload
from pantile.web.given import GivenDatabase
from pantile.web.pages import to_page
from pantile.web.study_access import GivenAdminVisit, StudyVisit
from pantile.web.study_forms import one_of
from pantile.web.study_tabs import render_study

router = APIRouter(prefix="/studies/{study}/import", include_in_schema=False)

_PROBLEMS_SHOWN = 200


@router.get("")
def show_import(request: Request, visit: GivenAdminVisit, database: GivenDatabase) -> Response:
    """The form for a file with the columns of the study's own CSV."""
    return _page(request, visit, database)


@router.post("")
def import_scores(request: Request, visit: GivenAdminVisit, upload: OwnUpload, database: GivenDatabase) -> Response:
    """Tells what would come of a file, and with `do` takes its scores in; what is wrong is told line by line."""
    is_meant = bool(upload.form.get("do"))
    try:
        done = _import(visit, upload, database, is_dry=not is_meant)
    except ScoresRefused as refusal:
        problems = refusal.problems or (str(refusal),)
        return _page(request, visit, database, upload.form, problems=problems, status=status_of(refusal))
    except PantileError as error:
        if status_of(error) >= 500:
            raise
        return _page(request, visit, database, upload.form, problem=str(error), status=status_of(error))
    if is_meant and done.readings:
        return to_page(f"/studies/{visit.study.name}/import", done="imported")
    return _page(request, visit, database, upload.form, told=done)


def _import(visit: StudyVisit, upload: Upload, database: GivenDatabase, *, is_dry: bool) -> Imported:
    if not upload.name:
        raise FormRefused("choose a file first")
    ask = ImportAsk(
        rater=upload.form.get("rater"), purpose=one_of(Purpose, upload.form.get("purpose", Purpose.PRIMARY), "purpose")
    )
    lines = read_score_lines(text_file(upload.name, upload.content))
    with database.transaction() as connection:
        return imports.import_scores(connection, visit.study, ask, lines, dry_run=is_dry, actor=visit.visitor.actor)


def _page(
    request: Request,
    visit: StudyVisit,
    database: GivenDatabase,
    form: Form | None = None,
    *,
    problem: str = "",
    problems: Sequence[str] = (),
    told: Imported | None = None,
    status: int = 200,
) -> Response:
    with database.transaction() as connection:
        members = study_members.list_members(connection, visit.study.id)
    return render_study(
        request,
        visit,
        "studies/import.html",
        status=status,
        form=form or Form({}),
        raters=[each.account for each in members if each.role.may_score],
        problem=problem,
        problems=problems[:_PROBLEMS_SHOWN],
        wrong=len(problems),
        told=told,
    )

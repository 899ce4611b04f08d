"""The page by which ROIs are submitted: checked first, problems told by line, and queued only when that is asked."""

import tempfile
from functools import partial
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import anyio
import anyio.to_thread
from fastapi import APIRouter, Depends, Request
from starlette.responses import JSONResponse, Response

from pantile.catalog import rois, segmenters
from pantile.catalog.audit import record_action
from pantile.catalog.database import Database
from pantile.coordinator.submit import submit_cohort
from pantile.domain.errors import InputRefused, ManifestRefused
from pantile.domain.segmenters import Mode
from pantile.objects import ObjectStore
from pantile.settings import Settings
from pantile.web.body_limit import MAX_MANIFEST_BYTES
from pantile.web.cookies import session_secret
from pantile.web.forms import Form, check_form, read_form
from pantile.web.given import GivenActor, GivenDatabase, GivenObjects, GivenSettings
from pantile.web.pages import render_scripted, to_page
from pantile.web.submission_form import CheckedManifest, check_manifest, require_files

router = APIRouter(prefix="/submit", include_in_schema=False)

_MOST_SEGMENTERS = 1000
_INCOMING = "incoming"


async def _manifest_form(request: Request) -> Form:
    form = await read_form(request, max_bytes=MAX_MANIFEST_BYTES, max_fields=_MOST_SEGMENTERS)
    check_form(form, session_secret(request))
    return form


ManifestForm = Annotated[Form, Depends(_manifest_form)]


@router.get("")
def show_form(request: Request, database: GivenDatabase) -> Response:
    """The form, empty."""
    return _page(request, database, Form({}))


@router.post("")
def submit(
    request: Request, form: ManifestForm, actor: GivenActor, database: GivenDatabase, settings: GivenSettings
) -> Response:
    """Checks a manifest and tells what it would submit, or all that is wrong; with `do` submits it."""
    try:
        checked = check_manifest(form)
        with database.transaction() as connection:
            segmenters.find_segmenters(connection, checked.manifest.segmenters, to_run=True)
        if not form.get("do"):
            return _page(request, database, form, checked=checked)
        require_files(checked)
        names = _submit(database, checked, settings, actor=actor)
    except InputRefused as refusal:
        return _page(request, database, form, refusal=refusal)
    return to_page(f"/cohorts/{quote(names[0])}" if len(names) == 1 else "/cohorts", done="submitted")


def _submit(database: Database, checked: CheckedManifest, settings: Settings, *, actor: str) -> list[str]:
    """Submits cohort by cohort, and hands the uploads that have arrived on; gives the cohorts' names."""
    names = []
    for name, submitted in checked.manifest.cohorts():
        done = submit_cohort(
            database,
            name,
            submitted,
            segmenter_names=checked.manifest.segmenters,
            settings=checked.manifest.settings,
            max_attempts=settings.max_attempts,
            actor=actor,
        )
        with database.transaction() as connection:
            awaited = rois.list_awaited(connection, done.cohort_id, limit=len(submitted))
            arrived = {roi.sha256 for roi in submitted}
            ids = [row["id"] for row in awaited if row["expected_sha256"] in arrived]
            if ids:
                rois.mark_uploaded(connection, done.cohort_id, ids, actor=actor)
        names.append(name)
    return names


def _page(
    request: Request,
    database: Database,
    form: Form,
    *,
    checked: CheckedManifest | None = None,
    refusal: InputRefused | None = None,
) -> Response:
    with database.transaction() as connection:
        cards = [each.card for each in segmenters.list_segmenters(connection) if each.can_run]
    problems = refusal.problems if isinstance(refusal, ManifestRefused) else ()
    return render_scripted(
        request,
        "submit.html",
        status=422 if refusal else 200,
        form=form,
        segmenters=list(dict.fromkeys(card.name for card in cards)),
        modes=list(Mode),
        problem=str(refusal) if refusal and not problems else "",
        problems=problems,
        checked=checked,
        summary=checked.summary() if checked else [],
    )


@router.put("/files")
async def take_file(request: Request, actor: GivenActor, database: GivenDatabase, objects: GivenObjects) -> Response:
    """Takes an image's bytes as they come, puts them where uploads wait, and gives their digest. Audited."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "image"
        async with await anyio.open_file(path, "wb") as file:
            async for chunk in request.stream():
                await file.write(chunk)
        stored = await anyio.to_thread.run_sync(partial(_keep, database, objects, path, actor=actor))
    return JSONResponse(stored)


def _keep(database: Database, objects: ObjectStore, path: Path, *, actor: str) -> dict[str, Any]:
    stored = objects.put_file(_INCOMING, path, media_type="application/octet-stream")
    with database.transaction() as connection:
        record_action(connection, actor=actor, action="upload", subject=f"file {stored.sha256}")
    return {"sha256": stored.sha256, "bytes": stored.bytes}

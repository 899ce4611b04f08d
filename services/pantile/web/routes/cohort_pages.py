"""Pages of cohorts: how far they are, and what an operator can do about it."""

from typing import Annotated, Any
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from pantile.catalog import cohorts, pauses
from pantile.catalog.cohort_lists import CohortCounts, CohortFilter, list_counts
from pantile.coordinator.progress import time_left_s
from pantile.domain.cohorts import MAX_PAUSE_REASON, CohortState, read_pause_reason
from pantile.domain.errors import CohortNotOpen, CohortNotPaused, InputRefused, PantileError
from pantile.domain.jobs import JobState
from pantile.schemas.cohorts import CohortOut
from pantile.web.errors import status_of
from pantile.web.events import read_progress
from pantile.web.forms import OwnForm
from pantile.web.given import CohortPath, GivenActor, GivenDatabase
from pantile.web.pages import render_scripted, to_page

router = APIRouter(prefix="/cohorts", include_in_schema=False)

_COHORTS_A_PAGE = 50
_NO_NUL = r"^[^\x00]*$"

Word = Annotated[str, Query(max_length=200, pattern=_NO_NUL)]


@router.get("")
def list_cohorts(
    request: Request,
    database: GivenDatabase,
    *,
    q: Word = "",
    state: Word = "",
    before: Annotated[int | None, Query(ge=0, le=2**63 - 1)] = None,
) -> Response:
    """Cohorts, the newest first, filtered as the address says; a filter that is none does not matter."""
    wanted = CohortFilter(states=[each for each in CohortState if each == state], words=q.strip())
    with database.transaction() as connection:
        found = list_counts(connection, wanted, before=before, limit=_COHORTS_A_PAGE + 1)
    page = found[:_COHORTS_A_PAGE]
    asked = {"q": q, "state": state}
    more = {**{name: value for name, value in asked.items() if value}, "before": page[-1].cohort.id if page else 0}
    return render_scripted(
        request,
        "cohorts/list.html",
        listed=[_row(each) for each in page],
        is_live=any(each.left for each in page),
        asked=asked,
        states=list(CohortState),
        following=f"/cohorts?{urlencode(more)}" if len(found) > _COHORTS_A_PAGE else "",
    )


def _row(counts: CohortCounts) -> dict[str, Any]:
    return {"counts": counts, "time_left_s": time_left_s(counts.left, counts.rate_per_min)}


@router.get("/{cohort}")
def show_cohort(request: Request, cohort: CohortPath, database: GivenDatabase) -> Response:
    """A cohort: its jobs by state and segmenter, rate and time left, and the ROIs that were refused."""
    return _cohort_page(request, read_progress(database, cohort))


def _cohort_page(
    request: Request, progress: CohortOut, *, refusal: PantileError | None = None, reason: str | None = None
) -> Response:
    return render_scripted(
        request,
        "cohorts/cohort.html",
        status=status_of(refusal) if refusal else 200,
        cohort=progress,
        total=max(progress.jobs_expected, sum(progress.jobs.values())),
        states=list(JobState),
        is_live=not progress.settled and refusal is None,
        reason=reason,
        longest_reason=MAX_PAUSE_REASON,
        problem=str(refusal or ""),
    )


@router.post("/{cohort}/pause")
def pause_cohort(
    request: Request, cohort: CohortPath, form: OwnForm, actor: GivenActor, database: GivenDatabase
) -> Response:
    """Begins no more of an open cohort's jobs."""
    try:
        with database.transaction() as connection:
            found = cohorts.find_cohort(connection, cohort)
            pauses.pause_cohort(connection, found, reason=read_pause_reason(form.get("reason")), actor=actor)
    except (CohortNotOpen, InputRefused) as refusal:
        return _cohort_page(request, read_progress(database, cohort), refusal=refusal, reason=form.get("reason"))
    return to_page(f"/cohorts/{quote(found.name)}", done="paused")


@router.post("/{cohort}/resume")
def resume_cohort(
    request: Request, cohort: CohortPath, _: OwnForm, actor: GivenActor, database: GivenDatabase
) -> Response:
    """Lets a paused cohort go on."""
    try:
        with database.transaction() as connection:
            found = cohorts.find_cohort(connection, cohort)
            pauses.resume_cohort(connection, found, actor=actor)
    except CohortNotPaused as refusal:
        return _cohort_page(request, read_progress(database, cohort), refusal=refusal)
    return to_page(f"/cohorts/{quote(found.name)}", done="resumed")


@router.post("/{cohort}/cancel")
def cancel_cohort(cohort: CohortPath, _: OwnForm, actor: GivenActor, database: GivenDatabase) -> Response:
    """Cancels a cohort's open jobs."""
    with database.transaction() as connection:
        found = cohorts.find_cohort(connection, cohort)
        cohorts.cancel_cohort(connection, found.id, actor=actor)
    return to_page(f"/cohorts/{quote(found.name)}", done="cancelled")

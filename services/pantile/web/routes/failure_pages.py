"""Pages of failures: by cause, with what to do about each, and the way to try one, a group or all of them again."""

from typing import Annotated, Any
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response

from pantile.catalog import cohorts, failures, job_changes, jobs, segmenters
from pantile.catalog.database import Connection
from pantile.catalog.jobs import JobFilter
from pantile.domain.errors import JobNotRetryable
from pantile.domain.jobs import JobState
from pantile.domain.remedies import find_remedy
from pantile.web.forms import OwnForm
from pantile.web.given import After, GivenActor, GivenDatabase
from pantile.web.pages import render_for, to_page

router = APIRouter(prefix="/failures", include_in_schema=False)

_JOBS_A_PAGE = 50
_MOST_COHORTS = 1000

Word = Annotated[str, Query(max_length=200, pattern=r"^[^\x00]*$")]
CausePath = Annotated[str, Path(max_length=100, pattern="^[A-Za-z]+$")]


@router.get("")
def list_causes(request: Request, database: GivenDatabase, *, cohort: Word = "", segmenter: Word = "") -> Response:
    """What failed, by cause, of all cohorts or of those that the address names."""
    with database.transaction() as connection:
        wanted = _wanted(connection, cohort=cohort, segmenter=segmenter)
        found = failures.list_causes(connection, wanted)
        offered = _offered(connection)
    return render_for(
        request,
        "failures/list.html",
        causes=[{**row, "remedy": find_remedy(row["cause"] or "")} for row in found],
        retryable=sum(row["retryable"] for row in found),
        **_asked(cohort, segmenter),
        **offered,
    )


@router.get("/{cause}")
def list_failures(
    request: Request,
    cause: CausePath,
    database: GivenDatabase,
    *,
    cohort: Word = "",
    segmenter: Word = "",
    after: After = 0,
) -> Response:
    """The jobs that failed for one cause, each with its sentence."""
    with database.transaction() as connection:
        wanted = _wanted(connection, cohort=cohort, segmenter=segmenter, cause=cause)
        found = jobs.list_jobs(connection, wanted, after=after, limit=_JOBS_A_PAGE + 1)
        counted = next(iter(failures.list_causes(connection, wanted)), None)
        offered = _offered(connection)
    page = found[:_JOBS_A_PAGE]
    asked = _asked(cohort, segmenter)
    more = {**asked["told"], "after": page[-1]["id"] if page else 0}
    return render_for(
        request,
        "failures/cause.html",
        cause=cause,
        remedy=find_remedy(cause),
        counted=counted,
        listed=page,
        following=f"/failures/{cause}?{urlencode(more)}" if len(found) > _JOBS_A_PAGE else "",
        **asked,
        **offered,
    )


@router.post("/retry")
def retry(form: OwnForm, actor: GivenActor, database: GivenDatabase) -> Response:
    """Lets a job, or all failed ones that fit, wait again; leads back to what is left of them."""
    cohort, segmenter, cause = form.get("cohort"), form.get("segmenter"), form.get("cause")
    job_id = form.number("job")
    with database.transaction() as connection:
        if job_id is None:
            wanted = _wanted(connection, cohort=cohort, segmenter=segmenter, cause=cause)
            done = job_changes.retry_jobs(connection, wanted, actor=actor) > 0
        else:
            done = _retry_one(connection, job_id, actor=actor)
    query = urlencode(_asked(cohort, segmenter)["told"])
    page = f"/failures/{quote(cause)}" if job_id is not None and cause else "/failures"
    return to_page(f"{page}?{query}" if query else page, done="retried" if done else "not-retried")


def _retry_one(connection: Connection, job_id: int, *, actor: str) -> bool:
    try:
        job_changes.retry_job(connection, job_id, actor=actor)
    except JobNotRetryable:
        return False
    return True


def _wanted(connection: Connection, *, cohort: str, segmenter: str, cause: str = "") -> JobFilter:
    return JobFilter(
        cohort_id=cohorts.find_cohort(connection, cohort).id if cohort else None,
        state=JobState.FAILED,
        segmenter=segmenter or None,
        cause=cause or None,
    )


def _asked(cohort: str, segmenter: str) -> dict[str, Any]:
    asked = {"cohort": cohort, "segmenter": segmenter}
    return {"asked": asked, "told": {name: value for name, value in asked.items() if value}}


def _offered(connection: Connection) -> dict[str, Any]:
    """The cohorts and segmenters that can be chosen."""
    names = [each.name for each in cohorts.list_cohorts(connection, limit=_MOST_COHORTS)]
    cards = [each.card.name for each in segmenters.list_segmenters(connection)]
    return {"cohorts": sorted(names), "segmenters": list(dict.fromkeys(cards))}

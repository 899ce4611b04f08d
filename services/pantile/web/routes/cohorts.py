"""Cohorts: submitted, listed, watched, paused, resumed and cancelled."""

from collections.abc import AsyncIterator
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Query, Request, Response
from fastapi.responses import StreamingResponse

from pantile.catalog import cohorts, pauses
from pantile.coordinator.submit import submit_cohort
from pantile.domain.cohorts import read_pause_reason
from pantile.domain.rois import MAX_MPP, MIN_MPP
from pantile.domain.segmenters import Mode, Precision, Stitching
from pantile.domain.settings_asked import SettingsAsked
from pantile.schemas.cohorts import Cancelled, CohortOut, CohortPage, PauseIn, Resumed
from pantile.schemas.submissions import SubmissionOut
from pantile.web.answers import cohort_listed, submitted_cohort
from pantile.web.errors import problems
from pantile.web.events import EVENT_STREAM, read_progress, stream_progress
from pantile.web.gate import is_admitted
from pantile.web.given import After, CohortPath, GivenActor, GivenDatabase, GivenSettings, Word
from pantile.web.manifests import Manifest, read_csv, read_json
from pantile.web.openapi import EVENT_SCHEMA, MANIFEST_BODY

router = APIRouter(prefix="/cohorts", tags=["cohorts"])


async def _body(request: Request) -> bytes:
    return await request.body()


async def _turn(request: Request) -> AsyncIterator[None]:
    """Waits until few enough manifests are in hand, and holds the place until this one's handler is done."""
    async with request.app.state.manifests:
        yield


def read_manifest(
    request: Request,
    body: Annotated[bytes, Depends(_body)],
    _: Annotated[None, Depends(_turn, scope="function")],
    cohort: Annotated[Word | None, Query(description="CSV: the cohort of rows that name none.")] = None,
    mpp: Annotated[float | None, Query(ge=MIN_MPP, le=MAX_MPP, description="CSV: the mpp of rows without one.")] = None,
    segmenters: Annotated[Word, Query(description="CSV: names with commas between; none: all registered.")] = "",
    mode: Annotated[
        Mode, Query(description="CSV: how to segment; `exact` repeats the study's arithmetic.")
    ] = Mode.FAST,
    stitching: Annotated[
        Stitching, Query(description="CSV: how overlapping patches become one class map.")
    ] = Stitching.CENTRE,
    precision: Annotated[
        Precision | None, Query(description="CSV: none: mixed where mode and segmenter allow it.")
    ] = None,
    confidence: Annotated[bool, Query(description="CSV: keep confidence maps, too.")] = False,
) -> Manifest:
    """The manifest in a request's body, by its media type."""
    media_type = request.headers.get("content-type", "application/json").partition(";")[0].strip().lower()
    if media_type == "application/json":
        return read_json(body)
    if media_type == "text/csv":
        settings = SettingsAsked(mode=mode, stitching=stitching, precision=precision, confidence=confidence)
        return read_csv(body, cohort=cohort, mpp=mpp, segmenters=segmenters, settings=settings)
    raise HTTPException(415, f"A manifest is application/json or text/csv, not {media_type}.")


@router.post(
    "",
    status_code=201,
    summary="Submit ROIs to be segmented",
    response_description="Something was added.",
    responses={
        200: {"model": SubmissionOut, "description": "All of it was there already; nothing was added."},
        **problems(409, 415),
    },
    openapi_extra=MANIFEST_BODY,
)
def submit_rois(
    manifest: Annotated[Manifest, Depends(read_manifest)],
    response: Response,
    actor: GivenActor,
    database: GivenDatabase,
    settings: GivenSettings,
) -> SubmissionOut:
    """Adds ROIs and segmenters to the cohorts that the ROIs name; the same submission again adds nothing.

    As JSON, give `sha256` and `bytes` of each image that you will upload; images at s3:// and http(s):// addresses are
    fetched. As `text/csv` (columns path, cohort, case, slide, tissue_type, mpp, roi_number; all but path optional)
    every path is such an address. What a column does not say is read from the file's name, as in
    `{slide}_{mpp}_{tumor|normal}_original.jpg`. Problems are listed by line, and nothing is added then; line 1 is the
    first ROI of a JSON body, or the header of a CSV. Cohorts are added one after the other, each wholly or not at all.
    Settings other than before add jobs beside those that are there.
    """
    submissions = [
        submit_cohort(
            database,
            name,
            rois,
            segmenter_names=manifest.segmenters,
            settings=manifest.settings,
            max_attempts=settings.max_attempts,
            actor=actor,
        )
        for name, rois in manifest.cohorts()
    ]
    if all(submission.added_nothing for submission in submissions):
        response.status_code = 200
    return SubmissionOut(cohorts=[submitted_cohort(submission) for submission in submissions])


@router.get("", summary="List cohorts")
def list_cohorts(
    database: GivenDatabase, after: After = 0, limit: Annotated[int, Query(ge=1, le=1000)] = 100
) -> CohortPage:
    """Cohorts by ascending id."""
    with database.transaction() as connection:
        found = cohorts.list_cohorts(connection, after=after, limit=limit + 1)
    page = found[:limit]
    return CohortPage(
        cohorts=[cohort_listed(cohort) for cohort in page], next=page[-1].id if len(found) > limit else None
    )


@router.get("/{cohort}", summary="Show where a cohort stands", responses=problems(404))
def show_cohort(cohort: CohortPath, database: GivenDatabase) -> CohortOut:
    """A cohort's ROIs and jobs by state, jobs by segmenter, rate, time left, and the ROIs that were refused."""
    return read_progress(database, cohort)


@router.post("/{cohort}/cancel", summary="Cancel a cohort", responses=problems(404))
def cancel_cohort(cohort: CohortPath, actor: GivenActor, database: GivenDatabase) -> Cancelled:
    """Cancels a cohort's open jobs, but for those that another live cohort holds as well.

    Submitting the cohort again revives it.
    """
    with database.transaction() as connection:
        found = cohorts.find_cohort(connection, cohort)
        return Cancelled(jobs_cancelled=cohorts.cancel_cohort(connection, found.id, actor=actor))


@router.post("/{cohort}/pause", summary="Pause a cohort", responses=problems(404, 409))
def pause_cohort(cohort: CohortPath, pause: PauseIn, actor: GivenActor, database: GivenDatabase) -> CohortOut:
    """Begins no more of an open cohort's jobs, but for those that another open cohort holds as well; what runs ends."""
    reason = read_pause_reason(pause.reason)
    with database.transaction() as connection:
        pauses.pause_cohort(connection, cohorts.find_cohort(connection, cohort), reason=reason, actor=actor)
    return read_progress(database, cohort)


@router.post("/{cohort}/resume", summary="Resume a paused cohort", responses=problems(404, 409))
def resume_cohort(cohort: CohortPath, actor: GivenActor, database: GivenDatabase) -> Resumed:
    """Lets a paused cohort go on, whoever or whatever paused it; failures are counted anew from here."""
    with database.transaction() as connection:
        found = cohorts.find_cohort(connection, cohort)
        return Resumed(jobs_waiting=pauses.resume_cohort(connection, found, actor=actor))


@router.get(
    "/{cohort}/events",
    summary="Follow a cohort's progress",
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "Server-sent events; the schema is that of each.",
            "content": {EVENT_STREAM: {"schema": EVENT_SCHEMA, "example": {"event": "progress", "data": '{"id": 1}'}}},
        },
        **problems(404),
    },
)
def follow_cohort(cohort: CohortPath, request: Request, database: GivenDatabase) -> StreamingResponse:
    """Server-sent events whose data is the cohort as `GET /v1/cohorts/{cohort}` shows it.

    `progress` comes at once and after each change, at most once a second; `settled` comes when nothing is under way or
    awaited, and ends the stream.
    """
    read_progress(database, cohort)
    state = request.app.state
    events = stream_progress(
        database,
        cohort,
        limiter=state.watchers,
        is_stopping=lambda: state.is_stopping,
        is_admitted=partial(is_admitted, request),
    )
    return StreamingResponse(events, media_type=EVENT_STREAM, headers={"Cache-Control": "no-store"})

"""`pantile jobs`: listed, looked at, explained, tried again, cancelled."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import Annotated

import typer

from pantile.cli.explaining import explain
from pantile.cli.reaching import Api, open_api
from pantile.cli.screen import complain, count, duration, say, show_table
from pantile.domain.errors import ApiRefused, InputRefused
from pantile.domain.jobs import JobState
from pantile.schemas.jobs import AttemptOut, JobListed, JobOut, JobsWanted
from pantile.schemas.settings import SettingsOut

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="List jobs, explain one, try failed ones again, cancel open ones.",
)

EXIT_INCOMPLETE = 1


@app.command("list")
def list_jobs(
    *,
    cohort: Annotated[str | None, typer.Option(help="Only of this cohort (name or id).")] = None,
    state: Annotated[JobState | None, typer.Option(help="Only in this state.")] = None,
    segmenter: Annotated[str | None, typer.Option(help="Only of this segmenter.")] = None,
    roi: Annotated[str | None, typer.Option(help="Only of this ROI.")] = None,
    cause: Annotated[str | None, typer.Option(help="Only with this cause, such as SegmenterBroken.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="So many at most.")] = 50,
    api: Api = "",
) -> None:
    """List jobs, oldest first."""
    with open_api(api) as client:
        wanted = client.jobs(cohort=cohort, state=state, segmenter=segmenter, roi=roi, cause=cause)
        found = list(islice(wanted, limit + 1))
    if not found:
        say("There is no such job.")
        return
    columns = ("id", "state", "ROI", "segmenter", "attempt", "cause", "error")
    show_table(columns, [_row(each) for each in found[:limit]])
    if len(found) > limit:
        say(f"There are more; --limit {10 * limit} shows more of them.")


def _row(job: JobListed) -> tuple[object, ...]:
    return job.id, job.state.value, job.roi, job.segmenter, job.attempt, job.error_kind or "", job.error or ""


@app.command()
def show(job_id: Annotated[int, typer.Argument(metavar="ID", min=1)], *, api: Api = "") -> None:
    """Show a job: its attempts with their timings, its error, its class map."""
    with open_api(api) as client:
        job = client.job(job_id)
    show_table(("", ""), _facts(job))
    if job.attempts:
        say("\nAttempts")
        columns = ("attempt", "worker", "outcome", "started (UTC)", "took", "seconds by stage", "error")
        show_table(columns, [_attempt(each) for each in job.attempts])
    if job.class_map is not None:
        say("\nClass areas")
        areas = [(area.name, area.group.value, f"{area.area_mm2:.4f}", f"{area.fraction:.1%}") for area in
                 job.class_map.areas]  # fmt: skip
        show_table(("class", "group", "mm²", "fraction"), areas)


def _facts(job: JobOut) -> list[tuple[str, str]]:
    facts = {
        "job": str(job.id),
        "state": job.state.value,
        "error": job.error,
        "cause": job.error_kind,
        "ROI": f"{job.roi} ({job.tissue_type}, {job.roi_mpp:g} mpp)",
        "slide": job.slide,
        "case": job.case,
        "cohorts": ", ".join(job.cohorts),
        "segmenter": f"{job.segmenter} {job.segmenter_version}",
        "settings": describe_settings(job.settings, job.class_map.arithmetic if job.class_map else None),
        "attempts": f"{job.attempt}, of which {job.charged_attempts} of {job.max_attempts} charged",
        "worker": job.worker,
        "image": f"SHA-256 {job.image_sha256}",
        "class map": job.class_map
        and f"{job.class_map.width_px} x {job.class_map.height_px} px "
        f"at {job.class_map.map_mpp:g} mpp, SHA-256 {job.class_map.sha256}",
        "confidence": job.class_map
        and job.class_map.confidence
        and f"mean {job.class_map.confidence.mean:.3f}, SHA-256 {job.class_map.confidence.sha256}",
        "try again": f"pantile jobs retry {job.id}" if "retry" in job.links else None,
    }
    return [(name, fact) for name, fact in facts.items() if fact]


def describe_settings(settings: SettingsOut, arithmetic: str | None) -> str:
    """Engine settings in words, with what the network really ran in where that is known."""
    ran_in = f" (ran in {arithmetic})" if arithmetic not in {None, settings.precision} else ""
    kept = ", confidence map kept" if settings.confidence else ""
    return (
        f"{settings.mode} mode, {settings.stitching} stitching every {settings.stride_px} px "
        f"with margins of {settings.margin_px} px, {settings.precision} precision{ran_in}{kept}"
    )


def _attempt(attempt: AttemptOut) -> tuple[object, ...]:
    stages = ", ".join(f"{stage} {seconds:.2f}" for stage, seconds in (attempt.timings or {}).items())
    return (
        attempt.attempt,
        attempt.worker,
        attempt.outcome.value if attempt.outcome else "under way",
        f"{attempt.started_at:%Y-%m-%d %H:%M:%S}",
        _took(attempt.started_at, attempt.ended_at),
        stages,
        attempt.error or "",
    )


def _took(started: datetime, ended: datetime | None) -> str:
    return duration((ended - started).total_seconds()) if ended else ""


@app.command("explain")
def explain_job(job_id: Annotated[int, typer.Argument(metavar="ID", min=1)], *, api: Api = "") -> None:
    """Tell what happened to a job, attempt by attempt (UTC), why it stands where it does, and what to do about it."""
    with open_api(api) as client:
        job, workers = client.job(job_id), client.workers()
    for line in explain(job, workers, now=datetime.now(UTC)):
        say(line)


_Ids = Annotated[list[int] | None, typer.Argument(metavar="[ID]...", min=1, show_default=False)]
_Cohort = Annotated[str | None, typer.Option(help="Those of this cohort (name or id).")]
_Segmenter = Annotated[str | None, typer.Option(help="Those of this segmenter.")]
_Roi = Annotated[str | None, typer.Option(help="Those of this ROI.")]
_Cause = Annotated[str | None, typer.Option(help="Those with this cause, such as SegmenterBroken.")]


@app.command()
def retry(
    job_ids: _Ids = None,
    *,
    cohort: _Cohort = None,
    segmenter: _Segmenter = None,
    roi: _Roi = None,
    cause: _Cause = None,
    api: Api = "",
) -> None:
    """Let failed or cancelled jobs be tried again, with nothing charged: by their ids, or all failed that fit."""
    wanted = JobsWanted(cohort=cohort, segmenter=segmenter, roi=roi, cause=cause)
    with open_api(api) as client:
        _change(job_ids, wanted, one=client.retry_job, many=client.retry_jobs, done="will be tried again")


@app.command()
def cancel(
    job_ids: _Ids = None,
    *,
    cohort: _Cohort = None,
    segmenter: _Segmenter = None,
    roi: _Roi = None,
    cause: _Cause = None,
    api: Api = "",
) -> None:
    """Cancel waiting and running jobs: by their ids, or all that fit. What is under way is thrown away."""
    wanted = JobsWanted(cohort=cohort, segmenter=segmenter, roi=roi, cause=cause)
    with open_api(api) as client:
        _change(job_ids, wanted, one=client.cancel_job, many=client.cancel_jobs, done="cancelled")


def _change(
    job_ids: Sequence[int] | None,
    wanted: JobsWanted,
    *,
    one: Callable[[int], JobOut],
    many: Callable[[JobsWanted], int],
    done: str,
) -> None:
    """Changes the jobs named, or all that fit; ends with 1 where some of those named refused."""
    by_filter = bool(wanted.model_dump(exclude_none=True))
    if bool(job_ids) == by_filter:
        raise InputRefused("name jobs by their ids, or say which with --cohort, --segmenter, --roi and --cause")
    if by_filter:
        say(f"{count(many(wanted), 'job')} {done}.")
        return
    refused = 0
    for job_id in job_ids or ():
        try:
            one(job_id)
        except ApiRefused as error:
            refused += 1
            complain(f"Job {job_id}: {error}")
    if refused < len(job_ids or ()):
        say(f"{count(len(job_ids or ()) - refused, 'job')} {done}.")
    if refused:
        raise typer.Exit(EXIT_INCOMPLETE)

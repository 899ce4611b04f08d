"""What happened to a job, why it stands where it does, and what to do about it, in sentences."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from pantile.cli.screen import duration
from pantile.domain.jobs import AttemptOutcome, JobState
from pantile.domain.workers import WorkerKind, WorkerState
from pantile.schemas.jobs import AttemptOut, JobOut
from pantile.schemas.workers import WorkerOut

_OUTCOMES = {
    AttemptOutcome.SUCCEEDED: "succeeded",
    AttemptOutcome.FAILED: "failed",
    AttemptOutcome.RETURNED: "came back",
    AttemptOutcome.LEASE_ENDED: "went silent",
    AttemptOutcome.CANCELLED: "was cancelled",
}


def explain(job: JobOut, workers: Sequence[WorkerOut], *, now: datetime) -> list[str]:
    """A job's story, a line an attempt, then how it stands now, then what to do."""
    return [
        f"Job {job.id}: {job.segmenter} {job.segmenter_version} on {job.roi}, in {', '.join(job.cohorts)}.",
        f"{_moment(job.created_at)}  asked for",
        *(_tell(attempt, now=now) for attempt in job.attempts),
        "",
        *_stand(job, workers, now=now),
    ]


def _tell(attempt: AttemptOut, *, now: datetime) -> str:
    begin = f"{_moment(attempt.started_at)}  attempt {attempt.attempt} by {attempt.worker}"
    if attempt.outcome is None or attempt.ended_at is None:
        return f"{begin} has been running for {_span(attempt.started_at, now)}"
    told = f"{begin} {_OUTCOMES[attempt.outcome]} after {_span(attempt.started_at, attempt.ended_at)}"
    return f"{told}: {attempt.error.removesuffix('.')}." if attempt.error else f"{told}."


def _stand(job: JobOut, workers: Sequence[WorkerOut], *, now: datetime) -> Iterator[str]:
    match job.state:
        case JobState.SUCCEEDED:
            yield "It succeeded, and there is nothing to do."
        case JobState.CANCELLED:
            yield f"It was cancelled. `pantile jobs retry {job.id}` lets it be tried again."
        case JobState.FAILED:
            yield f"It failed: {job.error}"
            yield f"What to do: {job.remedy}"
        case JobState.RUNNING:
            yield _running(job, workers, now=now)
        case JobState.WAITING:
            yield from _waiting(job, workers, now=now)
    if job.suspect and job.state is JobState.WAITING:
        yield "Its worker went silent, so it is tried alone, by a worker that holds nothing else."


def _running(job: JobOut, workers: Sequence[WorkerOut], *, now: datetime) -> str:
    holder = next((worker for worker in workers if worker.name == job.worker), None)
    lease = f" Its lease ends in {_span(now, job.lease_until)}, unless it is renewed." if job.lease_until else ""
    if holder is None or holder.state is WorkerState.SILENT:
        return f"It is with {job.worker}, of which nothing is heard; it comes back by itself.{lease}"
    return f"It is with {job.worker}.{lease}"


def _waiting(job: JobOut, workers: Sequence[WorkerOut], *, now: datetime) -> Iterator[str]:
    if job.error:
        yield f"Its last attempt came back: {job.error}"
        yield f"What to do: {job.remedy}"
    if job.is_paused:
        yield "It waits: its cohort is paused. `pantile cohorts resume` lets it go on."
    elif not any(_takes_jobs(worker) for worker in workers):
        yield "It waits: no segment worker is there that takes work. Start one: `pantile worker segment`."
    elif job.not_before > now:
        yield f"It waits {_span(now, job.not_before)} more until its next attempt."
    elif job.published_at is None:
        yield "It waits: the coordinator has not sent its message yet; enough others are out, or it is not running."
    else:
        yield f"It waits for its turn; its message was sent {_span(job.published_at, now)} ago."


def _takes_jobs(worker: WorkerOut) -> bool:
    return worker.kind == WorkerKind.SEGMENT and worker.state in {WorkerState.IDLE, WorkerState.BUSY}


def _moment(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S}"


def _span(start: datetime, end: datetime) -> str:
    return duration(max(0.0, (end - start).total_seconds()))

"""`pantile watch`: a cohort's progress, live on a terminal, in plain lines elsewhere."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import typer
from rich.live import Live

from pantile.cli.progress_view import BAR_WIDTH, compose, failure_lines, summarise
from pantile.cli.reaching import Api, open_api
from pantile.cli.screen import make_console, remark, say
from pantile.client.api import ApiClient
from pantile.domain.cohorts import CohortState
from pantile.domain.errors import ServiceDown
from pantile.domain.jobs import JobState
from pantile.schemas import CohortOut, JobListed

app = typer.Typer(rich_markup_mode="markdown")

EXIT_FAILED = 1
EXIT_INTERRUPTED = 130

_POLL_S = 1.0
_PATIENCE_S = 120.0
"""How long a web service that has gone away is waited for: longer than a restart takes."""

_LINE_EVERY_S = 10.0


@app.command()
def watch(
    cohort: Annotated[str, typer.Argument(help="Its name or id.")],
    *,
    once: Annotated[bool, typer.Option("--once", help="Show where it stands now, and end.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document a line, as the API gives it.")] = False,
    api: Api = "",
) -> None:
    """Watch a cohort's progress until nothing is under way or awaited.

    Ends with 0 if all succeeded, with 1 if jobs failed, ROIs were refused or the cohort was cancelled.
    """
    with open_api(api) as client:
        if once:
            progress = client.cohort(cohort)
            _show(progress, Failures().of(client, progress), as_json=as_json)
            raise typer.Exit(0 if is_well(progress) else EXIT_FAILED)
        try:
            succeeded = _follow_json(client, cohort) if as_json else follow(client, cohort)
        except KeyboardInterrupt:
            raise typer.Exit(EXIT_INTERRUPTED) from None
        raise typer.Exit(0 if succeeded else EXIT_FAILED)


def is_well(progress: CohortOut) -> bool:
    """Whether nothing has gone wrong so far."""
    return (
        progress.jobs.get(JobState.FAILED, 0) == 0
        and progress.rois.get("refused", 0) == 0
        and progress.state is not CohortState.CANCELLED
    )


def follow(client: ApiClient, cohort: str) -> bool:
    """Shows a cohort's progress until it is settled; gives whether all succeeded."""
    console = make_console()
    return _follow_live(client, cohort) if console.is_terminal else _follow_lines(client, cohort)


@dataclass(slots=True)
class Failures:
    """A cohort's failed jobs, asked for again only when their number has changed."""

    jobs: Sequence[JobListed] = ()

    def of(self, client: ApiClient, progress: CohortOut) -> Sequence[JobListed]:
        """The failed jobs as of this progress."""
        if progress.jobs.get(JobState.FAILED, 0) != len(self.jobs):
            self.jobs = tuple(client.jobs(cohort=str(progress.id), state=JobState.FAILED))
        return self.jobs


@dataclass(slots=True)
class _Patience:
    """Outlives a web service that goes away for a while."""

    lost_at: float | None = None

    def ask(self, client: ApiClient, cohort: str) -> CohortOut | None:
        """The progress, or None while nobody answers; raises `ServiceDown` when that lasts too long."""
        try:
            progress = client.cohort(cohort)
        except ServiceDown:
            now = time.monotonic()
            self.lost_at = self.lost_at or now
            if now - self.lost_at > _PATIENCE_S:
                raise
            return None
        self.lost_at = None
        return progress


def _follow_live(client: ApiClient, cohort: str) -> bool:
    progress, failures, patience = client.cohort(cohort), Failures(), _Patience()
    console = make_console()
    with Live(console=console, refresh_per_second=4, transient=False) as live:
        failed: Sequence[JobListed] = ()
        while True:
            failed = failures.of(client, progress) if patience.lost_at is None else failed
            live.update(compose(progress, failed, is_lost=patience.lost_at is not None))
            if progress.settled:
                return is_well(progress)
            time.sleep(_POLL_S)
            progress = patience.ask(client, cohort) or progress


def _follow_lines(client: ApiClient, cohort: str) -> bool:
    progress, patience = client.cohort(cohort), _Patience()
    said, said_at = "", 0.0
    while True:
        line = summarise(progress)
        if line != said and (time.monotonic() - said_at >= _LINE_EVERY_S or progress.settled):
            said, said_at = line, time.monotonic()
            say(line)
        if progress.settled:
            for problem in failure_lines(progress, Failures().of(client, progress)):
                say(problem)
            return is_well(progress)
        time.sleep(_POLL_S)
        was_lost = patience.lost_at is not None
        progress = patience.ask(client, cohort) or progress
        if patience.lost_at is not None and not was_lost:
            remark("The web service does not answer; trying again.")


def _follow_json(client: ApiClient, cohort: str) -> bool:
    progress, patience = client.cohort(cohort), _Patience()
    said = ""
    while True:
        document = progress.model_dump_json()
        if document != said:
            said = document
            say(document)
        if progress.settled:
            return is_well(progress)
        time.sleep(_POLL_S)
        progress = patience.ask(client, cohort) or progress


def _show(progress: CohortOut, failed: Sequence[JobListed], *, as_json: bool) -> None:
    if as_json:
        say(progress.model_dump_json())
        return
    console = make_console()
    console.print(compose(progress, failed, bar_width=BAR_WIDTH if console.is_terminal else 0))

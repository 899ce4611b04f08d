"""`pantile watch`: a cohort's progress, live on a terminal, in plain lines elsewhere."""

import time
from collections.abc import Iterator
from itertools import islice
from typing import Annotated

import typer
from rich.live import Live

from pantile.cli.progress_view import BAR_WIDTH, compose, dice_lines, failure_lines, flag_lines, summarise
from pantile.cli.reaching import Api, open_api
from pantile.cli.screen import make_console, remark, say
from pantile.client.api import ApiClient
from pantile.domain.cohorts import CohortState
from pantile.domain.errors import ServiceDown
from pantile.domain.jobs import JobState
from pantile.schemas.cohorts import CohortOut
from pantile.schemas.jobs import JobListed

app = typer.Typer(rich_markup_mode="markdown")

EXIT_FAILED = 1
EXIT_INTERRUPTED = 130

_POLL_S = 1.0
_PATIENCE_S = 120.0
"""How long a web service that has gone away is waited for: longer than a restart takes."""

_LINE_EVERY_S = 10.0
_MOST_FAILURES = 1000
"""Failed jobs that are asked for; of more than these, only the number is told."""


class Watcher:
    """Looks at a cohort again and again, and outlives a web service that goes away for a while."""

    def __init__(self, client: ApiClient, cohort: str) -> None:
        self._client = client
        self._cohort = cohort
        self._lost_at: float | None = None
        self._failed_then = 0
        self.failed: list[JobListed] = []
        self.progress = self._look()

    @property
    def is_lost(self) -> bool:
        """Whether the web service did not answer last time."""
        return self._lost_at is not None

    @property
    def is_well(self) -> bool:
        """Whether nothing has gone wrong so far."""
        progress = self.progress
        went_wrong = progress.jobs.get(JobState.FAILED, 0) + progress.rois.get("refused", 0)
        return not went_wrong and progress.state not in {CohortState.CANCELLED, CohortState.PAUSED}

    def looks(self) -> Iterator[CohortOut]:
        """What was seen at first, and each second after, until the cohort is settled.

        Raises:
            ServiceDown: the web service has not answered for two minutes.
        """
        yield self.progress
        while not self.progress.settled:
            time.sleep(_POLL_S)
            try:
                self.progress = self._look()
                self._lost_at = None
            except ServiceDown:
                self._lost_at = self._lost_at or time.monotonic()
                if time.monotonic() - self._lost_at > _PATIENCE_S:
                    raise
            yield self.progress

    def _look(self) -> CohortOut:
        progress = self._client.cohort(self._cohort)
        failed = progress.jobs.get(JobState.FAILED, 0)
        if failed != self._failed_then:
            found = self._client.jobs(cohort=str(progress.id), state=JobState.FAILED, limit=_MOST_FAILURES)
            self.failed, self._failed_then = list(islice(found, _MOST_FAILURES)), failed
        return progress


@app.command()
def watch(
    cohort: Annotated[str, typer.Argument(help="Its name or id.")],
    *,
    once: Annotated[bool, typer.Option("--once", help="Show where it stands now, and end.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document a line, as the API gives it.")] = False,
    api: Api = "",
) -> None:
    """Watch a cohort's progress until nothing is under way or awaited, or it is paused.

    Ends with 0 if all succeeded, with 1 if jobs failed, ROIs were refused or the cohort was paused or cancelled.
    """
    with open_api(api) as client:
        watcher = Watcher(client, cohort)
        try:
            if as_json:
                _write_json(watcher, once=once)
            elif once:
                _show(watcher)
            else:
                _follow(watcher)
        except KeyboardInterrupt:
            raise typer.Exit(EXIT_INTERRUPTED) from None
    raise typer.Exit(0 if watcher.is_well else EXIT_FAILED)


def follow(client: ApiClient, cohort: str) -> bool:
    """Shows a cohort's progress until it is settled; gives whether all succeeded."""
    watcher = Watcher(client, cohort)
    _follow(watcher)
    return watcher.is_well


def _follow(watcher: Watcher) -> None:
    if make_console().is_terminal:
        _follow_live(watcher)
    else:
        _follow_lines(watcher)


def _follow_live(watcher: Watcher) -> None:
    with Live(console=make_console(), refresh_per_second=4) as live:
        for progress in watcher.looks():
            live.update(compose(progress, watcher.failed, is_lost=watcher.is_lost))


def _follow_lines(watcher: Watcher) -> None:
    said, said_at, was_lost = "", -_LINE_EVERY_S, False
    for progress in watcher.looks():
        line = summarise(progress)
        if line != said and (time.monotonic() - said_at >= _LINE_EVERY_S or progress.settled):
            said, said_at = line, time.monotonic()
            say(line)
        if watcher.is_lost and not was_lost:
            remark("The web service does not answer; trying again.")
        was_lost = watcher.is_lost
    progress = watcher.progress
    for line in (*dice_lines(progress), *flag_lines(progress), *failure_lines(progress, watcher.failed)):
        say(line)


def _write_json(watcher: Watcher, *, once: bool) -> None:
    said = ""
    for progress in watcher.looks():
        document = progress.model_dump_json()
        if document != said:
            said = document
            say(document)
        if once:
            return


def _show(watcher: Watcher) -> None:
    console = make_console()
    console.print(compose(watcher.progress, watcher.failed, bar_width=BAR_WIDTH if console.is_terminal else 0))

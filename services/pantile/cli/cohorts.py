"""`pantile cohorts`: listed, reviewed, paused, resumed and cancelled."""

from typing import Annotated

import typer

from pantile.cli.reaching import Api, open_api
from pantile.cli.review import review
from pantile.cli.screen import count, say, show_table
from pantile.domain.cohorts import read_pause_reason
from pantile.domain.jobs import JobState

app = typer.Typer(
    no_args_is_help=True, rich_markup_mode="markdown", help="List cohorts, review, pause, resume or cancel one."
)
app.command()(review)


@app.command("list")
def list_cohorts(*, api: Api = "") -> None:
    """List all cohorts."""
    with open_api(api) as client:
        cohorts = list(client.cohorts())
    if not cohorts:
        say("There is no cohort yet; `pantile submit` makes one.")
        return
    rows = [(each.id, each.name, each.state.value, f"{each.created_at:%Y-%m-%d %H:%M}") for each in cohorts]
    show_table(("id", "cohort", "state", "submitted (UTC)"), rows)


@app.command()
def pause(
    cohort: Annotated[str, typer.Argument(help="Its name or id.")],
    *,
    reason: Annotated[str, typer.Option(help="Why, for whoever looks at the cohort meanwhile.", show_default=False)],
    api: Api = "",
) -> None:
    """Pause a cohort: none of its jobs is begun until `pantile cohorts resume`.

    What runs ends, images go on being checked, and jobs that another open cohort holds as well go on.
    """
    text = read_pause_reason(reason)
    with open_api(api) as client:
        paused = client.pause(cohort, reason=text)
    waiting, running = (count(paused.jobs[state], "job") for state in (JobState.WAITING, JobState.RUNNING))
    say(f"{paused.name} is paused: {waiting} waiting, {running} running to their end.")


@app.command()
def resume(cohort: Annotated[str, typer.Argument(help="Its name or id.")], *, api: Api = "") -> None:
    """Resume a paused cohort.

    Failures are counted anew from here. Jobs that have failed stay so; `pantile jobs retry` tries them again.
    """
    with open_api(api) as client:
        waiting = client.resume(cohort).jobs_waiting
        name = client.cohort(cohort).name
    say(f"{name} goes on: {count(waiting, 'job')} waiting.")


@app.command()
def cancel(cohort: Annotated[str, typer.Argument(help="Its name or id.")], *, api: Api = "") -> None:
    """Cancel a cohort's open jobs.

    What has succeeded stays, and so do jobs that another cohort needs as well. Submitting it again revives it.
    """
    with open_api(api) as client:
        cancelled = client.cancel(cohort).jobs_cancelled
        name = client.cohort(cohort).name
    say(f"{name} is cancelled: {count(cancelled, 'job')} ended. Submitting it again revives it.")

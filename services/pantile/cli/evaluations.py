"""`pantile evaluations`: the Dice of a cohort's class maps, waited for, summed up, and written as tables."""

import time
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from pantile.cli.reaching import Api, open_api
from pantile.cli.screen import complain, count, make_console, remark, say, show_table
from pantile.client.api import ApiClient
from pantile.client.downloads import write_whole
from pantile.domain.dice import DiceProtocol
from pantile.schemas.evaluations import DiceTotal, EvaluationCounts

app = typer.Typer(rich_markup_mode="markdown")

EXIT_INCOMPLETE = 1
EXIT_INTERRUPTED = 130
_PAUSE_S = 2.0
_STILL_S = 120.0
"""After this long without a new evaluation, the wait is explained."""


@app.command()
def evaluations(
    cohort: Annotated[str, typer.Argument(help="Its name or id.")],
    *,
    csv: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write them, in the columns of the study.", show_default=False)
    ] = None,
    form: Annotated[
        str, typer.Option(help="Of the table: detailed (the study's columns), wide, or long (every figure).")
    ] = "detailed",
    protocol: Annotated[
        DiceProtocol, typer.Option(help="Of the table, where it has but one.")
    ] = DiceProtocol.PUBLISHED_CODE,
    segmenter: Annotated[
        str | None, typer.Option(help="Of the table: only this segmenter's, in just the study's columns.")
    ] = None,
    api: Api = "",
) -> None:
    """Show the Dice of a cohort's class maps against its ground truth, under both protocols of the study.

    Waits for evaluations that are under way. Means with a * rest on a remap that the study does not state; the last
    line of a protocol leaves those out.
    """
    with open_api(api) as client:
        counts, totals = _wait(client, cohort)
        if csv is not None:
            write_whole(csv, client.evaluations_csv(cohort, form, protocol, segmenter).encode())
    if not counts.truths:
        say("The cohort has no ground truth; `pantile ground-truth add` adds it.")
        raise typer.Exit(EXIT_INCOMPLETE)
    show_table(("protocol", "segmenter", "n", "mean Dice", "SD"), [_row(total) for total in totals])
    _tell(counts)
    if csv is not None:
        say(f"Written to {csv}.")
    if counts.failed:
        raise typer.Exit(EXIT_INCOMPLETE)


def _wait(client: ApiClient, cohort: str) -> tuple[EvaluationCounts, list[DiceTotal]]:
    """Waits until nothing is under way; gives the counts and totals as they then are."""
    page = client.evaluations(cohort)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    total = page.counts.under_way
    try:
        with Progress(*columns, console=make_console(stderr=True)) as bar:
            task = bar.add_task("Evaluating ROIs", total=total, visible=total > 0)
            news_at = time.monotonic()
            while left := page.counts.under_way:
                time.sleep(_PAUSE_S)
                page = client.evaluations(cohort)
                bar.update(task, completed=max(0, total - page.counts.under_way))
                if page.counts.under_way < left:
                    news_at = time.monotonic()
                elif time.monotonic() - news_at > _STILL_S:
                    news_at = float("inf")
                    remark("No evaluation has come for two minutes: does an evaluate worker run? Ctrl-C ends the wait.")
    except KeyboardInterrupt:
        remark("Interrupted. The evaluations go on: run the same command again to see them.")
        raise typer.Exit(EXIT_INTERRUPTED) from None
    return page.counts, page.totals


def _row(total: DiceTotal) -> tuple[str, ...]:
    mean = "-" if total.mean is None else f"{total.mean:.3f}"
    sd = "-" if total.sd is None else f"{total.sd:.3f}"
    name = total.segmenter or ("all" if not total.is_stated else "all stated")
    return total.protocol.value, name, f"{total.n:,}", mean if total.is_stated else f"{mean} *", sd


def _tell(counts: EvaluationCounts) -> None:
    say(f"{counts.evaluated:,} of {count(counts.truths, 'ROI')} with ground truth evaluated.")
    if counts.without_class_map:
        say(f"{count(counts.without_class_map, 'ROI')} without a class map yet.")
    if counts.failed:
        complain(f"{count(counts.failed, 'ROI')} could not be evaluated: {counts.error}")

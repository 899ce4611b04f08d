"""`pantile cohorts review`: a cohort's ROIs in the order in which they are worth looking at."""

import time
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from pantile.cli.reaching import Api, open_api
from pantile.cli.screen import count, make_console, remark, say, show_table
from pantile.client.api import ApiClient
from pantile.client.downloads import write_whole
from pantile.domain.review import Comparison, ReviewOrder
from pantile.schemas.reviews import ReviewedRoi, ReviewPage

EXIT_INCOMPLETE = 1
EXIT_INTERRUPTED = 130
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.5, 10.0
_STILL_S = 60.0
"""After this long without a new comparison, the wait is explained."""

_UNKNOWN = {
    Comparison.COMPARING: "being compared",
    Comparison.FAILED: "could not be compared",
    Comparison.NOT_ASKED: "not compared",
    Comparison.SEGMENTING: "being segmented",
    Comparison.TOO_FEW: "fewer than two class maps",
}


def review(
    cohort: Annotated[str, typer.Argument(help="Its name or id.")],
    *,
    order: Annotated[
        ReviewOrder, typer.Option(help="Most disagreement among segmenters first, or least confidence.")
    ] = ReviewOrder.DISAGREEMENT,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="So many at most.")] = 20,
    csv: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also all of them, as a table.", show_default=False)
    ] = None,
    api: Api = "",
) -> None:
    """List a cohort's ROIs, those first that are most worth a look.

    Disagreement is how likely two segmenters, picked at random, differ at a random place of the tissue: tumor, tumor
    stroma, or neither. It is computed when first asked for, and again where class maps were added. Confidence is the
    segmenters' mean top probability over tissue, and known where the cohort was submitted with `--confidence`.
    """
    with open_api(api) as client:
        page = client.review(cohort, order, limit=limit)
        if order is ReviewOrder.DISAGREEMENT:
            page = _compare(client, cohort, page, limit=limit)
        if csv is not None:
            write_whole(csv, client.review_csv(cohort, order).encode())
    if not _is_known(page, order):
        say(f"{_why_unknown(page, order)}.")
        raise typer.Exit(EXIT_INCOMPLETE)
    _show(page, csv)


def _compare(client: ApiClient, cohort: str, page: ReviewPage, *, limit: int) -> ReviewPage:
    """Has compared what can be and is not, and waits for it; gives the page as it then is."""
    if _number(page, Comparison.NOT_ASKED) + _number(page, Comparison.FAILED):
        client.ask_comparisons(cohort)
        page = client.review(cohort, ReviewOrder.DISAGREEMENT, limit=limit)
    total = _number(page, Comparison.COMPARING)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    try:
        with Progress(*columns, console=make_console(stderr=True)) as bar:
            task = bar.add_task("Comparing segmenters", total=total, visible=total > 0)
            pause_s, news_at = _FIRST_PAUSE_S, time.monotonic()
            while left := _number(page, Comparison.COMPARING):
                time.sleep(pause_s)
                page = client.review(cohort, ReviewOrder.DISAGREEMENT, limit=limit)
                bar.update(task, completed=total - _number(page, Comparison.COMPARING))
                pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
                if _number(page, Comparison.COMPARING) < left:
                    pause_s, news_at = _FIRST_PAUSE_S, time.monotonic()
                elif time.monotonic() - news_at > _STILL_S:
                    news_at = float("inf")
                    remark("No comparison has come for a minute: does an imaging worker run? Ctrl-C ends the wait.")
    except KeyboardInterrupt:
        remark("Interrupted. The comparisons go on: run the same command again to see them.")
        raise typer.Exit(EXIT_INTERRUPTED) from None
    return page


def _number(page: ReviewPage, comparison: Comparison) -> int:
    return page.comparisons.get(comparison, 0)


def _is_known(page: ReviewPage, order: ReviewOrder) -> bool:
    known = _number(page, Comparison.KNOWN) if order is ReviewOrder.DISAGREEMENT else page.rois_with_confidence
    return known > 0


def _why_unknown(page: ReviewPage, order: ReviewOrder) -> str:
    """Why there is nothing to order by, most telling reason first."""
    if not page.comparisons:
        return "The cohort has no ROI"
    if order is ReviewOrder.CONFIDENCE:
        return "No confidence is known; submit the cohort again with --confidence, and let it be segmented"
    if segmenting := _number(page, Comparison.SEGMENTING):
        return f"No disagreement is known yet; {count(segmenting, 'ROI')} still to be segmented"
    if failed := next((roi.error for roi in page.rois if roi.error), None):
        return f"No disagreement is known; {failed.rstrip('.')}"
    return "No disagreement is known, as no ROI has the class maps of two segmenters"


def _show(page: ReviewPage, csv: Path | None) -> None:
    show_table(("ROI", "disagreement", "mean confidence", "segmenters"), [_row(roi) for roi in page.rois])
    total = sum(page.comparisons.values())
    if page.next is not None:
        say(f"{len(page.rois)} of {count(total, 'ROI')}; --limit shows more, --csv writes them all.")
    if segmenting := _number(page, Comparison.SEGMENTING):
        say(f"{count(segmenting, 'ROI')} still to be segmented.")
    if csv is not None:
        say(f"{count(total, 'ROI')} written to {csv}.")


def _row(roi: ReviewedRoi) -> tuple[str, ...]:
    disagreement = _UNKNOWN.get(roi.comparison, "") if roi.disagreement is None else f"{roi.disagreement:.3f}"
    confidence = "-" if roi.mean_confidence is None else f"{roi.mean_confidence:.3f}"
    return roi.roi, disagreement, confidence, ", ".join(roi.segmenters) or "-"

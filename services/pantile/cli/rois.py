"""`pantile rois`: a cohort's ROIs with the quality of their images."""

from itertools import islice
from typing import Annotated

import typer

from pantile.cli.reaching import Api, open_api
from pantile.cli.screen import say, show_table
from pantile.domain.quality import Flag
from pantile.schemas.rois import QualityOut, RoiOut, RoiState

app = typer.Typer(rich_markup_mode="markdown")


@app.command()
def rois(
    cohort: Annotated[str, typer.Argument(help="Its name or id.")],
    *,
    state: Annotated[RoiState | None, typer.Option(help="Only in this state.")] = None,
    flag: Annotated[Flag | None, typer.Option(help="Only with this flag.")] = None,
    flagged: Annotated[bool, typer.Option("--flagged", help="Only those of which something is unusual.")] = False,
    limit: Annotated[int, typer.Option(min=1, help="So many at most.")] = 50,
    api: Api = "",
) -> None:
    """List a cohort's ROIs with the quality of their images, measured before a network sees them.

    Tissue, pen and black are shares of the image; sharpness is the variance of the Laplacian over tissue at 1.0 mpp.
    What is unusual is flagged, and segmented all the same.
    """
    with open_api(api) as client:
        found = list(islice(client.rois(cohort, state=state, flag=flag, flagged=flagged), limit + 1))
    if not found:
        say("There is no such ROI.")
        return
    columns = ("id", "ROI", "state", "size px", "mpp", "tissue", "sharpness", "pen", "black", "flags", "error")
    show_table(columns, [_row(each) for each in found[:limit]])
    if len(found) > limit:
        say(f"There are more; --limit {10 * limit} shows more of them.")


def _row(roi: RoiOut) -> tuple[object, ...]:
    size = f"{roi.width_px} x {roi.height_px}" if roi.width_px else "-"
    return (roi.id, roi.roi, roi.state.value, size, f"{roi.mpp:g}", *_quality(roi.quality), roi.error or "")


def _quality(quality: QualityOut | None) -> tuple[str, ...]:
    if quality is None:
        return ("-", "-", "-", "-", "not measured")
    sharpness = "-" if quality.sharpness is None else f"{quality.sharpness:.0f}"
    return (f"{quality.tissue:.1%}", sharpness, f"{quality.pen:.1%}", f"{quality.black:.1%}", ", ".join(quality.flags))

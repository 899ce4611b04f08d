"""`pantile bench`: how fast segmenters run here, beside the one-patch-at-a-time pipeline, measured in the same run."""

from pathlib import Path
from typing import Annotated

import typer

from pantile.cli.screen import make_console
from pantile_workers.cores import share_cores


def bench(
    *,
    card: Annotated[
        Path | None,
        typer.Option(metavar="CARD", help="A card, its checkpoint beside it; none: the study's network, untrained."),
    ] = None,
    image: Annotated[
        Path | None, typer.Option(metavar="JPEG", help="An ROI at 0.25 mpp; none: generated, 12,500 x 10,000 px.")
    ] = None,
    rois: Annotated[int, typer.Option(min=1, help="ROIs that are counted, after one that is not.")] = 3,
    segmenters: Annotated[
        list[int] | None, typer.Option(min=1, help="Segmenters at once; may be repeated.", show_default="1 and 5")
    ] = None,
    baseline: Annotated[bool, typer.Option(help="Measure the one-patch-at-a-time pipeline as well.")] = True,
    json: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the figures there as well.")] = None,
) -> None:
    """Measure how fast segmenters run here: a segment worker on real servers, beside the pipeline that it replaces.

    Five segmenters are one network under five names. Figures of one run compare; those of two runs may not, where
    the machine has other work.
    """
    share_cores()
    from pantile_workers.benchmark.report import print_report, write_report  # noqa: PLC0415 — torch where it is used
    from pantile_workers.benchmark.run import run_benchmark  # noqa: PLC0415

    console = make_console()
    with console.status("Preparing") as status:
        report = run_benchmark(
            card=card,
            image=image,
            rois=rois,
            segmenters=segmenters or [1, 5],
            with_baseline=baseline,
            on_stage=status.update,
        )
    print_report(report, console)
    if json:
        write_report(report, json)

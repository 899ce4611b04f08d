"""`pantile export`: a cohort's class maps as the files of other tools."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from pantile.cli.reaching import Api, open_api
from pantile.cli.results import EXIT_INCOMPLETE
from pantile.cli.screen import complain, count, make_console, remark, say
from pantile.client.downloads import make_folder
from pantile.client.exporting import Exporter, Kind, Wishes
from pantile.domain.class_maps import PaletteName
from pantile.domain.errors import SegmenterUnknown
from pantile.domain.jobs import JobState
from pantile.domain.pseudonyms import file_name
from pantile.schemas.cohorts import CohortOut
from pantile.schemas.slides import SlideOut

app = typer.Typer(rich_markup_mode="markdown")

_SHOWN_FAILURES = 10


@app.command()
def export(
    kind: Annotated[Kind, typer.Argument(help="What to write.")],
    cohort: Annotated[str, typer.Argument(help="Its name or id.")],
    *,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where to put it all; made if it is not there.")],
    segmenter: Annotated[
        list[str] | None, typer.Option(help="Only this one's; may be given again.", show_default=False)
    ] = None,
    palette: Annotated[PaletteName, typer.Option(help="The colours of the classes.")] = PaletteName.SIMPLIFIED,
    tolerance: Annotated[
        float, typer.Option(min=0, max=100, metavar="UM", help="geojson: how far borders may be simplified.")
    ] = 1.0,
    slides: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="dicom-seg: where this machine has the slides; otherwise where imaging workers do.",
            show_default=False,
        ),
    ] = None,
    least_area: Annotated[
        float, typer.Option(min=0, metavar="UM2", help="geojson: leave out regions that are smaller.")
    ] = 0.0,
    api: Api = "",
) -> None:
    """Write a cohort's class maps as the files of other tools.

    **geojson**: annotations that QuPath opens and edits, one a region, without the background, in pixels of the slide
    that the ROI was cut out of, else of its image. **ome-tiff**, **ome-zarr**: pyramids at the segmenter's resolution
    with the names of the classes. **dicom-seg**: DICOM Segmentations of ROIs that were cut out of DICOM slides, whose
    files this machine must have. **study**: the study's own `…_modelN_mask.png`, `_color.png` and `_overlay.jpg` at
    the size of the ROI's image.
    """
    with open_api(api) as client:
        progress = client.cohort(cohort)
        chosen = _choose(progress, segmenter)
        wishes = Wishes(
            kind=kind,
            palette=palette,
            tolerance_um=tolerance,
            least_area_um2=least_area,
            slides=_find_slides(client.slides(cohort), slides) if kind is Kind.DICOM_SEG else {},
        )
        exporter = Exporter(progress, list(client.segmenters()), wishes, make_folder(out))
        written, failed = 0, dict[str, str]()
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=make_console(stderr=True)) as bar:
            task = bar.add_task("Class maps", total=_count_class_maps(progress, chosen))
            for page in client.results(str(progress.id)):
                wanted = [each for each in page if each.segmenter in chosen]
                problems = exporter.write(wanted, on_written=lambda: bar.advance(task))
                written += len(wanted) - len(problems)
                failed |= problems
    _report(progress, written, failed, out)


def _find_slides(slides: Iterable[SlideOut], folder: Path | None) -> dict[str, Path]:
    """The slides' files on this machine, by the slides' names."""
    return {each.name: folder / file_name(each.source) if folder else Path(each.source) for each in slides}


def _choose(progress: CohortOut, asked: Sequence[str] | None) -> set[str]:
    known = {each.segmenter for each in progress.segmenters}
    if unknown := sorted(set(asked or ()) - known):
        raise SegmenterUnknown(f"{unknown[0]}; {progress.name} has {', '.join(sorted(known))}")
    return set(asked or known)


def _count_class_maps(progress: CohortOut, chosen: set[str]) -> int:
    return sum(each.jobs.get(JobState.SUCCEEDED, 0) for each in progress.segmenters if each.segmenter in chosen)


def _report(progress: CohortOut, written: int, failed: Mapping[str, str], out: Path) -> None:
    if not written and not failed:
        say(f"{progress.name} has no class map yet; `pantile watch {progress.name}` shows its progress.")
        raise typer.Exit(EXIT_INCOMPLETE)
    say(f"{count(written, 'class map')} written to {out}.")
    for name, problem in list(failed.items())[:_SHOWN_FAILURES]:
        complain(f"{name}: {problem}")
    if failed:
        remark(f"{count(len(failed), 'class map')} could not be written; run it again to try once more.")
        raise typer.Exit(EXIT_INCOMPLETE)

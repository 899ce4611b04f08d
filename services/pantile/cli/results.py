"""`pantile results`: a cohort's class maps, overlays and tables of areas, brought into a folder."""

import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from pantile.cli.reaching import Api, open_api
from pantile.cli.screen import complain, count, make_console, remark, say, show_table
from pantile.client.api import ApiClient
from pantile.client.areas import area_table, group_area_mm2, slide_table, summary_table
from pantile.client.downloads import Download, download_files, make_folder, named_digest, write_whole
from pantile.client.recolouring import class_colours, recolour
from pantile.client.result_files import ResultFiles
from pantile.domain.class_maps import ClassGroup, PaletteName
from pantile.domain.jobs import JobState
from pantile.schemas.cohorts import CohortOut
from pantile.schemas.results import ResultOut

app = typer.Typer(rich_markup_mode="markdown")

EXIT_INCOMPLETE = 1
_SHOWN_FAILURES = 10
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.5, 10.0
_STILL_S = 60.0
"""After this long without a new overlay, the wait is explained."""


@app.command()
def results(
    cohort: Annotated[str, typer.Argument(help="Its name or id.")],
    *,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where to put it all; made if it is not there.")],
    overlays: Annotated[bool, typer.Option(help="Overlays, too; those that are not there yet are drawn.")] = True,
    palette: Annotated[
        PaletteName | None, typer.Option(help="Also a copy of each class map in these colours.", show_default=False)
    ] = None,
    api: Api = "",
) -> None:
    """Download a cohort's class maps, overlays and tables of areas.

    Class maps are 8-bit indexed PNGs at the segmenter's resolution, confidence maps (where they were asked for) grey
    ones; those of whole slides are pyramidal TIFFs, without overlays. class_areas.csv has a row for each ROI, segmenter
    and class; summary.csv one for each ROI and segmenter, with the tumor-stroma ratio (stroma's share of tumor plus
    tumor stroma), and slides.csv one for all ROIs of a slide. Files that are there already are not fetched again.
    """
    with open_api(api) as client:
        progress = client.cohort(cohort)
        files = ResultFiles(make_folder(out), tuple(progress.segmenters))
        found, failed = _bring_class_maps(client, progress, files)
        if not found:
            say(f"{progress.name} has no class map yet; `pantile watch {progress.name}` shows its progress.")
            raise typer.Exit(EXIT_INCOMPLETE)
        write_whole(out / "class_areas.csv", area_table(progress.name, found).encode())
        write_whole(out / "summary.csv", summary_table(progress.name, found).encode())
        write_whole(out / "slides.csv", slide_table(progress.name, found).encode())
        if palette is not None:
            _recolour_all(client, found, files, palette)
        failed |= _bring_overlays(client, progress, files) if overlays else {}
    _report(progress, found, failed, out)


def _bring_class_maps(
    client: ApiClient, progress: CohortOut, files: ResultFiles
) -> tuple[list[ResultOut], dict[Path, str]]:
    """Page by page, for a page's addresses are valid for an hour only."""
    found: list[ResultOut] = []
    failed: dict[Path, str] = {}
    with _files_bar("Class maps", sum(part.jobs.get(JobState.SUCCEEDED, 0) for part in progress.segmenters)) as advance:
        for page in client.results(str(progress.id)):
            downloads = [
                Download(url=each.class_map.url, file=_class_map_file(each, files), sha256=each.class_map.sha256)
                for each in page
            ]
            failed |= download_files(downloads, advance)
            failed |= download_files(_confidence_maps(page, files), lambda: None)
            found += page
    return found, failed


def _class_map_file(result: ResultOut, files: ResultFiles) -> Path:
    return files.of(result, f"_class_map.{result.class_map.format}")


def _confidence_maps(page: Sequence[ResultOut], files: ResultFiles) -> list[Download]:
    pairs = [(files.of(each, "_confidence.png"), each.class_map.confidence) for each in page]
    return [Download(url=map_.url, file=file, sha256=map_.sha256) for file, map_ in pairs if map_ is not None]


def _bring_overlays(client: ApiClient, progress: CohortOut, files: ResultFiles) -> dict[Path, str]:
    """Asks for the overlays, and brings each as soon as it is drawn."""
    cohort = str(progress.id)
    client.ask_overlays(cohort)
    brought: set[int] = set()
    failed: dict[Path, str] = {}
    pause_s, news_at = _FIRST_PAUSE_S, time.monotonic()
    with _files_bar("Overlays", sum(part.jobs.get(JobState.SUCCEEDED, 0) for part in progress.segmenters)) as advance:
        while True:
            waiting, known = False, len(brought)
            for page in client.results(cohort):
                ready = [each for each in page if each.overlay_url is not None and each.job_id not in brought]
                failed |= download_files([_overlay(each, files) for each in ready], advance)
                brought |= {each.job_id for each in ready}
                waiting = waiting or any(each.overlay == "waiting" for each in page)
                failed |= {files.of(each, "_overlay.jpg"): "it could not be drawn" for each in page if _is_lost(each)}
            if not waiting:
                return failed
            if len(brought) > known:
                pause_s, news_at = _FIRST_PAUSE_S, time.monotonic()
            elif time.monotonic() - news_at > _STILL_S:
                news_at = float("inf")
                remark("No overlay has come for a minute: does an imaging worker run? Ctrl-C ends the wait.")
            time.sleep(pause_s)
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)


def _overlay(result: ResultOut, files: ResultFiles) -> Download:
    url = result.overlay_url or ""
    return Download(url=url, file=files.of(result, "_overlay.jpg"), sha256=named_digest(url))


def _is_lost(result: ResultOut) -> bool:
    return result.overlay == "failed"


def _recolour_all(client: ApiClient, found: Sequence[ResultOut], files: ResultFiles, palette: PaletteName) -> None:
    colours = {(each.name, each.version): class_colours(each.classes, palette) for each in client.segmenters()}
    for result in found:
        class_map = _class_map_file(result, files)
        if result.class_map.format == "png" and class_map.is_file():
            target = files.of(result, f"_class_map_{palette}.png")
            recolour(class_map, target, colours[result.segmenter, result.segmenter_version])


def _report(progress: CohortOut, found: Sequence[ResultOut], failed: Mapping[Path, str], out: Path) -> None:
    show_table(
        ("segmenter", "class maps", "tumor mm²", "tumor stroma mm²", "median tumor-stroma ratio"),
        [_row(name, [each for each in found if each.segmenter == name]) for name in _names(found)],
    )
    say(f"{count(len(found), 'class map')}, class_areas.csv, summary.csv and slides.csv are in {out}.")
    if len(found) < progress.jobs_expected:
        say(f"{len(found)} of {count(progress.jobs_expected, 'job')} have succeeded; run it again for the rest.")
    for file, problem in list(failed.items())[:_SHOWN_FAILURES]:
        complain(f"{file.name}: {problem}")
    if failed:
        remark(f"{count(len(failed), 'file')} could not be had; run it again to try once more.")
        raise typer.Exit(EXIT_INCOMPLETE)


def _names(found: Sequence[ResultOut]) -> list[str]:
    return list(dict.fromkeys(each.segmenter for each in found))


def _row(name: str, own: Sequence[ResultOut]) -> tuple[object, ...]:
    ratios = [each.class_map.tumor_stroma_ratio for each in own if each.class_map.tumor_stroma_ratio is not None]
    tumor = sum(group_area_mm2(each, ClassGroup.TUMOR) for each in own)
    stroma = sum(group_area_mm2(each, ClassGroup.TUMOR_STROMA) for each in own)
    median = f"{statistics.median(ratios):.2f}" if ratios else "-"
    return name, len(own), f"{tumor:.2f}", f"{stroma:.2f}", median


@contextmanager
def _files_bar(title: str, total: int) -> Iterator[Callable[[], None]]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=make_console(stderr=True)) as bar:
        task = bar.add_task(title, total=total)
        yield lambda: bar.advance(task)

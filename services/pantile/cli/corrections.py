"""`pantile corrections`: corrected annotations taken back as ground truth, and what their correction took."""

from pathlib import Path
from typing import Annotated

import typer

from pantile.cli.reaching import Api, open_preannotations
from pantile.cli.screen import complain, count, duration, say, show_table
from pantile.client.corrections import (
    add_corrections,
    effort_table,
    hours_of,
    read_corrected,
    share_changed,
    write_tissue,
)
from pantile.client.downloads import make_folder, write_whole
from pantile.schemas.corrections import CorrectionOut

app = typer.Typer(
    no_args_is_help=True, rich_markup_mode="markdown", help="Take corrected annotations back, show what they took."
)

EXIT_INCOMPLETE = 1


@app.command()
def add(
    cohort: Annotated[str, typer.Argument(help="Its name or id.")],
    folder: Annotated[Path, typer.Argument(help="The folder that `pantile preannotate` wrote.")],
    *,
    training: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Also write images and class maps for `pantile train`.", show_default=False),
    ] = None,
    api: Api = "",
) -> None:
    """Take corrected GeoJSON files back: as ground truth of their ROIs, in the segmenter's classes.

    What no annotation covers is background. Recorded is the time since `pantile preannotate`, and how many pixels of
    which class changed. The same files again change nothing.
    """
    with open_preannotations(api) as client:
        progress = client.cohort(cohort)
        handed = {each.job_id for each in client.corrections(str(progress.id))}
        results = [each for page in client.results(str(progress.id)) for each in page if each.job_id in handed]
        corrected = read_corrected(folder, progress, results, list(client.segmenters()))
        done = add_corrections(client, str(progress.id), corrected)
        table = write_tissue(make_folder(training), corrected) if training else None
    say(f"{progress.name}: corrections of {count(len(done.taken), 'ROI')} taken as ground truth.")
    say(f"`pantile corrections list {progress.name}` shows what they took.")
    if table:
        say(f"{table} names images and class maps, as [tissue] of a training reads them.")
    for name in done.unknown:
        complain(f"{name} is named after no ROI of the cohort")
    if done.unknown:
        raise typer.Exit(EXIT_INCOMPLETE)


@app.command("list")
def list_corrections(
    cohort: Annotated[str, typer.Argument(help="Its name or id.")],
    *,
    csv: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write them as CSV, by ROI and class.", show_default=False)
    ] = None,
    api: Api = "",
) -> None:
    """List what was handed out to be corrected, how long its correction took, and what it changed."""
    with open_preannotations(api) as client:
        name = client.cohort(cohort).name
        known = list(client.corrections(cohort))
    if not known:
        say(f"Nothing was handed out; `pantile preannotate {name}` does.")
        return
    returned = [each for each in known if each.returned_at]
    if csv:
        write_whole(csv, effort_table(name, known).encode())
        say(f"{count(len(returned), 'correction')} written to {csv}.")
        return
    show_table(
        ("ROI", "segmenter", "handed out (UTC)", "back after", "changed", "most in"), [_row(each) for each in known]
    )
    pixels = sum(each.pixels or 0 for each in returned)
    if pixels:
        changed = sum(each.changed or 0 for each in returned) / pixels
        say(f"{len(returned):,} of {count(len(known), 'ROI')} back; {changed:.1%} of their pixels changed.")


def _row(each: CorrectionOut) -> tuple[str, ...]:
    hours, share = hours_of(each), share_changed(each)
    most = max(each.classes or (), key=lambda tissue: tissue.before + tissue.after - 2 * tissue.kept, default=None)
    return (
        each.roi,
        each.segmenter,
        f"{each.handed_at:%Y-%m-%d %H:%M}",
        "-" if hours is None else duration(hours * 3600),
        "-" if share is None else f"{share:.1%}",
        most.name if most and share else "",
    )

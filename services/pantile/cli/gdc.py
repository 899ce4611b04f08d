"""`pantile gdc`: slides and clinical tables of TCGA, from the Genomic Data Commons."""

from collections import Counter
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from pantile.cli.screen import amount, complain, count, make_console, remark, say, show_table
from pantile.client.downloads import make_folder, write_whole
from pantile.client.gdc import GDC_URL, GdcClient
from pantile.domain.csv_text import write_csv
from pantile.domain.errors import FileRefused, GdcRefused, TransferFailed
from pantile.domain.gdc import CLINICAL_COLUMNS, GdcFile, cohort_of, find_projects, read_manifest, write_manifest

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="List and fetch TCGA's slides and clinical tables from the Genomic Data Commons.",
)

EXIT_INCOMPLETE = 1

Projects = Annotated[
    str, typer.Option(help="TCGA-BRCA,TCGA-COADREAD,…; or study, the article's 21 cohorts.", metavar="NAMES")
]
Server = Annotated[str, typer.Option(help="The GDC's address, or that of a mirror.", metavar="URL")]


@app.command()
def manifest(
    *,
    projects: Projects = "study",
    out: Annotated[Path, typer.Option(help="Where to write it.", metavar="FILE")] = Path("gdc-manifest.tsv"),
    server: Server = GDC_URL,
) -> None:
    """Write a manifest of the slides that the article selected: diagnostic ones, no frozen sections.

    The GDC's transfer tool reads it, and so does `pantile gdc fetch`.
    """
    wanted = _projects(projects)
    with GdcClient(server) as client:
        files = list(client.slides(wanted))
    if not files:
        raise GdcRefused(f"{', '.join(wanted)} has no diagnostic slide")
    write_whole(out, write_manifest(files).encode())
    cohorts = Counter(cohort_of(file.project) for file in files)
    show_table(("cohort", "slides"), sorted(cohorts.items()))
    say(f"{count(len(files), 'slide')}, {amount(sum(file.bytes for file in files))}, listed in {out}.")


@app.command()
def fetch(
    listed: Annotated[Path, typer.Argument(metavar="MANIFEST", help="Of `pantile gdc manifest`, or the GDC's own.")],
    *,
    out: Annotated[Path, typer.Option(help="Where to put the files: a folder each cohort.", metavar="DIR")],
    server: Server = GDC_URL,
) -> None:
    """Fetch the files of a manifest, each checked by its MD5.

    Run it again to go on after an interruption; what is there whole is not fetched again.
    """
    files = read_manifest(_read(listed))
    failed: list[str] = []
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with (
        GdcClient(server) as client,
        Progress(*columns, TimeRemainingColumn(), console=make_console(stderr=True)) as bar,
    ):
        task = bar.add_task("Slides", total=sum(file.bytes for file in files))
        for file in files:
            try:
                client.fetch(file, make_folder(_folder(out, file)), lambda size: bar.advance(task, size))
            except TransferFailed as error:
                failed.append(error.detail)
    say(f"{count(len(files) - len(failed), 'file')} of {len(files):,} are in {out}.")
    for problem in failed[:10]:
        complain(problem)
    if failed:
        remark(f"{count(len(failed), 'file')} could not be had; run it again to go on.")
        raise typer.Exit(EXIT_INCOMPLETE)


@app.command()
def clinical(
    *,
    projects: Projects = "study",
    out: Annotated[Path, typer.Option(help="Where to write it.", metavar="FILE")] = Path("clinical.tsv"),
    server: Server = GDC_URL,
) -> None:
    """Write the clinical table of projects: case, project and primary diagnosis, a row each diagnosis."""
    with GdcClient(server) as client:
        rows = list(client.clinical(_projects(projects)))
    write_whole(out, write_csv(CLINICAL_COLUMNS, rows, delimiter="\t").encode())
    cases = len({row[0] for row in rows})
    say(f"{count(len(rows), 'diagnosis').replace('diagnosiss', 'diagnoses')} of {count(cases, 'case')} in {out}.")


def _projects(names: str) -> list[str]:
    return find_projects(name.strip() for name in names.split(",") if name.strip())


def _folder(out: Path, file: GdcFile) -> Path:
    return out / cohort_of(file.project) if file.project else out


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise FileRefused(f"{path}, {error}") from error

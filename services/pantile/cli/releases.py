"""`pantile export-study` and `pantile release`: a study as the published one's files, and as an RO-Crate."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from pantile.cli.reaching import Api, open_studies
from pantile.cli.screen import count, say
from pantile.client.releases import software_version, study_files, write_files, write_release
from pantile.domain.crates import METADATA_FILE, Release
from pantile.domain.errors import FileRefused

app = typer.Typer(rich_markup_mode="markdown")

Study = Annotated[str, typer.Argument(help="Its name.")]


@app.command("export-study")
def export_study(
    study: Study,
    *,
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="Where to write them.")],
    api: Api = "",
) -> None:
    """Write a study as the files that the article's study published.

    `scoring_data.csv`, `scoring_data_second_rater.csv`, `pathologist_inference_ratings.csv`, and below `dice-results` a
    `detailed_dice_results.csv` for each cohort with ground truth and each segmenter. `pantile analyse` reads them.
    """
    with open_studies(api) as client:
        written = write_files(out, study_files(client, client.study(study)))
    say(f"{count(len(written), 'file')} of {study} in {out}.")


@app.command()
def release(
    study: Study,
    *,
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="A new or empty folder.")],
    author: Annotated[list[str], typer.Option(help="Who made the data; may be given more than once.")],
    licence: Annotated[str, typer.Option(help="Under which others may use them.")] = "CC-BY-4.0",
    raters: Annotated[
        bool, typer.Option("--raters", help="Also each rater's scores and events, under their accounts' names.")
    ] = False,
    api: Api = "",
) -> None:
    """Write a study as an RO-Crate for an archive: data, provenance, a datasheet and how to cite it.

    Names of raters stay out unless asked for.
    """
    if out.is_dir() and any(out.iterdir()):
        raise FileRefused(f"{out} is not empty; a release takes a folder of its own")
    with open_studies(api) as client:
        known = client.study(study)
        said = Release(
            title=known.title,
            description=known.description or f"Scores of segmenters' class maps in the study {known.name}.",
            authors=author,
            licence=licence,
            date=datetime.now(UTC).isoformat(timespec="seconds"),
            software_version=software_version(),
        )
        written = write_release(client, known, out, said, names_raters=raters)
    say(f"{count(len(written), 'file')} of {study} in {out}, described by {METADATA_FILE}.")

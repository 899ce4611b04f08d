"""`pantile preannotate`: a cohort's class maps by the recommended segmenter, as annotations to be corrected."""

from pathlib import Path
from typing import Annotated

import typer

from pantile.cli.reaching import Api, open_preannotations
from pantile.cli.screen import complain, count, say
from pantile.cli.watch import follow
from pantile.client.api import ApiClient
from pantile.client.downloads import make_folder
from pantile.client.exporting import Exporter, Kind, Wishes
from pantile.domain.class_maps import PaletteName
from pantile.domain.dice import DiceProtocol
from pantile.domain.errors import SegmenterUnknown

app = typer.Typer(rich_markup_mode="markdown")

EXIT_INCOMPLETE = 1
_DRAWS = 2000


@app.command()
def preannotate(
    cohort: Annotated[str, typer.Argument(help="Its name or id.")],
    *,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where to put the annotations; made if it is not there.")],
    segmenter: Annotated[
        str | None, typer.Option(help="Its name.", show_default="the one that `pantile recommend` puts first")
    ] = None,
    like: Annotated[
        str | None,
        typer.Option(metavar="COHORT", help="Recommend by this cohort, of the same tumor type.", show_default=False),
    ] = None,
    tolerance: Annotated[float, typer.Option(min=0, max=100, metavar="UM", help="How far to simplify borders.")] = 1.0,
    least_area: Annotated[float, typer.Option(min=0, metavar="UM2", help="Leave out smaller regions.")] = 0.0,
    api: Api = "",
) -> None:
    """Segment a cohort by the recommended segmenter, and write its class maps as GeoJSON to be corrected in QuPath.

    The time from here until `pantile corrections add` takes a corrected file back is recorded. What was handed out
    before is written again, and keeps its time; what has come back is left out.
    """
    with open_preannotations(api) as client:
        progress = client.cohort(cohort)
        name = segmenter or _recommend(client, like or cohort)
        answer = client.preannotate(str(progress.id), name)
        if answer.waiting:
            follow(client, str(progress.id))
            answer = client.preannotate(str(progress.id), name)
        open_jobs = {
            each.job_id
            for each in client.corrections(str(progress.id))
            if each.segmenter == name and each.returned_at is None
        }
        wishes = Wishes(
            kind=Kind.GEOJSON, palette=PaletteName.SIMPLIFIED, tolerance_um=tolerance, least_area_um2=least_area
        )
        exporter = Exporter(client.cohort(cohort), list(client.segmenters()), wishes, make_folder(out))
        failed = dict[str, str]()
        for page in client.results(str(progress.id)):
            failed |= exporter.write([each for each in page if each.job_id in open_jobs], on_written=lambda: None)
    for file, problem in failed.items():
        complain(f"{file}: {problem}")
    written = len(open_jobs) - len(failed)
    say(f"{progress.name} by {name}: {count(written, 'ROI')} to be corrected written to {out}.")
    if not written or failed:
        raise typer.Exit(EXIT_INCOMPLETE)
    say(f"Correct the files in place, then: pantile corrections add {progress.name} {out}")


def _recommend(client: ApiClient, cohort: str) -> str:
    found = client.recommendation(cohort, by="", protocol=DiceProtocol.ARTICLE, draws=_DRAWS, seed=0)
    if not found.ranking:
        raise SegmenterUnknown(
            f"none can be recommended, as {found.cohort} has neither scores nor Dice; name one with --segmenter, or a "
            "cohort of the same tumor type with --like"
        )
    first = found.ranking[0]
    say(f"{first.segmenter} is recommended by the {found.by} of {found.cohort} (mean {first.mean:.2f}).")
    return first.segmenter

"""`pantile compartments`: cells that another tool found, counted by class of tissue."""

from pathlib import Path
from typing import Annotated

import typer

from pantile.cli.reaching import Api, open_api
from pantile.cli.screen import complain, count, remark, say
from pantile.client.compartments import Counted, compartment_table, count_results, read_cells
from pantile.client.downloads import write_whole

app = typer.Typer(rich_markup_mode="markdown")

EXIT_INCOMPLETE = 1


@app.command()
def compartments(
    cohort: Annotated[str, typer.Argument(help="Its name or id.")],
    cells: Annotated[Path, typer.Argument(help="A CSV or GeoJSON file, or a folder of them.")],
    *,
    segmenter: Annotated[str, typer.Option(help="Whose class maps the compartments are.", show_default=False)],
    out: Annotated[Path, typer.Option(metavar="FILE", help="The CSV to write.")] = Path("compartments.csv"),
    api: Api = "",
) -> None:
    """Count cells by the class of tissue in which they lie, with densities, as CSV.

    Cells come from another tool: **CSV** with the columns x, y, perhaps type and roi, or **GeoJSON** with points or
    outlines. A file without the column roi is named after its ROI, and counts in pixels of the ROI's image; or after
    its slide, and counts in pixels of the slide, if the ROIs were cut out of it.
    """
    known, counted = read_cells(cells), Counted()
    with open_api(api) as client:
        progress = client.cohort(cohort)
        indices = {
            (each.name, each.version): {tissue.name: tissue.index for tissue in each.classes}
            for each in client.segmenters()
        }
        for page in client.results(str(progress.id)):
            own = [each for each in page if each.segmenter == segmenter]
            count_results(own, known, counted, cohort=progress.name, indices=indices)
    if counted.rows:
        write_whole(out, compartment_table(counted.rows).encode())
    _tell(progress.name, out, counted, sorted(set(known) - counted.used))
    if counted.problems or not counted.rows:
        raise typer.Exit(EXIT_INCOMPLETE)


def _tell(cohort: str, out: Path, counted: Counted, unused: list[str]) -> None:
    say(f"{cohort}: cells of {count(counted.rois, 'ROI')} counted" + (f", written to {out}." if counted.rois else "."))
    if counted.outside:
        remark(f"{count(counted.outside, 'cell')} beyond the class map of their ROI, and in no compartment.")
    if unused:
        remark(f"{count(len(unused), 'name')} of no ROI or slide with a class map, such as {unused[0]}.")
    for line in counted.problems:
        complain(line)

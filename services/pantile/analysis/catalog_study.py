"""A study of the catalog as an analysis takes it: its segmenters, its scores, its Dice, and the files of all that."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from pantile.analysis.design import Design, make_design
from pantile.analysis.dice_files import DiceTable
from pantile.analysis.scores import ScoreTable, gather_scores
from pantile.analysis.study_dice import gather_study_dice
from pantile.catalog import exports, studies
from pantile.catalog.database import Connection
from pantile.catalog.study_dice import list_study_dice
from pantile.domain.csv_text import Cell, csv_line
from pantile.domain.dice import DiceProtocol
from pantile.domain.studies import Study
from pantile.domain.study_csv import STUDY_COLUMNS
from pantile.domain.study_dice import OUTPUT_COLUMNS, STUDY_DICE_FILE, output_cells, study_dice_csv
from pantile.domain.study_exports import ANALYSED_FILES, ExportKind, export_columns, export_rows


def find_design(connection: Connection, study: Study) -> Design:
    """A study's segmenters, and which cohorts each was trained on."""
    found = studies.list_segmenters(connection, study.id)
    return make_design([(each.number, each.name, each.training_cohorts) for each in found])


def find_scores(connection: Connection, study: Study, design: Design) -> ScoreTable | None:
    """The first readings that are done, as an analysis reads them from their export; None for a study without ROIs."""
    with exports.open_rows(connection, study, ExportKind.STUDY) as rows:
        cells = export_rows(ExportKind.STUDY, rows, exports.roi_columns, ())
        named = list(_named(STUDY_COLUMNS, cells))
    return gather_scores(named, design, name=study.name, sha256="", role="scores")[0] if named else None


def _named(columns: Iterable[str], rows: Iterable[Iterable[Cell]]) -> Iterator[tuple[str, Mapping[str, str]]]:
    names = tuple(columns)
    for number, row in enumerate(rows, 1):
        texts = ("" if cell is None else str(cell) for cell in row)
        yield f"row {number}", dict(zip(names, texts, strict=True))


def find_dice(connection: Connection, study: Study, design: Design, protocol: DiceProtocol) -> DiceTable | None:
    """Dice beside the first scores, of the tumor ROIs whose outputs are evaluated; None where there are none."""
    rows = list_study_dice(connection, study.id, protocol, is_detailed=False)
    named = _named(OUTPUT_COLUMNS, map(output_cells, rows))
    table, _ = gather_study_dice(named, design, name=study.name, sha256="")
    return table if len(table.rois) else None


def write_study_files(connection: Connection, study: Study, folder: Path, protocol: DiceProtocol) -> None:
    """Writes what an analysis reads of a study, byte for byte what `pantile analyse` fetches of it.

    Of what a study may lack, only what has rows.
    """
    segmenters = [each.name for each in studies.list_segmenters(connection, study.id)]
    for kind, file in ANALYSED_FILES.items():
        written = 0
        with (
            exports.open_rows(connection, study, kind) as rows,
            (folder / file).open("w", encoding="utf-8", newline="") as text,
        ):
            text.write(csv_line(export_columns(kind, segmenters)))
            for cells in export_rows(kind, rows, exports.roi_columns, segmenters):
                written += 1
                text.write(csv_line(cells))
        if not written and kind is not ExportKind.STUDY:
            (folder / file).unlink()
    if evaluated := list_study_dice(connection, study.id, protocol):
        (folder / STUDY_DICE_FILE).write_text(study_dice_csv(evaluated), encoding="utf-8", newline="")

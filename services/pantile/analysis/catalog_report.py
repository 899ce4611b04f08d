"""The report of a study of the catalog, with its tables and figures, as `pantile analyse` writes it."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

from pantile.analysis.analyse import analyse
from pantile.analysis.catalog_study import find_design, write_study_files
from pantile.analysis.read_study import find_files, read_study
from pantile.analysis.report import write_analysis
from pantile.analysis.study import Options
from pantile.catalog.database import Database
from pantile.catalog.exports import hold_still
from pantile.domain.dice import DiceProtocol
from pantile.domain.studies import Study


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportFiles:
    """A report as files: its page, and an archive of it with tables and figures; and of how many scores it is."""

    page: Path
    archive: Path
    scores: int


def write_report(database: Database, study: Study, folder: Path, *, now: datetime) -> ReportFiles:
    """Writes a study's report below an empty folder, of what the study has at one moment.

    Raises:
        ScoresRefused: no tumor ROI has a score yet.
    """
    read, written = folder / "read", folder / "written"
    read.mkdir()
    with database.transaction() as connection:
        hold_still(connection)
        design = find_design(connection, study)
        write_study_files(connection, study, read, DiceProtocol.PUBLISHED_CODE)
    found = read_study(find_files(read), design, name=study.name)
    options = Options()
    sections = analyse(found, options, lambda _: None)
    page = write_analysis(written, found, sections, options, now=now, tell=lambda _: None).report
    archive = folder / f"{study.name}-report.zip"
    with ZipFile(archive, "w", ZIP_DEFLATED) as file:
        for path in sorted(path for path in written.rglob("*") if path.is_file()):
            file.write(path, Path(archive.stem) / path.relative_to(written))
    return ReportFiles(page=page, archive=archive, scores=found.scores.scored)

"""Reports of studies: made from the catalog, and put into the bucket as one page and one archive."""

from datetime import UTC, datetime
from threading import Lock
from typing import TYPE_CHECKING

from pantile.catalog import leases, reports
from pantile.catalog.leases import Lease
from pantile.catalog.reports import Report
from pantile.domain.errors import FileRefused, ReportImpossible, ScoresRefused
from pantile.domain.messages import MakeReport
from pantile.domain.studies import Study
from pantile_workers.chores import do_chore
from pantile_workers.runtime import Runtime

if TYPE_CHECKING:
    from pathlib import Path

    from pantile.analysis.catalog_report import ReportFiles

_ONE_AT_A_TIME = Lock()
"""The style of figures is the whole process's in matplotlib."""


def make_report(runtime: Runtime, message: MakeReport) -> str:
    """Makes and stores the report of one study."""
    return do_chore(runtime, message.chore_id, _make)


def _make(runtime: Runtime, lease: Lease) -> str:
    with runtime.database.transaction() as connection:
        study = reports.read_subject(connection, lease.row_id)
    now = datetime.now(UTC)
    with runtime.scratch_folder() as folder:
        files = _write(runtime, study, folder, now=now)
        page = runtime.objects.put_file("reports", files.page, media_type="text/html")
        archive = runtime.objects.put_file("reports", files.archive, media_type="application/zip")
    made = Report(
        page_key=page.key,
        page_sha256=page.sha256,
        page_bytes=page.bytes,
        archive_key=archive.key,
        archive_sha256=archive.sha256,
        archive_bytes=archive.bytes,
        scores=files.scores,
        made_at=now,
    )
    with runtime.database.transaction() as connection:
        if not leases.succeed(connection, lease):
            return "lease lost"
        reports.keep_report(connection, study.id, made)
    return f"report of {files.scores} scores"


def _write(runtime: Runtime, study: Study, folder: "Path", *, now: datetime) -> "ReportFiles":
    try:
        # matplotlib, pandas and statsmodels take seconds to import, and a worker without the extra does all else.
        from pantile.analysis.catalog_report import write_report  # noqa: PLC0415

        with _ONE_AT_A_TIME:
            return write_report(runtime.database, study, folder, now=now)
    except ModuleNotFoundError as error:
        sentence = f"this worker lacks {error.name}, which comes with pip install 'pantile[analysis]'"
        raise ReportImpossible(sentence) from error
    except (ScoresRefused, FileRefused) as error:
        raise ReportImpossible(error.detail) from error

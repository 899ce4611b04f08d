"""Exports as files: written row by row, hashed on the way, and noted before the first byte is sent.

The file is written whole before it is sent, beyond 1 MiB to disk: so it is of one moment, its digest is known with its
first byte, and no slow client holds a transaction open.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from tempfile import SpooledTemporaryFile

from pantile.catalog import exports, studies
from pantile.catalog.database import Database
from pantile.catalog.exports import Export
from pantile.domain.csv_text import csv_line
from pantile.domain.studies import Study
from pantile.domain.study_exports import ExportKind, export_columns, export_rows

_IN_MEMORY_BYTES = 1 << 20
_CHUNK_BYTES = 64 << 10
_LINES_AT_ONCE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportAsk:
    """Which table, of all raters or one, and whether no cell may be read as a formula."""

    kind: ExportKind
    rater: str | None = None
    is_safe: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportFile:
    """A table as a file that is read once, with its digest."""

    file: SpooledTemporaryFile[bytes]
    size_bytes: int
    rows: int
    digest: bytes

    def chunks(self) -> Iterator[bytes]:
        """Its bytes; the file is gone afterwards."""
        with self.file as file:
            file.seek(0)
            while chunk := file.read(_CHUNK_BYTES):
                yield chunk


def write_export(database: Database, study: Study, ask: ExportAsk, *, actor: str) -> ExportFile:
    """Writes a table and notes it. Raises `MemberNotFound`."""
    file: SpooledTemporaryFile[bytes] = SpooledTemporaryFile(max_size=_IN_MEMORY_BYTES)  # noqa: SIM115 — its reader closes it
    try:
        with database.transaction() as connection:
            segmenters = [each.name for each in studies.list_segmenters(connection, study.id)]
            digest, rows = hashlib.sha256(), 0
            with exports.open_rows(connection, study, ask.kind, rater=ask.rater) as found:
                cells = export_rows(ask.kind, found, exports.roi_columns, segmenters)
                lines = (csv_line(each, is_safe=ask.is_safe) for each in cells)
                for number, part in _parts(csv_line(export_columns(ask.kind, segmenters)), lines):
                    rows += number
                    digest.update(part)
                    file.write(part)
            filters = {"rater": ask.rater, "excel_safe": ask.is_safe}
            done = Export(kind=ask.kind, filters=filters, rows=rows, sha256=digest.hexdigest())
            exports.record_export(connection, study, done, actor=actor)
    except BaseException:
        file.close()
        raise
    return ExportFile(file=file, size_bytes=file.tell(), rows=rows, digest=digest.digest())


def _parts(header: str, lines: Iterator[str]) -> Iterator[tuple[int, bytes]]:
    """The text in parts of some lines, each with how many lines it has beside the header."""
    yield 0, header.encode()
    held: list[str] = []
    for line in lines:
        held.append(line)
        if len(held) == _LINES_AT_ONCE:
            yield len(held), "".join(held).encode()
            held = []
    yield len(held), "".join(held).encode()

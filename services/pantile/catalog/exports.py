"""Exports: a study's scores row by row, one moment of them, and which exports were made with which digest.

Rows come from a cursor of the server, so that memory does not grow with the study.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from psycopg.types.json import Jsonb

from pantile.catalog.audit import record_action
from pantile.catalog.database import Connection, Row
from pantile.catalog.study_members import find_member
from pantile.domain.rois import RoiKey, TissueType
from pantile.domain.studies import Study
from pantile.domain.study_csv import RoiColumns, columns_from, columns_of
from pantile.domain.study_exports import ExportKind

_AT_ONCE = 2000

_ROI = """
    o.id AS output_id, o.number, o.roi_id, r.slide, r.tissue_type, r.roi_number, r.source, r.mpp, r.case_id,
    r.name AS roi, c.name AS cohort, sr.file_columns
"""
_OF_OUTPUT = """
    FROM outputs o
    JOIN study_rois sr ON sr.study_id = o.study_id AND sr.roi_id = o.roi_id
    JOIN rois r ON r.id = o.roi_id JOIN cohorts c ON c.id = r.cohort_id
    JOIN (
        SELECT sr.roi_id, row_number() OVER (
            ORDER BY sr.file_place, c.name, r.slide, r.roi_number, r.tissue_type DESC, r.id) AS place
        FROM study_rois sr JOIN rois r ON r.id = sr.roi_id JOIN cohorts c ON c.id = r.cohort_id
        WHERE sr.study_id = %(study_id)s
    ) placed ON placed.roi_id = o.roi_id
"""
_ORDER = "placed.place, o.number"  # ROIs are put in order, not their outputs, as comparing names takes longest

# One reading of each ROI that is done: that of the rater, or the first of the purpose.
_CHOSEN = """
    SELECT DISTINCT ON (a.roi_id) a.roi_id, a.id FROM assignments a
    WHERE a.study_id = %(study_id)s AND a.state = 'done' AND a.round = 1 AND a.purpose <> 'calibration'
      AND CASE WHEN %(account_id)s::bigint IS NULL THEN a.purpose = {purpose} ELSE a.account_id = %(account_id)s END
    ORDER BY a.roi_id, a.id
"""

_OF_ONE = f"""
    SELECT {{roi}}, s.value, coalesce(s.comment, '') AS comment
    {_OF_OUTPUT} {{join}} ({_CHOSEN}) chosen ON chosen.roi_id = o.roi_id
    LEFT JOIN scores s ON s.assignment_id = chosen.id AND s.output_id = o.id
    WHERE o.study_id = %(study_id)s AND NOT sr.is_calibration ORDER BY {_ORDER}
"""

_CONSENSUS = f"""
    SELECT {_ROI}, coalesce(d.value, f.value) AS value, coalesce(d.rationale, f.comment, '') AS comment,
           CASE WHEN r.state = 'withdrawn' THEN 'withdrawn' WHEN d.value IS NOT NULL THEN 'consensus'
                WHEN f.value IS NOT NULL THEN 'first' ELSE '' END AS origin,
           f.value AS first, s.value AS second
    {_OF_OUTPUT}
    LEFT JOIN ({_CHOSEN.format(purpose="'primary'")}) first ON first.roi_id = o.roi_id
    LEFT JOIN ({_CHOSEN.format(purpose="'second'")}) second ON second.roi_id = o.roi_id
    LEFT JOIN scores f ON f.assignment_id = first.id AND f.output_id = o.id
    LEFT JOIN scores s ON s.assignment_id = second.id AND s.output_id = o.id
    LEFT JOIN adjudications d ON d.output_id = o.id AND d.state = 'signed' AND r.state <> 'withdrawn'
    WHERE o.study_id = %(study_id)s AND NOT sr.is_calibration ORDER BY {_ORDER}
"""

_LONG = f"""
    SELECT {_ROI}, s.value, coalesce(s.comment, '') AS comment, a.key AS case, n.name AS rater, a.purpose, a.round,
           a.position, array_position(a.pane_order, o.number) AS pane, coalesce(s.answers, '{{}}') AS answers,
           s.version, s.updated_at, a.active_ms, a.opened_at, a.completed_at, a.comment AS case_comment
    {_OF_OUTPUT}
    JOIN assignments a ON a.study_id = o.study_id AND a.roi_id = o.roi_id AND a.state = 'done'
    JOIN accounts n ON n.id = a.account_id
    LEFT JOIN scores s ON s.assignment_id = a.id AND s.output_id = o.id
    WHERE o.study_id = %(study_id)s AND o.number = ANY(a.pane_order)
      AND (%(account_id)s::bigint IS NULL OR a.account_id = %(account_id)s)
    ORDER BY {_ORDER}, a.id
"""

_EVENTS = """
    SELECT a.key AS case, n.name AS rater, a.purpose, a.round, a.position, e.number, e.action, r.name AS roi,
           o.number AS model, e.pane, e.before, e.after, e.actor, e.at, e.client_at, e.view, e.reason, e.group_key,
           e.previous_hash, e.hash
    FROM score_events e JOIN assignments a ON a.id = e.assignment_id JOIN accounts n ON n.id = a.account_id
    JOIN rois r ON r.id = a.roi_id LEFT JOIN outputs o ON o.id = e.output_id
    WHERE a.study_id = %(study_id)s AND (%(account_id)s::bigint IS NULL OR a.account_id = %(account_id)s)
    ORDER BY e.assignment_id, e.number
"""

_STATEMENTS = {
    ExportKind.STUDY: _OF_ONE.format(roi=_ROI, join="LEFT JOIN", purpose="'primary'"),
    ExportKind.SECOND: _OF_ONE.format(roi=_ROI, join="JOIN", purpose="'second'"),
    ExportKind.DICE_WIDE: _OF_ONE.format(roi=_ROI, join="JOIN", purpose="'primary'"),
    ExportKind.CONSENSUS: _CONSENSUS,
    ExportKind.LONG: _LONG,
    ExportKind.IMRMC: _LONG,
    ExportKind.EVENTS: _EVENTS,
}


def hold_still(connection: Connection) -> None:
    """Has this transaction, which must not have begun to read, see one moment, however many tables it reads."""
    connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")


@contextmanager
def open_rows(
    connection: Connection, study: Study, kind: ExportKind, *, rater: str | None = None
) -> Iterator[Iterator[Row]]:
    """The rows of an export, of all raters or one, fetched as they are read. Raises `MemberNotFound`."""
    account_id = find_member(connection, study.id, rater).account_id if rater else None
    with connection.cursor(name="export") as cursor:
        cursor.itersize = _AT_ONCE
        cursor.execute(_STATEMENTS[kind], {"study_id": study.id, "account_id": account_id})
        yield iter(cursor)


def roi_columns(row: Row) -> RoiColumns:
    """What the study's CSV says of the ROI of a row."""
    if row["file_columns"] is not None:
        return columns_from(row["file_columns"])
    key = RoiKey(slide=row["slide"], tissue_type=TissueType(row["tissue_type"]), roi_number=row["roi_number"])
    return columns_of(key, source=row["source"], cohort=row["cohort"], case=row["case_id"], mpp=row["mpp"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """An export that was made."""

    kind: ExportKind
    filters: dict[str, Any]
    rows: int
    sha256: str


def record_export(connection: Connection, study: Study, export: Export, *, actor: str) -> None:
    """Notes an export with its digest and the last event that it can have; audited."""
    connection.execute(
        """
        INSERT INTO exports (study_id, kind, filters, actor, rows, sha256, last_event_id)
        SELECT %s, %s, %s, %s, %s, %s, max(e.id)
        FROM score_events e JOIN assignments a ON a.id = e.assignment_id WHERE a.study_id = %s
        """,
        [study.id, export.kind, Jsonb(export.filters), actor, export.rows, export.sha256, study.id],
    )
    details = {"kind": export.kind, "rows": export.rows, "sha256": export.sha256, **export.filters}
    record_action(connection, actor=actor, action="export", subject=f"study {study.name}", details=details)


def list_exports(connection: Connection, study_id: int, *, limit: int = 100) -> list[Row]:
    """The exports that were made of a study, newest first."""
    return connection.execute(
        """
        SELECT kind, filters, actor, at, rows, sha256, last_event_id FROM exports
        WHERE study_id = %s ORDER BY id DESC LIMIT %s
        """,
        [study_id, limit],
    ).fetchall()

"""Exports of a study: which tables there are, their columns, and the cells of a row."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import StrEnum
from itertools import groupby
from typing import Any

from pantile.domain.csv_text import Cell
from pantile.domain.readings import pane_letter
from pantile.domain.study_csv import DICE_COLUMNS, STUDY_COLUMNS, RoiColumns, image_name


class ExportKind(StrEnum):
    """The tables that a study gives.

    `study` and `second` are the study's own CSV of the first and of the second readings; `consensus` is it with what
    was signed; `long` has a row for every score of every reading, `events` for every event; `dice_wide` is the study's
    table for the comparison with Dice, `imrmc` that of the iMRMC software.
    """

    STUDY = "study"
    SECOND = "second"
    CONSENSUS = "consensus"
    LONG = "long"
    EVENTS = "events"
    DICE_WIDE = "dice_wide"
    IMRMC = "imrmc"


ANALYSED_FILES: Mapping[ExportKind, str] = {
    ExportKind.STUDY: "scoring_data.csv",
    ExportKind.SECOND: "scoring_data_second_rater.csv",
    ExportKind.LONG: "long.csv",
}
"""The tables that an analysis takes, under the names by which it finds them."""

_READING = ("rater", "purpose", "round", "position", "pane")
_LONG_COLUMNS = (
    *(*STUDY_COLUMNS, *_READING, "answers", "version", "scored_at", "case", "case_comment"),
    *("active_ms", "opened_at", "completed_at"),
)
_EVENT_COLUMNS = (
    *("case", "rater", "purpose", "round", "position", "event", "action", "roi", "model", "pane", "before", "after"),
    *("actor", "at", "client_at", "view", "reason", "group", "previous_hash", "hash"),
)

Row = dict[str, Any]
ColumnsOf = Callable[[Row], RoiColumns]


def export_columns(kind: ExportKind, segmenters: Sequence[str]) -> tuple[str, ...]:
    """The header of a table; `segmenters` are the study's, by number."""
    match kind:
        case ExportKind.STUDY | ExportKind.SECOND:
            return STUDY_COLUMNS
        case ExportKind.CONSENSUS:
            return (*STUDY_COLUMNS, "origin", "first_score", "second_score")
        case ExportKind.LONG:
            return _LONG_COLUMNS
        case ExportKind.EVENTS:
            return _EVENT_COLUMNS
        case ExportKind.IMRMC:
            return ("readerID", "caseID", "modalityID", "score")
        case ExportKind.DICE_WIDE:
            return ("base_image", "cohort", *(DICE_COLUMNS.get(name, f"{name}_score") for name in segmenters))


def export_rows(
    kind: ExportKind, rows: Iterator[Row], columns_of: ColumnsOf, segmenters: Sequence[str]
) -> Iterator[tuple[Cell, ...]]:
    """The cells of a table's rows, one after the other; those of an ROI stand together."""
    columns_of = _once_an_roi(columns_of)
    if kind is ExportKind.DICE_WIDE:
        return _wide(rows, columns_of, len(segmenters))
    shape = _SHAPES[kind]
    return (cells for row in rows if (cells := shape(row, columns_of, segmenters)))


def _once_an_roi(columns_of: ColumnsOf) -> ColumnsOf:
    """What an ROI's name says is read once for all of its rows."""
    held: dict[int, RoiColumns] = {}

    def find(row: Row) -> RoiColumns:
        if row["roi_id"] not in held:
            held.clear()
            held[row["roi_id"]] = columns_of(row)
        return held[row["roi_id"]]

    return find


def _study(row: Row, columns_of: ColumnsOf, _: Sequence[str]) -> tuple[Cell, ...]:
    return columns_of(row).cells(row["number"], row["value"], row["comment"])


def _consensus(row: Row, columns_of: ColumnsOf, _: Sequence[str]) -> tuple[Cell, ...]:
    return (*_study(row, columns_of, _), row["origin"], row["first"], row["second"])


def _long(row: Row, columns_of: ColumnsOf, _: Sequence[str]) -> tuple[Cell, ...]:
    return (
        *_study(row, columns_of, _),
        *(row["rater"], row["purpose"], row["round"], row["position"], pane_letter(row["pane"])),
        *(_json(row["answers"]), row["version"], _time(row["updated_at"]), str(row["case"]), row["case_comment"]),
        *(row["active_ms"], _time(row["opened_at"]), _time(row["completed_at"])),
    )


def _event(row: Row, _: ColumnsOf, __: Sequence[str]) -> tuple[Cell, ...]:
    return (
        *(str(row["case"]), row["rater"], row["purpose"], row["round"], row["position"], row["number"], row["action"]),
        *(row["roi"], f"model{row['model']}" if row["model"] else None),
        *(pane_letter(row["pane"]) if row["pane"] else None, _json(row["before"]), _json(row["after"])),
        *(row["actor"], _time(row["at"]), _time(row["client_at"]), _json(row["view"]), row["reason"]),
        *(str(row["group_key"]) if row["group_key"] else None, row["previous_hash"], row["hash"]),
    )


def _imrmc(row: Row, columns_of: ColumnsOf, segmenters: Sequence[str]) -> tuple[Cell, ...]:
    """Of first rounds only: iMRMC takes one score a reader, case and modality."""
    if row["value"] is None or row["round"] != 1 or row["purpose"] == "calibration":
        return ()
    return row["rater"], columns_of(row).base, segmenters[row["number"] - 1], row["value"]


def _wide(rows: Iterator[Row], columns_of: ColumnsOf, count: int) -> Iterator[tuple[Cell, ...]]:
    for _, own in groupby(rows, key=lambda row: row["roi_id"]):
        outputs = list(own)
        scores = {row["number"]: row["value"] for row in outputs}
        name = image_name(columns_of(outputs[0]).base)
        yield (name, outputs[0]["cohort"], *(scores.get(number) for number in range(1, count + 1)))


_SHAPES: Mapping[ExportKind, Callable[[Row, ColumnsOf, Sequence[str]], tuple[Cell, ...]]] = {
    ExportKind.STUDY: _study,
    ExportKind.SECOND: _study,
    ExportKind.CONSENSUS: _consensus,
    ExportKind.LONG: _long,
    ExportKind.EVENTS: _event,
    ExportKind.IMRMC: _imrmc,
}


def _json(document: object) -> str | None:
    if document is None or document == {}:
        return None
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _time(at: Any) -> str | None:
    return at.isoformat() if at is not None else None

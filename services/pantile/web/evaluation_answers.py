"""Ground truth and evaluations in the shapes of the API, and as the tables that people take away."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pantile.catalog.database import Row
from pantile.domain.csv_text import Cell, write_csv
from pantile.domain.dice import DiceProtocol
from pantile.domain.dice_remaps import takes_benign
from pantile.domain.ground_truth import TruthClass, TruthScheme
from pantile.domain.study_dice import DETAILED_COLUMNS, detailed_cells
from pantile.schemas.evaluations import (
    ClassFiguresOut,
    DiceTotal,
    EvaluationCounts,
    EvaluationOut,
    ProtocolFigures,
)
from pantile.schemas.ground_truths import GroundTruthOut, TruthSchemeIn

_LABELS = {"tumor": "tumor", "tumor_stroma": "tumor stroma"}


def truth_scheme(scheme: TruthSchemeIn) -> TruthScheme:
    """A scheme as it was sent."""
    return TruthScheme(
        name=scheme.name,
        is_open=scheme.is_open,
        classes=tuple(
            TruthClass(
                index=each.index,
                name=each.name,
                targets={DiceProtocol.ARTICLE: each.article, DiceProtocol.PUBLISHED_CODE: each.published_code},
            )
            for each in scheme.classes
        ),
    )


def ground_truth_out(row: Row) -> GroundTruthOut:
    """An ROI's ground truth."""
    return GroundTruthOut(
        **{name: row[name] for name in GroundTruthOut.model_fields if name != "case"}, case=row["case_id"]
    )


def evaluation_out(row: Row, cohort: str) -> EvaluationOut:
    """One class map's evaluation."""
    plain = {name: row[name] for name in EvaluationOut.model_fields if name not in {"case", "protocols"}}
    return EvaluationOut(
        **plain,
        case=row["case_id"],
        protocols={
            DiceProtocol(name): _protocol_figures(figures, DiceProtocol(name), cohort)
            for name, figures in row["protocols"].items()
        },
    )


def _protocol_figures(figures: Mapping[str, Any], protocol: DiceProtocol, cohort: str) -> ProtocolFigures:
    plain = {name: figures[name] for name in ProtocolFigures.model_fields if name != "classes"}
    mm2 = figures["pixel_mm2"]
    return ProtocolFigures(
        **plain,
        classes=[
            ClassFiguresOut(
                **{name: each[name] for name in ("target", "dice", "iou", "hausdorff_95_um", "surface_dice")},
                label=_label(each["target"], protocol, cohort),
                truth_mm2=each["truth_pixels"] * mm2,
                predicted_mm2=each["predicted_pixels"] * mm2,
            )
            for each in figures["classes"]
        ],
    )


def _label(target: str, protocol: DiceProtocol, cohort: str) -> str:
    return "benign" if target == "tumor_stroma" and takes_benign(protocol, cohort) else _LABELS[target]


def totals_out(rows: Iterable[Row]) -> list[DiceTotal]:
    """Means by protocol and segmenter."""
    return [DiceTotal(**row) for row in rows]


def counts_out(row: Row) -> EvaluationCounts:
    """How the evaluation of a cohort stands."""
    return EvaluationCounts(**row)


def detailed_table(rows: Iterable[Row], protocol: DiceProtocol, *, cohort: str, names_segmenter: bool) -> str:
    """Evaluations in the study's own columns, one row a class map; before them cohort and model where asked for."""
    before = ("cohort", "model") if names_segmenter else ()
    return write_csv(
        (*before, *DETAILED_COLUMNS),
        (
            (*((cohort, row["segmenter"]) if names_segmenter else ()), *detailed_cells(row, row["protocols"][protocol]))
            for row in rows
        ),
    )


def wide_table(rows: Sequence[Row], protocol: DiceProtocol, *, cohort: str) -> str:
    """Overall Dice, one row an ROI and one column a segmenter; of several class maps by one the newest counts."""
    names = sorted({row["segmenter"] for row in rows})
    by_roi: dict[int, dict[str, Row]] = {}
    for row in rows:
        by_roi.setdefault(row["roi_id"], {})[row["segmenter"]] = row
    columns = ("cohort", "case", "slide", "roi", "roi_number", "tissue_type", *(f"{name}_dice" for name in names))
    return write_csv(columns, (_wide(own, names, protocol, cohort) for own in by_roi.values()))


def _wide(own: Mapping[str, Row], names: Sequence[str], protocol: DiceProtocol, cohort: str) -> tuple[Cell, ...]:
    row = next(iter(own.values()))
    dices = (own[name]["protocols"][protocol]["overall"] if name in own else None for name in names)
    return (cohort, row["case_id"], row["slide"], row["roi"], row["roi_number"], row["tissue_type"], *dices)


LONG_COLUMNS = (
    *("cohort", "case", "slide", "roi", "roi_number", "tissue_type", "segmenter", "segmenter_version", "mode"),
    *("stitching", "job_id", "protocol", "overall", "class", "dice", "iou", "truth_mm2", "predicted_mm2"),
    *("hausdorff_95_um", "surface_dice", "surface_tolerance_um", "scheme", "remap_origin"),
)


def long_table(rows: Iterable[Row], *, cohort: str) -> str:
    """Every figure, one row a class map, protocol and class."""
    return write_csv(
        LONG_COLUMNS,
        (
            (
                *(cohort, row["case_id"], row["slide"], row["roi"], row["roi_number"], row["tissue_type"]),
                *(row["segmenter"], row["segmenter_version"], row["mode"], row["stitching"], row["job_id"]),
                *(protocol, figures["overall"], _label(each["target"], DiceProtocol(protocol), cohort)),
                *(each["dice"], each["iou"], each["truth_pixels"] * figures["pixel_mm2"]),
                *(each["predicted_pixels"] * figures["pixel_mm2"], each["hausdorff_95_um"], each["surface_dice"]),
                *(figures["surface_tolerance_um"], figures["scheme"], figures["remap_origin"]),
            )
            for row in rows
            for protocol, figures in sorted(row["protocols"].items())
            for each in figures["classes"]
        ),
    )

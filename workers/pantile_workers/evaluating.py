"""Evaluations: an ROI's class maps against its ground truth, under both protocols of the study."""

import numpy as np

from pantile.analysis.evaluation import Evaluation, PlacedMap, Remaps, evaluate
from pantile.catalog import evaluations, leases
from pantile.catalog.evaluations import EvaluatedMap, EvaluationAsked, EvaluationRow
from pantile.catalog.ground_truths import GroundTruth
from pantile.catalog.leases import Lease
from pantile.class_map_files import decode_class_map
from pantile.domain.dice import ClassFigures, DiceProtocol
from pantile.domain.dice_remaps import DiceRemap, find_dice_remap
from pantile.domain.errors import GroundTruthRefused, GroundTruthUnusable, ImageUnreadable
from pantile.domain.messages import EvaluateRoi
from pantile_workers.chores import do_chore
from pantile_workers.runtime import Runtime


def evaluate_roi(runtime: Runtime, message: EvaluateRoi) -> str:
    """Stores how the class maps of one ROI compare with its ground truth: those that are new, or whose truth is."""
    return do_chore(runtime, message.chore_id, _evaluate)


def _evaluate(runtime: Runtime, lease: Lease) -> str:
    with runtime.database.transaction() as connection:
        asked = evaluations.read_evaluation(connection, lease.row_id)
    rows: list[EvaluationRow] = []
    if asked.truth is not None and asked.class_maps:
        truth = _read_truth(runtime, asked.truth)
        for class_map in asked.class_maps:
            rows += _evaluate_map(runtime, asked, truth, class_map)
    with runtime.database.transaction() as connection:
        if not leases.succeed(connection, lease):
            return "lease lost"
        evaluations.keep_evaluations(connection, asked.roi_id, rows)
    return f"{len(asked.class_maps)} class maps evaluated" if rows else "nothing to evaluate"


def _read_truth(runtime: Runtime, truth: GroundTruth) -> PlacedMap:
    """The ground truth's class map; raises `GroundTruthUnusable` for a file that is damaged or not of its scheme."""
    try:
        class_map = decode_class_map(runtime.objects.get(truth.object_key, sha256=truth.sha256))
        truth.scheme.check_indices(np.flatnonzero(np.bincount(class_map.ravel())).tolist())
    except (ImageUnreadable, GroundTruthRefused) as error:
        raise GroundTruthUnusable(f"{truth.file}, {error.detail}") from error
    return PlacedMap(class_map=class_map, extent_px=(truth.extent_width_px, truth.extent_height_px))


def _evaluate_map(
    runtime: Runtime, asked: EvaluationAsked, truth: PlacedMap, evaluated: EvaluatedMap
) -> list[EvaluationRow]:
    assert asked.truth is not None  # noqa: S101 — the truth was read from it
    scheme = asked.truth.scheme
    class_map = decode_class_map(runtime.objects.get(evaluated.object_key, sha256=evaluated.sha256))
    predicted = PlacedMap(class_map=class_map, extent_px=(evaluated.extent_width_px, evaluated.extent_height_px))
    remaps = {protocol: find_dice_remap(evaluated.card, protocol, asked.cohort) for protocol in DiceProtocol}
    done = evaluate(
        truth,
        predicted,
        {protocol: Remaps(truth=scheme.remap(protocol), predicted=remap.targets) for protocol, remap in remaps.items()},
        roi_mpp=asked.roi_mpp,
    )
    return [_row(asked.truth, evaluated, evaluation, remaps[protocol]) for protocol, evaluation in done.items()]


def _row(truth: GroundTruth, evaluated: EvaluatedMap, evaluation: Evaluation, remap: DiceRemap) -> EvaluationRow:
    figures = evaluation.figures
    return EvaluationRow(
        job_id=evaluated.job_id,
        protocol=figures.protocol,
        source=evaluated.source,
        overall=figures.overall,
        classes=[_class(each, evaluation) for each in figures.classes],
        confusion=figures.confusion,
        known_pixels=figures.known_pixels,
        pixel_mm2=evaluation.pixel_mm2,
        surface_tolerance_um=next(iter(evaluation.surfaces.values())).tolerance_um,
        scheme=truth.scheme.name,
        truth_remap=truth.scheme.remap(figures.protocol),
        predicted_remap=remap.targets,
        remap_origin=remap.origin,
    )


def _class(figures: ClassFigures, evaluation: Evaluation) -> dict[str, str | int | float | None]:
    surface = evaluation.surfaces[figures.target]
    return {
        "target": figures.target.name.lower(),
        "dice": figures.dice,
        "iou": figures.iou,
        "truth_pixels": figures.truth_pixels,
        "predicted_pixels": figures.predicted_pixels,
        "shared_pixels": figures.shared_pixels,
        "hausdorff_95_um": surface.hausdorff_95_um,
        "surface_dice": surface.surface_dice,
    }

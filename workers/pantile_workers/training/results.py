"""Results: what a finished training leaves beside its checkpoint, for people and for the registry."""

import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import segmentation_models_pytorch as smp
import torch

from pantile.domain.class_maps import ClassGroup, RgbImage
from pantile.domain.confusion import Confusion, dice_by_class, dice_of_classes, mean_dice
from pantile.domain.csv_text import write_csv
from pantile.domain.errors import AdmissionImpossible
from pantile.domain.segmenters import Admission, Card
from pantile.domain.splits import Part
from pantile.domain.training import Training
from pantile_workers.inference.admission import TissueImage, measure_admission
from pantile_workers.inference.engine import Engine
from pantile_workers.inference.networks import Network
from pantile_workers.training.measuring import measure
from pantile_workers.training.preparing import Prepared
from pantile_workers.training.states import Epoch, Progress
from pantile_workers.training.tissue import LabelledTissue

_LIBRARIES = ("pantile", "torch", "torchvision", "segmentation-models-pytorch", "timm", "numpy")


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """How often a network is right on some tissue; `dice` by class name, None for a class that is nowhere."""

    images: int
    mean_dice: float
    tumor_dice: float | None
    dice: Mapping[str, float | None]
    confusion: Sequence[Sequence[int]]


def measure_parts(
    network: Network, training: Training, prepared: Prepared, *, device: torch.device
) -> dict[Part, dict[str, Measured]]:
    """Validation and test, if there is one, measured in float32: each case, and all together under ""."""
    parts = (Part.VALIDATION, Part.TEST)
    return {part: _measure(network, training, prepared.parts[part], device) for part in parts if prepared.parts[part]}


def _measure(
    network: Network, training: Training, tissues: Sequence[LabelledTissue], device: torch.device
) -> dict[str, Measured]:
    by_case: dict[str, list[LabelledTissue]] = {}
    for tissue in tissues:
        by_case.setdefault(tissue.case, []).append(tissue)
    card, batch = training.card, training.batches.size
    confusions = {case: measure(network, each, card, device=device, batch=batch) for case, each in by_case.items()}
    all_together: Confusion = sum(confusions.values())  # type: ignore[assignment]  # never empty, so never 0
    described = {case: _describe(confusions[case], card, images=len(each)) for case, each in by_case.items()}
    return {"": _describe(all_together, card, images=len(tissues)), **described}


def _describe(confusion: Confusion, card: Card, *, images: int) -> Measured:
    names = [tissue.name for tissue in card.scheme.classes]
    return Measured(
        images=images,
        mean_dice=mean_dice(confusion),
        tumor_dice=dice_of_classes(confusion, card.scheme.indices_of(ClassGroup.TUMOR)),
        dice=dict(zip(names, dice_by_class(confusion), strict=True)),
        confusion=confusion.tolist(),
    )


def report(
    training: Training,
    prepared: Prepared,
    progress: Progress,
    measured: Mapping[Part, Mapping[str, Measured]],
    *,
    device: torch.device,
) -> dict[str, Any]:
    """The report of a finished training, ready to be JSON."""
    best = progress.best
    return {
        "segmenter": training.card.name,
        "version": training.card.version,
        "checkpoint_sha256": progress.best_sha256,
        "best_epoch": best.epoch if best else None,
        "epochs": len(progress.epochs),
        "steps": progress.step,
        "seconds": round(sum(epoch.seconds for epoch in progress.epochs), 1),
        "started_from": prepared.start.origin,
        "cases": {part: sorted({tissue.case for tissue in tissues}) for part, tissues in prepared.parts.items()},
        "patches_by_class": _by_class(training.card, prepared.index.by_class),
        "pixels_by_class": _by_class(training.card, prepared.class_pixels),
        **{
            part: {**asdict(cases[""]), "cases": {case: asdict(each) for case, each in cases.items() if case}}
            for part, cases in measured.items()
        },
        "device": str(device),
        "threads": progress.threads,
        "libraries": {"python": platform.python_version(), **{name: version(name) for name in _LIBRARIES}},
    }


def _by_class(card: Card, counts: Sequence[int]) -> dict[str, int]:
    return {tissue.name: count for tissue, count in zip(card.scheme.classes, counts, strict=True)}


def admit(
    card: Card, checkpoint: Path, tissues: Sequence[LabelledTissue], *, device: torch.device, threads: int
) -> Admission | None:
    """How closely mixed precision agrees with float32 on some tissue; None where the device has none to measure."""
    images = [TissueImage(name=tissue.name, read=partial(_image_of, tissue)) for tissue in tissues]
    engine = Engine(device=str(device), batch_patches=0, segmenter_cache=1, torch_threads=threads)
    try:
        return measure_admission(engine, card, checkpoint, images, described="its validation tissue").admission
    except AdmissionImpossible:
        return None
    finally:
        engine.close()


def _image_of(tissue: LabelledTissue) -> RgbImage:
    return np.ascontiguousarray(tissue.pixels[..., :3])


def finished_card(training: Training, checkpoint_sha256: str) -> Card:
    """The trained segmenter's card, which the registry takes as it is."""
    library = f"segmentation-models-pytorch {smp.__version__}"
    return replace(training.card, checkpoint_sha256=checkpoint_sha256, trained_with=library, runs_with=library)


def write_metrics(epochs: Sequence[Epoch], card: Card) -> str:
    """The epochs as CSV; the Dice of a class that is nowhere is empty."""
    names = [f"dice_{tissue.name}" for tissue in card.scheme.classes]
    return write_csv(
        ("epoch", "loss", "learning_rate", "seconds", "mean_dice", *names),
        ((epoch.epoch, epoch.loss, epoch.rate, epoch.seconds, epoch.mean_dice, *epoch.dice) for epoch in epochs),
    )

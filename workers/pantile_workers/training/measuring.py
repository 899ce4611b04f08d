"""Measuring: what a network makes of labelled tissue, patch by patch as the study does, and how often it is right."""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from itertools import islice

import numpy as np
import torch

from pantile.domain.class_maps import ClassMap
from pantile.domain.confusion import Confusion, count_confusion
from pantile.domain.patches import Patch, plan_grid
from pantile.domain.segmenters import Card, Precision
from pantile_workers.inference.arithmetic import pick_dtype
from pantile_workers.inference.networks import Network
from pantile_workers.training.patches import normalise
from pantile_workers.training.tissue import LabelledTissue


def arithmetic(device: torch.device, precision: Precision) -> AbstractContextManager[object]:
    """The surroundings in which a network computes in what `pick_dtype` picks."""
    dtype = pick_dtype(precision, device)
    return nullcontext() if dtype is torch.float32 else torch.autocast(device.type, dtype=dtype)


def measure(
    network: Network,
    tissues: Sequence[LabelledTissue],
    card: Card,
    *,
    device: torch.device,
    batch: int,
    precision: Precision = Precision.FLOAT32,
) -> Confusion:
    """The confusion of a network, in eval mode, over the known pixels of all tissue together."""
    classes = len(card.scheme)
    total: Confusion = np.zeros((classes, classes), dtype=np.int64)
    for tissue in tissues:
        with torch.inference_mode(), arithmetic(device, precision):
            predicted = _predict(network, tissue, card, device=device, batch=batch)
        total += count_confusion(np.asarray(tissue.pixels[..., 3]), predicted, classes=classes)
    return total


def _predict(network: Network, tissue: LabelledTissue, card: Card, *, device: torch.device, batch: int) -> ClassMap:
    """The class map of a whole image, stitched from the centres of patches that overlap as the study's do."""
    px = card.patch_px
    height, width = tissue.pixels.shape[:2]
    class_map = np.empty((height, width), dtype=np.uint8)
    waiting = iter(plan_grid(height, width, patch_px=px, stride_px=px * 3 // 4, margin_px=px // 8))
    while patches := list(islice(waiting, batch)):
        squares = np.stack([tissue.cut(patch.row.start, patch.column.start, px)[..., :3] for patch in patches])
        images = normalise(torch.from_numpy(squares).permute(0, 3, 1, 2), card.normalisation)
        logits = network(images.to(device, memory_format=torch.channels_last))
        for patch, found in zip(patches, logits.argmax(dim=1).to(torch.uint8).cpu().numpy(), strict=True):
            _place(class_map, patch, found)
    return class_map


def _place(class_map: ClassMap, patch: Patch, found: ClassMap) -> None:
    row, column = patch.row, patch.column
    class_map[row.keep_start : row.keep_end, column.keep_start : column.keep_end] = found[
        row.keep_start - row.start : row.keep_end - row.start,
        column.keep_start - column.start : column.keep_end - column.start,
    ]

"""Losses: the sum that a training names, over known pixels."""

from collections.abc import Callable, Sequence

import segmentation_models_pytorch as smp
import torch
from torch import Tensor, nn

from pantile.domain.dice import IGNORED
from pantile.domain.training import ClassWeights, Loss, LossName

LossFunction = Callable[[Tensor, Tensor], Tensor]
"""Of (batch, classes, height, width) logits and (batch, height, width) int64 class maps, 255 where nothing is known."""

_MODE = "multiclass"

_RAREST = 0.01
"""A class with a smaller share of the pixels weighs no more, or a few pixels of it would outweigh all others."""


def make_loss(loss: Loss, class_pixels: Sequence[int], device: torch.device) -> LossFunction:
    """The loss of a training whose tissue has so many pixels of each class."""
    weights = weigh_classes(loss.class_weights, class_pixels)
    parts = [_make(name, weights, device) for name in loss.sum]

    def evaluate(logits: Tensor, truth: Tensor) -> Tensor:
        return torch.stack([part(logits.float(), truth) for part in parts]).sum()

    return evaluate


def weigh_classes(kind: ClassWeights, class_pixels: Sequence[int]) -> list[float]:
    """The weight of each class, 1 in the mean of those that occur, 0 for one that does not."""
    shares = torch.tensor(class_pixels, dtype=torch.float64) / sum(class_pixels)
    by_share = shares.clamp(min=_RAREST).rsqrt() if kind is ClassWeights.ROOT else torch.ones_like(shares)
    raw = torch.where(shares > 0, by_share, 0.0)
    weights: list[float] = (raw / raw[shares > 0].mean()).tolist()
    return weights


def _make(name: LossName, weights: list[float], device: torch.device) -> LossFunction:
    match name:
        case LossName.CROSS_ENTROPY:
            weight = torch.tensor(weights, dtype=torch.float32, device=device)
            return nn.CrossEntropyLoss(weight=weight, ignore_index=IGNORED)
        case LossName.DICE:
            part: LossFunction = smp.losses.DiceLoss(_MODE, ignore_index=IGNORED)
        case LossName.LOVASZ:
            part = smp.losses.LovaszLoss(_MODE, ignore_index=IGNORED)
        case LossName.FOCAL:
            part = smp.losses.FocalLoss(_MODE, ignore_index=IGNORED, class_weights=weights)
    return part

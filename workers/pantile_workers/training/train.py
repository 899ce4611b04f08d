"""Training a segmenter's network and measuring it on held-out images."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import segmentation_models_pytorch as smp
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader

from pantile.domain.class_maps import ClassMap, RgbImage
from pantile.domain.segmenters import Card
from pantile_workers.training.dataset import CropDataset, LabelledImage, normalise

Report = Callable[[int, float], None]
"""Told each step and its loss."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingPlan:
    """How long and how fast a network learns, from crops of which size; the same plan gives the same weights."""

    steps: int
    crop_px: int = 256
    batch_size: int = 8
    learning_rate: float = 3e-3
    weight_decay: float = 1e-2
    seed: int = 0
    device: str = "cpu"

    def __post_init__(self) -> None:
        if self.steps < 1 or self.batch_size < 2 or self.crop_px % 32:
            raise ValueError("training needs a step, crops in multiples of 32 px and, for batch norm, two of them")


def train_network(
    card: Card, images: Sequence[LabelledImage], plan: TrainingPlan, *, report: Report | None = None
) -> nn.Module:
    """The card's network, trained from scratch on the images, in eval mode."""
    torch.manual_seed(plan.seed)
    network = build_network(card).to(plan.device).to(memory_format=torch.channels_last).train()
    crops = CropDataset(
        images,
        crop_px=plan.crop_px,
        length=plan.steps * plan.batch_size,
        seed=plan.seed,
        normalisation=card.normalisation,
    )
    optimiser = torch.optim.AdamW(network.parameters(), lr=plan.learning_rate, weight_decay=plan.weight_decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, plan.learning_rate, total_steps=plan.steps)
    for step, (batch, truth) in enumerate(DataLoader(crops, batch_size=plan.batch_size)):
        logits = network(batch.to(plan.device, memory_format=torch.channels_last))
        loss = segmentation_loss(logits, truth.to(plan.device))
        optimiser.zero_grad()
        torch.autograd.backward(loss)
        optimiser.step()
        schedule.step()
        if report:
            report(step, loss.item())
    network.eval()
    return network


def build_network(card: Card) -> nn.Module:
    """The card's network with random weights, of the depth that a checkpoint's reader gives it."""
    decoder = {}
    if card.decoder_channels:
        decoder = {"decoder_channels": card.decoder_channels, "encoder_depth": len(card.decoder_channels)}
    network: nn.Module = smp.create_model(
        card.architecture, encoder_name=card.encoder, encoder_weights=None, classes=card.output_channels, **decoder
    )
    return network


def segmentation_loss(logits: Tensor, truth: Tensor) -> Tensor:
    """Cross-entropy plus soft Dice loss (Milletari et al., 3DV 2016), the latter the mean of the classes that occur.

    `logits` is (batch, classes, height, width), `truth` (batch, height, width) int64.
    """
    shares = logits.softmax(dim=1)
    wanted = nn.functional.one_hot(truth, logits.shape[1]).movedim(-1, 1).to(shares.dtype)
    shared, total = (part.sum(dim=(0, 2, 3)) for part in (shares * wanted, shares + wanted))
    occurs = wanted.sum(dim=(0, 2, 3)) > 0
    dice = (2 * shared / total)[occurs].mean()
    return cross_entropy(logits, truth) + 1 - dice


def predict(network: nn.Module, image: RgbImage, card: Card) -> ClassMap:
    """The class map of a whole image whose sides are multiples of the network's stride."""
    with torch.inference_mode():
        logits = network(normalise(image, card.normalisation)[None])
    class_map: ClassMap = logits[0].argmax(dim=0).to(torch.uint8).numpy()
    return class_map


def measure_dice(network: nn.Module, images: Sequence[LabelledImage], card: Card) -> NDArray[np.float64]:
    """(classes,) Dice of each class over the pixels of all images together; NaN for a class that is nowhere."""
    shared, total = np.zeros(card.output_channels), np.zeros(card.output_channels)
    for labelled in images:
        predicted = predict(network, labelled.image, card)
        for index in range(card.output_channels):
            found, true = predicted == index, labelled.class_map == index
            shared[index] += np.sum(found & true)
            total[index] += np.sum(found) + np.sum(true)
    return np.divide(2 * shared, total, out=np.full_like(total, np.nan), where=total > 0)

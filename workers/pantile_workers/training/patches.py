"""Patches as a network takes them: cut, changed, normalised; the same number always gives the same patch."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset
from torchvision import tv_tensors

from pantile.domain.segmenters import Normalisation
from pantile.domain.training import Training
from pantile_workers.training.augmenting import make_changes
from pantile_workers.training.sampling import Draw, PatchIndex
from pantile_workers.training.tissue import LabelledTissue


class PatchDataset(Dataset[tuple[Tensor, Tensor]]):
    """The patches of a training by draw.

    Each is a (3, patch_px, patch_px) float32 normalised image and a (patch_px, patch_px) int64 class map.
    """

    def __init__(self, tissues: Sequence[LabelledTissue], index: PatchIndex, training: Training) -> None:
        self._tissues = tissues
        self._index = index
        self._patch_px = training.patch_px
        self._normalisation = training.card.normalisation
        self._seed = training.learning.seed
        self._changes = make_changes(training.augmentation)

    def __getitem__(self, draw: Draw) -> tuple[Tensor, Tensor]:
        """The patch of a draw, changed as its number has it."""
        number, top, left = (int(part) for part in self._index.corners[draw.patch])
        square = torch.from_numpy(self._tissues[number].cut(top, left, self._patch_px)).permute(2, 0, 1)
        image, truth = tv_tensors.Image(square[:3].contiguous()), tv_tensors.Mask(square[3:].contiguous())
        # torchvision's transforms know only torch's one source of random numbers: lent to this patch, then put back.
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(_seed_of(self._seed, draw.number))
            image, truth = self._changes(image, truth)
        return normalise(image, self._normalisation), truth.as_subclass(Tensor)[0].long()


def _seed_of(seed: int, number: int) -> int:
    return int(np.random.SeedSequence([seed, number]).generate_state(1, np.uint64)[0] >> np.uint64(1))


def normalise(images: Tensor, normalisation: Normalisation) -> Tensor:
    """(…, 3, height, width) uint8 images as float32, normalised per channel."""
    mean, std = (torch.tensor(part).view(3, 1, 1) for part in (normalisation.mean, normalisation.std))
    return (images.as_subclass(Tensor).float() / 255 - mean) / std

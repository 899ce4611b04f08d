"""What a network is trained on: crops of labelled images, turned, mirrored and stained anew each time."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.random import Generator
from torch import Tensor
from torch.utils.data import Dataset

from pantile.domain.class_maps import ClassMap, RgbImage
from pantile.domain.segmenters import Normalisation


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledImage:
    """A (height, width, 3) uint8 image at the network's mpp and its (height, width) uint8 class map."""

    image: RgbImage
    class_map: ClassMap

    def __post_init__(self) -> None:
        if self.image.shape != (*self.class_map.shape, 3):
            raise ValueError(f"an image {self.image.shape} and a class map {self.class_map.shape} do not match")


class CropDataset(Dataset[tuple[Tensor, Tensor]]):
    """`length` random crops of labelled images; crop i of a seed is always the same.

    Each is a (3, crop_px, crop_px) float32 normalised image and a (crop_px, crop_px) int64 class map.
    """

    def __init__(
        self, images: Sequence[LabelledImage], *, crop_px: int, length: int, seed: int, normalisation: Normalisation
    ) -> None:
        if not images or min(min(labelled.class_map.shape) for labelled in images) < crop_px:
            raise ValueError(f"training needs images of at least {crop_px} x {crop_px} pixels")
        self._images = images
        self._crop_px = crop_px
        self._length = length
        self._seed = seed
        self._normalisation = normalisation

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        """Crop `index`; raises IndexError beyond the last, which ends iteration."""
        if not 0 <= index < self._length:
            raise IndexError(index)
        rng = np.random.default_rng([self._seed, index])
        labelled = self._images[int(rng.integers(len(self._images)))]
        crop = turn(cut(labelled, crop_px=self._crop_px, rng=rng), rng)
        image = normalise(restain(crop.image, rng), self._normalisation)
        return image, torch.from_numpy(crop.class_map.astype(np.int64))


def cut(labelled: LabelledImage, *, crop_px: int, rng: Generator) -> LabelledImage:
    """A random square of the labelled image."""
    top, left = (int(rng.integers(length - crop_px + 1)) for length in labelled.class_map.shape)
    window = (slice(top, top + crop_px), slice(left, left + crop_px))
    return LabelledImage(image=labelled.image[window], class_map=labelled.class_map[window])


def turn(labelled: LabelledImage, rng: Generator) -> LabelledImage:
    """The square in one of its eight orientations: tissue has no upside."""
    turns, mirrored = int(rng.integers(4)), bool(rng.integers(2))
    image, class_map = np.rot90(labelled.image, turns), np.rot90(labelled.class_map, turns)
    if mirrored:
        image, class_map = image[:, ::-1], class_map[:, ::-1]
    return LabelledImage(image=image, class_map=class_map)


def restain(image: RgbImage, rng: Generator) -> RgbImage:
    """The image in another brightness, contrast and hue, as slides differ between scanners and laboratories."""
    level = np.linspace(0, 1, 256)[:, None]
    gamma = np.exp(rng.normal(0, 0.15) + rng.normal(0, 0.08, 3))
    gain, lift = rng.normal(1, 0.03, 3), rng.normal(0, 0.03)
    table = np.clip((level**gamma * gain + lift) * 255, 0, 255).astype(np.uint8)
    restained: RgbImage = np.stack([table[image[..., channel], channel] for channel in range(3)], axis=-1)
    return restained


def normalise(image: RgbImage, normalisation: Normalisation) -> Tensor:
    """(3, height, width) float32 tensor of the image, normalised per channel."""
    mean, std = (torch.tensor(part).view(3, 1, 1) for part in (normalisation.mean, normalisation.std))
    values = torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1))).float() / 255
    return (values - mean) / std

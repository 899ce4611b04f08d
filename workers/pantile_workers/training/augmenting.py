"""Augmentation: patches turned, mirrored and stained anew each time, by torchvision's transforms."""

from functools import partial
from io import BytesIO
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torchvision import tv_tensors
from torchvision.transforms import v2
from torchvision.transforms.v2 import functional

from pantile.domain.training import Augmentation


def make_changes(strength: Augmentation) -> v2.Compose:
    """What changes a patch's image and, where it is turned, its class map along; by torch's random numbers.

    The order is how images come about: the tissue lies as it may, is stained and lit, and the scanner adds noise and
    compresses.
    """
    right_angles = v2.RandomChoice([v2.RandomRotation((angle, angle)) for angle in (90, 180, 270)])
    light = {name: getattr(strength, name) for name in ("brightness", "contrast", "saturation", "hue")}
    by_chance = [
        v2.ColorJitter(**light) if any(light.values()) else None,
        v2.Lambda(partial(_change_gamma, strength.gamma), tv_tensors.Image) if strength.gamma else None,
        v2.GaussianNoise(sigma=strength.noise) if strength.noise else None,
        v2.Lambda(partial(_compress, strength.jpeg_quality), tv_tensors.Image) if strength.jpeg_quality < 100 else None,
    ]
    return v2.Compose(
        [
            v2.RandomHorizontalFlip(strength.flips),
            v2.RandomVerticalFlip(strength.flips),
            v2.RandomApply([right_angles], p=strength.turns),
            *(v2.RandomApply([change], p=strength.chance) for change in by_chance if change is not None),
        ]
    )


def _change_gamma(strength: float, image: Tensor) -> Any:
    exponent = torch.empty(()).uniform_(1 - strength, 1 + strength)
    return functional.adjust_gamma(image, float(exponent))


def _compress(lowest_quality: int, image: Tensor) -> Any:
    """The image as JPEG makes it; by Pillow, since torchvision gives up its own compression."""
    quality = int(torch.randint(lowest_quality, 101, ()))
    file = BytesIO()
    Image.fromarray(image.permute(1, 2, 0).numpy()).save(file, "JPEG", quality=quality)
    return tv_tensors.wrap(torch.from_numpy(np.array(Image.open(file))).permute(2, 0, 1).contiguous(), like=image)

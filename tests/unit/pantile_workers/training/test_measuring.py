"""An image of any size is measured whole, each pixel once."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from pantile.domain.segmenters import Normalisation, parse_card
from pantile_workers.training.demo_segmenters import SEGMENTERS
from pantile_workers.training.measuring import measure
from pantile_workers.training.tissue import LabelledTissue

PLAIN = Normalisation(mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0))
CARD = replace(parse_card((SEGMENTERS / "demo-nested.toml").read_text("utf-8")), patch_px=64, normalisation=PLAIN)


def red_is_the_class(patches: Tensor) -> Tensor:
    """A network whose class is the red value."""
    return torch.nn.functional.one_hot((patches[:, 0] * 255).round().long().clamp(max=4), 5).movedim(-1, 1).float()


@pytest.mark.parametrize("size", [(20, 30), (64, 64), (65, 200), (131, 97)])
def test_each_pixel_of_an_image_is_measured_once_where_it_lies(size: tuple[int, int]) -> None:
    class_map = np.random.default_rng(0).integers(0, 5, (*size, 1), dtype=np.uint8)
    pixels = np.repeat(class_map, 4, axis=2)
    tissue = LabelledTissue(name="n", case="c", digest="", pixels=pixels, class_pixels=(1, 1, 1, 1, 1))

    confusion = measure(red_is_the_class, [tissue], CARD, device=torch.device("cpu"), batch=3)

    assert confusion.sum() == size[0] * size[1]
    assert np.diag(confusion).sum() == confusion.sum()


def test_unknown_pixels_are_not_measured() -> None:
    pixels = np.zeros((64, 64, 4), np.uint8)
    pixels[:10, :, 3] = 255
    tissue = LabelledTissue(name="n", case="c", digest="", pixels=pixels, class_pixels=(1, 0, 0, 0, 0))

    confusion = measure(red_is_the_class, [tissue], CARD, device=torch.device("cpu"), batch=3)

    assert confusion.sum() == 54 * 64

"""A patch of a number is always the same, image and class map together."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torchvision import tv_tensors

from pantile.domain.training import Augmentation, Training
from pantile_workers.training.augmenting import make_changes
from pantile_workers.training.patches import PatchDataset
from pantile_workers.training.sampling import Draw, index_patches
from pantile_workers.training.tissue import LabelledTissue

MakeTraining = Callable[..., Training]

NOTHING = dict.fromkeys(("flips", "turns", "noise", "hue", "saturation", "contrast", "brightness", "gamma"), 0.0)
STILL = {**NOTHING, "chance": 1.0, "jpeg_quality": 100}


def make_patches(training: Training) -> PatchDataset:
    rng = np.random.default_rng(0)
    class_map = rng.integers(0, 5, (96, 96, 1), dtype=np.uint8)
    pixels = np.concatenate([np.repeat(class_map * 50, 3, axis=2), class_map], axis=2)
    tissue = LabelledTissue(name="n", case="c", digest="d", pixels=pixels, class_pixels=(1, 1, 1, 1, 1))
    return PatchDataset([tissue], index_patches([tissue], training), training)


def test_a_draw_gives_the_same_patch_each_time_whatever_came_before(make_training: MakeTraining) -> None:
    patches, again = make_patches(make_training()), make_patches(make_training())
    first = patches[Draw(7, 0)]
    torch.rand(3)
    again[Draw(8, 1)]

    second = again[Draw(7, 0)]

    assert torch.equal(first[0], second[0])
    assert torch.equal(first[1], second[1])


def test_draws_of_a_patch_differ_from_one_another_and_between_seeds(make_training: MakeTraining) -> None:
    patches, other = make_patches(make_training()), make_patches(make_training(learning={"seed": 1}))

    assert not torch.equal(patches[Draw(7, 0)][0], patches[Draw(8, 0)][0])
    assert not torch.equal(patches[Draw(7, 0)][0], other[Draw(7, 0)][0])


def test_drawing_leaves_torchs_random_numbers_as_they_were(make_training: MakeTraining) -> None:
    patches = make_patches(make_training())
    before = torch.random.get_rng_state()

    patches[Draw(7, 0)]

    assert torch.equal(torch.random.get_rng_state(), before)


def test_turning_keeps_image_and_class_map_together(make_training: MakeTraining) -> None:
    patches = make_patches(make_training(augmentation=STILL | {"flips": 0.5, "turns": 1.0}))
    mean, std = 0.485, 0.229

    drawn = [patches[Draw(number, 0)] for number in range(12)]

    for image, truth in drawn:
        assert torch.equal((image[0] * std + mean).mul(255).round().long() // 50, truth)
    assert len({tuple(truth[0].tolist()) for _, truth in drawn}) > 4


def test_without_strength_nothing_is_changed(make_training: MakeTraining) -> None:
    patches = make_patches(make_training(augmentation=STILL))

    assert torch.equal(patches[Draw(1, 0)][0], patches[Draw(2, 0)][0])


@pytest.mark.parametrize(
    "strength",
    [{"jpeg_quality": 10}, {"noise": 0.1}, {"hue": 0.2}, {"saturation": 0.9}, {"contrast": 0.9}, {"brightness": 0.9},
     {"gamma": 0.9}],
)  # fmt: skip
def test_each_change_of_colour_changes_the_image_alone(strength: dict[str, float]) -> None:
    changes = make_changes(Augmentation(**{**STILL, **strength}))  # type: ignore[arg-type]  # as a test may
    image = tv_tensors.Image(torch.randint(0, 256, (3, 32, 32), dtype=torch.uint8, generator=torch.manual_seed(0)))
    truth = tv_tensors.Mask(torch.randint(0, 5, (1, 32, 32), dtype=torch.uint8))

    changed, same = changes(image, truth)

    assert changed.dtype == torch.uint8
    assert not torch.equal(changed, image)
    assert torch.equal(same, truth)

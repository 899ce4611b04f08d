import hashlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

import pantile.local
from pantile.domain.segmenters import Normalisation, parse_card
from pantile.local.tissue import DEMO_SCHEME, Morphology, generate_region
from pantile_workers.training.dataset import CropDataset, LabelledImage, cut, restain, turn
from pantile_workers.training.demo_segmenters import demo_card, write_segmenter
from pantile_workers.training.train import (
    TrainingPlan,
    build_network,
    measure_dice,
    segmentation_loss,
    train_network,
)

SEGMENTERS = Path(pantile.local.__file__).parent / "segmenters"
CARD = demo_card(Morphology.NESTED)


@pytest.fixture(scope="module")
def labelled() -> LabelledImage:
    region = generate_region(Morphology.NESTED, seed=5, width_px=192, height_px=160, mpp=1.0)
    return LabelledImage(image=region.image, class_map=region.class_map)


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """Small networks lose more than they gain by threads that wait for one another on a busy machine."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def test_a_short_training_lowers_the_loss(labelled: LabelledImage) -> None:
    losses: list[float] = []

    train_network(
        CARD,
        [labelled],
        TrainingPlan(steps=12, crop_px=64, batch_size=4),
        report=lambda _, loss: losses.append(loss),
    )

    assert np.mean(losses[-3:]) < 0.85 * np.mean(losses[:3])


def test_a_plan_gives_the_same_weights_each_time(labelled: LabelledImage) -> None:
    plan = TrainingPlan(steps=2, crop_px=64, batch_size=2)

    network, again = (train_network(CARD, [labelled], plan) for _ in range(2))

    assert all(torch.equal(one, two) for one, two in zip(network.parameters(), again.parameters(), strict=True))


def test_a_plan_that_cannot_be_is_refused() -> None:
    with pytest.raises(ValueError, match="multiples of 32"):
        TrainingPlan(steps=1, crop_px=100)


def test_crops_of_a_seed_are_the_same_each_time_and_differ_from_one_another(labelled: LabelledImage) -> None:
    first, second = (
        CropDataset([labelled], crop_px=64, length=2, seed=1, normalisation=Normalisation()) for _ in range(2)
    )

    assert torch.equal(first[0][0], second[0][0])
    assert torch.equal(first[1][1], second[1][1])
    assert not torch.equal(first[0][0], first[1][0])
    assert (first[0][0].shape, first[0][1].shape) == ((3, 64, 64), (64, 64))


def test_images_smaller_than_a_crop_are_refused(labelled: LabelledImage) -> None:
    with pytest.raises(ValueError, match="at least 256"):
        CropDataset([labelled], crop_px=256, length=1, seed=1, normalisation=Normalisation())


def test_a_crop_keeps_image_and_class_map_together() -> None:
    rng = np.random.default_rng(0)
    class_map = rng.integers(0, 5, (40, 50), dtype=np.uint8)
    marked = LabelledImage(image=np.repeat(class_map[..., None], 3, axis=2), class_map=class_map)

    crops = [turn(cut(marked, crop_px=16, rng=rng), rng) for _ in range(20)]

    assert all(np.array_equal(crop.image[..., 1], crop.class_map) for crop in crops)


def test_an_image_and_a_class_map_of_other_sizes_are_refused() -> None:
    with pytest.raises(ValueError, match="do not match"):
        LabelledImage(image=np.zeros((4, 5, 3), np.uint8), class_map=np.zeros((5, 4), np.uint8))


def test_restaining_changes_colours_but_keeps_light_and_dark_apart() -> None:
    grey = np.repeat(np.array([[[40], [120], [230]]], dtype=np.uint8), 3, axis=2)

    restained = restain(grey, np.random.default_rng(3))

    assert not np.array_equal(restained, grey)
    assert np.all(np.diff(restained.astype(int), axis=1) > 20)


def test_the_loss_of_a_sure_and_right_answer_is_nearly_nothing() -> None:
    truth = torch.tensor([[[0, 1], [2, 1]]])
    sure = 20.0 * torch.nn.functional.one_hot(truth, 4).movedim(-1, 1).float()

    assert segmentation_loss(sure, truth).item() < 1e-3
    assert segmentation_loss(-sure, truth).item() > 10


def test_dice_is_zero_for_a_class_that_is_missed_and_nan_for_one_that_is_nowhere() -> None:
    sees_class_0 = torch.nn.Conv2d(3, 5, 1)
    torch.nn.init.zeros_(sees_class_0.weight)
    torch.nn.init.zeros_(sees_class_0.bias)  # type: ignore[arg-type]  # Conv2d's bias may be None, not here
    all_tumor = LabelledImage(image=np.zeros((8, 8, 3), np.uint8), class_map=np.ones((8, 8), np.uint8))

    dice = measure_dice(sees_class_0, [all_tumor], CARD)

    np.testing.assert_array_equal(dice, [0, 0, np.nan, np.nan, np.nan])


def test_a_written_segmenter_is_the_trained_one(tmp_path: Path) -> None:
    network = build_network(CARD)

    write_segmenter(tmp_path, Morphology.NESTED, network)

    weights = load_file(tmp_path / "demo-nested.safetensors")
    assert weights.keys() == network.state_dict().keys()
    assert all(torch.equal(weights[name], tensor) for name, tensor in network.state_dict().items())


@pytest.mark.parametrize("morphology", Morphology)
def test_the_demo_cards_speak_of_the_checkpoints_beside_them(morphology: Morphology) -> None:
    name = demo_card(morphology).name
    checkpoint = SEGMENTERS / f"{name}.safetensors"

    card = parse_card((SEGMENTERS / f"{name}.toml").read_text("utf-8"))

    assert card.checkpoint_sha256 == hashlib.sha256(checkpoint.read_bytes()).hexdigest()
    assert card == demo_card(morphology, sha256=card.checkpoint_sha256)
    assert card.scheme == DEMO_SCHEME
    assert checkpoint.stat().st_size < 2_500_000


@pytest.mark.parametrize("morphology", Morphology)
def test_a_demo_segmenter_finds_the_tumor_of_its_own_morphology(morphology: Morphology) -> None:
    card = demo_card(morphology)
    network = build_network(card)
    network.load_state_dict(load_file(SEGMENTERS / f"{card.name}.safetensors"))
    region = generate_region(morphology, seed=30_000, width_px=512, height_px=512, mpp=1.0)

    dice = measure_dice(network.eval(), [LabelledImage(image=region.image, class_map=region.class_map)], card)

    assert dice[1] > 0.85

"""The demo's segmenters are what their cards say, and do best at home; their trainings can be done again."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
import torch

from pantile.domain.confusion import dice_by_class
from pantile.domain.segmenters import parse_card
from pantile.local.tissue import DEMO_SCHEME, Morphology, generate_region
from pantile_workers.inference.checkpoints import load_network
from pantile_workers.training.commands import read_training
from pantile_workers.training.demo_segmenters import SEGMENTERS, demo_name, draw_tissue
from pantile_workers.training.measuring import measure
from pantile_workers.training.tissue import LabelledTissue


@pytest.mark.parametrize("morphology", Morphology)
def test_the_demo_cards_speak_of_the_checkpoints_beside_them(morphology: Morphology) -> None:
    checkpoint = SEGMENTERS / f"{demo_name(morphology)}.safetensors"

    card = parse_card(checkpoint.with_suffix(".toml").read_text("utf-8"))

    assert card.checkpoint_sha256 == hashlib.sha256(checkpoint.read_bytes()).hexdigest()
    assert card.scheme == DEMO_SCHEME
    assert checkpoint.stat().st_size < 2_500_000


@pytest.mark.parametrize("morphology", Morphology)
def test_a_demo_segmenter_finds_the_tumor_of_its_own_morphology(morphology: Morphology) -> None:
    checkpoint = SEGMENTERS / f"{demo_name(morphology)}.safetensors"
    card = parse_card(checkpoint.with_suffix(".toml").read_text("utf-8"))
    region = generate_region(morphology, seed=30_000, width_px=512, height_px=512, mpp=1.0)
    pixels = np.concatenate([region.image, region.class_map[..., None]], axis=-1)
    tissue = LabelledTissue(name="held out", case="c", digest="", pixels=pixels, class_pixels=(1, 1, 1, 1, 1))

    confusion = measure(load_network(card, checkpoint), [tissue], card, device=torch.device("cpu"), batch=1)

    tumor = dice_by_class(confusion)[1]
    assert tumor is not None
    assert tumor > 0.85


@pytest.mark.parametrize("morphology", Morphology)
def test_the_demo_s_trainings_find_the_tissue_that_is_drawn_for_them(morphology: Morphology, tmp_path: Path) -> None:
    training = read_training(SEGMENTERS / f"{demo_name(morphology)}.training.toml")

    draw_tissue(tmp_path, morphology, [1])

    assert [each.name for each in (tmp_path / "images").glob(training.tissue.images.split("/")[1])] == ["1.png"]
    assert (tmp_path / training.tissue.class_maps.replace("{stem}", "1")).exists()
    assert training.card.name == demo_name(morphology)

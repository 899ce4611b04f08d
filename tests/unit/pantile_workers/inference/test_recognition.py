"""The network is recognised by its tensors, whatever the card believes."""

import re
from collections.abc import Callable

import pytest
import segmentation_models_pytorch as smp
import torch
from torch import nn

from pantile.domain.errors import CheckpointRefused
from pantile.domain.segmenters import Card
from pantile_workers.inference.recognition import recognise
from pantile_workers.inference.weights import Weights

MakeCard = Callable[..., Card]


def _weights(architecture: str = "Unet", encoder: str = "resnet18", **fields: object) -> Weights:
    with torch.device("meta"):
        network: nn.Module = smp.create_model(architecture, encoder, encoder_weights=None, classes=4, **fields)
    return Weights(kind="state dict", tensors=network.state_dict())


@pytest.mark.parametrize("architecture", ["Unet", "UnetPlusPlus"])
@pytest.mark.parametrize(
    "encoder", ["timm-efficientnet-b0", "timm-efficientnet-b1", "efficientnet-b0", "efficientnet-b1", "resnet34"]
)
def test_architecture_and_encoder_are_told_from_the_tensors(
    architecture: str, encoder: str, make_card: MakeCard
) -> None:
    card = recognise(_weights(architecture, encoder), make_card()).card

    assert (card.architecture, card.encoder, card.decoder_channels) == (architecture, encoder, ())


@pytest.mark.parametrize("architecture", ["Unet", "UnetPlusPlus"])
def test_widths_and_depth_of_the_decoder_are_told_from_the_tensors(architecture: str, make_card: MakeCard) -> None:
    weights = _weights(architecture, decoder_channels=(32, 16, 8), encoder_depth=3)

    assert recognise(weights, make_card(encoder="resnet18")).card.decoder_channels == (32, 16, 8)


def test_the_name_that_a_whole_model_gives_itself_is_tried(make_card: MakeCard) -> None:
    plain = _weights(encoder="tu-mobilenetv3_small_050")
    named = Weights(kind="whole", tensors=plain.tensors, model_name="u-tu-mobilenetv3_small_050")

    assert recognise(named, make_card()).card.encoder == "tu-mobilenetv3_small_050"
    with pytest.raises(CheckpointRefused, match="none of smp's encoders"):
        recognise(plain, make_card())


def test_another_architecture_is_known_by_its_class(make_card: MakeCard) -> None:
    plain = _weights("FPN")
    whole = Weights(kind="whole", tensors=plain.tensors, network="FPN")

    assert recognise(whole, make_card(encoder="resnet18")).card.architecture == "FPN"


def test_encoders_that_have_become_timms_are_renamed(make_card: MakeCard) -> None:
    now = _weights(encoder="tu-regnety_002")
    before = {re.sub(r"^encoder\.model\.", "encoder.", name): tensor for name, tensor in now.tensors.items()}

    recognised = recognise(Weights(kind="state dict", tensors=before), make_card(encoder="timm-regnety_002"))

    assert recognised.card.encoder == "timm-regnety_002"
    assert recognised.tensors.keys() == now.tensors.keys()


def test_channels_that_are_not_the_cards_classes_are_refused_with_the_classes_needed(make_card: MakeCard) -> None:
    with pytest.raises(CheckpointRefused, match=r"needs 4 classes with the indices 0 to 3; it has 2 \(0 class 0"):
        recognise(_weights(), make_card(classes=2))


def test_tensors_without_a_segmentation_head_are_refused(make_card: MakeCard) -> None:
    with pytest.raises(CheckpointRefused, match="no network of segmentation-models-pytorch"):
        recognise(Weights(kind="state dict", tensors={"fc.weight": torch.ones(1)}), make_card())

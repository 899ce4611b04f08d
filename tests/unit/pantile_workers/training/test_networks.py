"""A network starts from random weights, an encoder's, or a whole segmenter's; what does not fit is refused."""

from collections.abc import Callable
from pathlib import Path

import pytest
import segmentation_models_pytorch as smp
import torch
from safetensors.torch import save_file
from torch import nn

from pantile.domain.errors import TrainingRefused
from pantile.domain.training import Training
from pantile_workers.training.networks import start_network

MakeTraining = Callable[..., Training]


def encoder_of(network: nn.Module) -> dict[str, torch.Tensor]:
    return network.get_submodule("encoder").state_dict()


def same(one: dict[str, torch.Tensor], two: dict[str, torch.Tensor]) -> bool:
    return one.keys() == two.keys() and all(torch.equal(one[name], two[name]) for name in one)


def test_a_seed_gives_the_same_weights_each_time(make_training: MakeTraining) -> None:
    one, two = (start_network(make_training()).network.state_dict() for _ in range(2))
    other = start_network(make_training(learning={"seed": 1})).network.state_dict()

    assert same(one, two)
    assert not same(one, other)


@pytest.mark.parametrize("prefix", ["", "encoder.", "model."])
def test_an_encoder_starts_from_a_local_file(make_training: MakeTraining, tmp_path: Path, prefix: str) -> None:
    torch.manual_seed(9)
    weights = smp.encoders.get_encoder("resnet18", weights=None, depth=3).state_dict()
    head = {f"{prefix}fc.weight": torch.zeros(1000, 512)}
    save_file({f"{prefix}{name}": tensor for name, tensor in weights.items()} | head, tmp_path / "e.safetensors")

    started = start_network(make_training(start={"encoder": str(tmp_path / "e.safetensors")}))

    assert same(encoder_of(started.network), weights)
    assert "e.safetensors" in started.origin


def test_timms_own_names_fit_timms_encoders(make_training: MakeTraining, tmp_path: Path) -> None:
    card = {"encoder": "tu-mobilenetv3_small_050", "decoder_channels": [16, 16, 8, 8, 8]}
    weights = encoder_of(start_network(make_training(card=card, learning={"seed": 5})).network)
    torch.save({name.removeprefix("model."): tensor for name, tensor in weights.items()}, tmp_path / "timm.pth")

    started = start_network(make_training(card=card, start={"encoder": str(tmp_path / "timm.pth")}))

    assert same(encoder_of(started.network), weights)


def test_weights_of_another_encoder_are_refused(make_training: MakeTraining, tmp_path: Path) -> None:
    save_file(smp.encoders.get_encoder("resnet34", weights=None).state_dict(), tmp_path / "other.safetensors")
    card = {"encoder": "resnet50"}

    with pytest.raises(TrainingRefused, match=r"other.safetensors has \d+ of the encoder's \d+ tensors"):
        start_network(make_training(card=card, start={"encoder": str(tmp_path / "other.safetensors")}))


def test_a_whole_segmenter_is_gone_on_from(make_training: MakeTraining, tmp_path: Path) -> None:
    weights = start_network(make_training(learning={"seed": 5})).network.state_dict()
    save_file(weights, tmp_path / "whole.safetensors")

    started = start_network(make_training(start={"checkpoint": str(tmp_path / "whole.safetensors")}))

    assert same(started.network.state_dict(), weights)


def test_a_segmenter_of_other_classes_gives_all_but_its_head(make_training: MakeTraining, tmp_path: Path) -> None:
    whole = start_network(make_training(learning={"seed": 5})).network.state_dict()
    whole = {name: tensor[:3].clone() if "segmentation_head" in name else tensor for name, tensor in whole.items()}
    save_file(whole, tmp_path / "three.safetensors")

    started = start_network(make_training(start={"checkpoint": str(tmp_path / "three.safetensors")}))

    assert same(encoder_of(started.network), {name[8:]: whole[name] for name in whole if name.startswith("encoder.")})
    assert "a new head" in started.origin


def test_a_missing_file_of_weights_is_named(make_training: MakeTraining) -> None:
    with pytest.raises(TrainingRefused, match=r"no file nowhere\.pth"):
        start_network(make_training(start={"encoder": "nowhere.pth"}))


@pytest.mark.parametrize("encoder", ["resnet19", "tu-resnet19"])
def test_an_unknown_encoder_is_named(make_training: MakeTraining, encoder: str) -> None:
    with pytest.raises(TrainingRefused, match=f"with the encoder {encoder} can be built"):
        start_network(make_training(card={"encoder": encoder}))

from collections.abc import Callable
from pathlib import Path

import pytest
import segmentation_models_pytorch as smp
import torch
from safetensors.torch import save_file

from pantile.domain.errors import SegmenterBroken
from pantile.domain.segmenters import Card
from pantile_workers.inference.checkpoints import load_network

MakeCard = Callable[..., Card]


def _save(path: Path, **fields: object) -> torch.nn.Module:
    settings = {"encoder_name": "timm-efficientnet-b0", "encoder_weights": None, "classes": 4} | fields
    network: torch.nn.Module = smp.Unet(**settings).eval()
    save_file(network.state_dict(), path)
    return network


def test_a_loaded_network_gives_the_logits_of_the_saved_one(make_card: MakeCard, tmp_path: Path) -> None:
    saved = _save(tmp_path / "w.safetensors")
    loaded = load_network(make_card(), tmp_path / "w.safetensors")
    image = torch.rand(1, 3, 64, 64)

    with torch.inference_mode():
        assert torch.equal(loaded(image), saved(image))


def test_a_loaded_network_is_in_eval_mode_without_gradients(make_card: MakeCard, tmp_path: Path) -> None:
    _save(tmp_path / "w.safetensors")

    network = load_network(make_card(), tmp_path / "w.safetensors")

    assert isinstance(network, torch.nn.Module)
    assert not any(module.training for module in network.modules())
    assert not any(parameter.requires_grad for parameter in network.parameters())


def test_the_decoder_is_as_wide_and_deep_as_the_card_says(make_card: MakeCard, tmp_path: Path) -> None:
    _save(tmp_path / "w.safetensors", decoder_channels=(32, 16, 8), encoder_depth=3)

    network = load_network(make_card(decoder_channels=(32, 16, 8)), tmp_path / "w.safetensors")

    assert network(torch.rand(1, 3, 64, 64)).shape == (1, 4, 64, 64)


def test_a_checkpoint_of_another_network_is_refused_in_one_sentence(make_card: MakeCard, tmp_path: Path) -> None:
    _save(tmp_path / "w.safetensors")

    with pytest.raises(SegmenterBroken, match=r"does not fit UnetPlusPlus .* tensors are missing, such as decoder"):
        load_network(make_card(architecture="UnetPlusPlus"), tmp_path / "w.safetensors")


def test_a_checkpoint_with_other_channels_is_refused(make_card: MakeCard, tmp_path: Path) -> None:
    _save(tmp_path / "w.safetensors")

    with pytest.raises(SegmenterBroken, match="2 tensors have another shape, such as segmentation_head"):
        load_network(make_card(classes=5), tmp_path / "w.safetensors")


@pytest.mark.parametrize("fields", [{"architecture": "Vnet"}, {"encoder": "resnet-9000"}])
def test_an_unknown_network_is_refused(make_card: MakeCard, tmp_path: Path, fields: dict[str, str]) -> None:
    with pytest.raises(SegmenterBroken, match="can be built"):
        load_network(make_card(**fields), tmp_path / "w.safetensors")


def test_a_pickle_is_refused_unread(make_card: MakeCard, tmp_path: Path) -> None:
    torch.save({"weight": torch.zeros(1)}, tmp_path / "w.safetensors")

    with pytest.raises(SegmenterBroken, match="not a readable safetensors file"):
        load_network(make_card(), tmp_path / "w.safetensors")


def test_a_missing_file_is_refused(make_card: MakeCard, tmp_path: Path) -> None:
    with pytest.raises(SegmenterBroken, match="not a readable safetensors file"):
        load_network(make_card(), tmp_path / "absent.safetensors")

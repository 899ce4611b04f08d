"""A network's tensors come out under the names of its state dict, however it was saved and wrapped."""

import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import segmentation_models_pytorch as smp
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from pantile.domain.errors import CheckpointRefused, CheckpointUnreadable
from pantile_workers.inference.weights import HEAD, read_weights


def make_network(**fields: object) -> nn.Module:
    torch.manual_seed(0)
    settings: dict[str, object] = {"encoder_name": "resnet18", "encoder_weights": None, "classes": 3} | fields
    network: nn.Module = smp.Unet(**settings).eval()
    return network


@pytest.fixture(scope="module")
def network() -> nn.Module:
    return make_network()


def _equal(found: dict[str, Tensor], network: nn.Module) -> bool:
    wanted = network.state_dict()
    return found.keys() == wanted.keys() and all(torch.equal(found[name], wanted[name]) for name in wanted)


def _rename_modules(path: Path, names: dict[bytes, bytes]) -> None:
    """Changes the names of modules in a saved pickle, so that it looks like one of an older release."""
    with zipfile.ZipFile(path) as file:
        content = {entry.filename: file.read(entry) for entry in file.infolist()}
    with zipfile.ZipFile(path, "w") as file:
        for name, part in content.items():
            for old, new in names.items():
                part = part.replace(old, new) if name.endswith("data.pkl") else part  # noqa: PLW2901 — one by one
            file.writestr(name, part)


class Lightning(nn.Module):
    """A training framework's module around a network, with a tensor of its own."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model
        self.loss = nn.CrossEntropyLoss(weight=torch.ones(3))


WRAPPINGS: dict[str, Callable[[nn.Module], object]] = {
    "whole": lambda network: network,
    "whole in DataParallel": nn.DataParallel,
    "whole in Sequential": lambda network: nn.Sequential(network, nn.Softmax2d()),
    "whole in a dictionary": lambda network: {"epoch": 3, "model": network},
    "whole in Lightning": Lightning,
    "state dict": lambda network: network.state_dict(),
    "state dict under state_dict": lambda network: {"epoch": 3, "state_dict": network.state_dict()},
    "state dict under model": lambda network: {"model": network.state_dict(), "optimizer": {"state": {}}},
    "state dict of DataParallel": lambda network: nn.DataParallel(network).state_dict(),
    "state dict of Lightning": lambda network: {"state_dict": Lightning(network).state_dict()},
    "state dict, both": lambda network: {"state_dict": {"model": nn.DataParallel(network).state_dict()}},
    "state dict of parameters": lambda network: network.state_dict(keep_vars=True),
}


@pytest.mark.parametrize("new_format", [True, False], ids=["zip", "legacy"])
@pytest.mark.parametrize("wrapping", WRAPPINGS)
def test_all_tensors_are_found(wrapping: str, new_format: bool, network: nn.Module, tmp_path: Path) -> None:
    path = tmp_path / "network.pth"
    torch.save(WRAPPINGS[wrapping](network), path, _use_new_zipfile_serialization=new_format)

    weights = read_weights(path)

    assert weights.kind == ("whole-model pickle" if wrapping.startswith("whole") else "state dict")
    assert _equal(dict(weights.tensors), network)


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_all_tensors_are_found_whatever_the_protocol(protocol: int, network: nn.Module, tmp_path: Path) -> None:
    torch.save(network, tmp_path / "network.pth", pickle_protocol=protocol)

    assert _equal(dict(read_weights(tmp_path / "network.pth").tensors), network)


def test_safetensors_are_read(network: nn.Module, tmp_path: Path) -> None:
    save_file(nn.DataParallel(network).state_dict(), tmp_path / "network.safetensors")

    weights = read_weights(tmp_path / "network.safetensors")

    assert weights.kind == "safetensors file"
    assert _equal(dict(weights.tensors), network)


def test_safetensors_are_known_even_where_they_begin_as_pickles_do(tmp_path: Path) -> None:
    path, padding = tmp_path / "network.safetensors", 0
    while not path.exists() or path.read_bytes()[:1] != b"\x80":
        save_file({HEAD: torch.ones(2)}, path, {"padding": "x" * padding})
        padding += 8

    assert read_weights(path).kind == "safetensors file"


def test_tensors_beside_the_network_are_left_out_and_counted(network: nn.Module, tmp_path: Path) -> None:
    torch.save(Lightning(network).state_dict(), tmp_path / "network.pth")

    assert read_weights(tmp_path / "network.pth").left_out == 1


def test_half_precision_and_integers_keep_their_type(tmp_path: Path) -> None:
    state = {HEAD: torch.ones(2, 3).half(), "count": torch.tensor(7), "wide": torch.ones(2).bfloat16(),
             "none": torch.empty(0)}  # fmt: skip
    torch.save(state, tmp_path / "network.pth")

    tensors = read_weights(tmp_path / "network.pth").tensors

    assert {name: tensor.dtype for name, tensor in tensors.items()} == {
        name: tensor.dtype for name, tensor in state.items()
    }
    assert tensors["count"].item() == 7


def test_buffers_that_are_not_saved_are_not_read(network: nn.Module, tmp_path: Path) -> None:
    with_buffer = make_network()
    with_buffer.get_submodule("decoder").register_buffer("passing", torch.ones(1), persistent=False)
    torch.save(with_buffer, tmp_path / "network.pth")

    assert _equal(dict(read_weights(tmp_path / "network.pth").tensors), network)


@pytest.mark.parametrize(
    ("names", "release"),
    [
        ({b".decoders.unet.": b".unet."}, "0.2 or older"),
        ({b"ctorch.nn.modules.pooling\n": b"ctimm.models.layers.pool\n"}, "0.3"),
        ({}, "0.3 or newer"),
    ],
)
def test_the_release_is_told_from_where_the_modules_were(
    names: dict[bytes, bytes], release: str, network: nn.Module, tmp_path: Path
) -> None:
    torch.save(network, tmp_path / "network.pth")
    _rename_modules(tmp_path / "network.pth", names)

    weights = read_weights(tmp_path / "network.pth")

    assert (weights.network, weights.smp_release) == ("Unet", release)
    assert _equal(dict(weights.tensors), network)


@pytest.mark.parametrize(
    ("activation", "name"),
    [
        (None, ""),
        ("softmax2d", "Softmax"),
        ("sigmoid", "Sigmoid"),
        ("logsoftmax", "LogSoftmax"),
        ("argmax2d", "ArgMax"),
    ],
)
def test_an_activation_at_the_end_is_recognised(activation: str | None, name: str, tmp_path: Path) -> None:
    torch.save(make_network(activation=activation), tmp_path / "network.pth")

    assert read_weights(tmp_path / "network.pth").activation == name


def test_an_activation_behind_the_network_is_recognised(network: nn.Module, tmp_path: Path) -> None:
    torch.save(nn.Sequential(network, nn.Softmax2d()), tmp_path / "network.pth")

    assert read_weights(tmp_path / "network.pth").activation == "Softmax2d"


@pytest.mark.parametrize("last", [nn.Softmax(dim=2), nn.Hardsigmoid()], ids=["other dimension", "unknown"])
def test_an_end_that_may_change_the_largest_class_is_refused(
    last: nn.Module, network: nn.Module, tmp_path: Path
) -> None:
    torch.save(nn.Sequential(network, last), tmp_path / "network.pth")

    with pytest.raises(CheckpointRefused, match=f"ends with {type(last).__name__}, which may change"):
        read_weights(tmp_path / "network.pth")


def test_a_file_without_tensors_is_refused(tmp_path: Path) -> None:
    torch.save({"epoch": 3}, tmp_path / "network.pth")

    with pytest.raises(CheckpointRefused, match="neither a network nor a state dict"):
        read_weights(tmp_path / "network.pth")


@pytest.mark.filterwarnings("ignore:torch.quantize_per_tensor")
def test_a_tensor_of_another_kind_is_named(tmp_path: Path) -> None:
    network = nn.Linear(2, 2)
    network.register_buffer("quantised", torch.quantize_per_tensor(torch.ones(2), 1.0, 0, torch.quint8))
    torch.save(network, tmp_path / "network.pth")

    with pytest.raises(CheckpointUnreadable, match="quantised"):
        read_weights(tmp_path / "network.pth")

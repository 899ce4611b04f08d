"""What authors of models have becomes a checkpoint with a card, with the same logits, or is refused."""

import hashlib
import json
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import segmentation_models_pytorch as smp
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import nn

from pantile.cards import load_shipped_cards
from pantile.domain.card_text import write_admission
from pantile.domain.errors import CheckpointRefused, FileRefused
from pantile.domain.segmenters import Admission, Card, CardFormat, EngineSettings, parse_card
from pantile_workers.inference.engine import Engine
from pantile_workers.inference.importing import ImportedCheckpoint, Probe, import_checkpoint, read_probe
from pantile_workers.inference.weights import Weights

MakeCard = Callable[..., Card]

COLON, LUNG = "smp021_efficientnet-b1_12", "smp031_timm-efficientnet-b0_13"
"""Whole-model pickles in the shared folder; their channels are those of the colon and the lung card."""


@pytest.fixture(scope="module")
def network() -> nn.Module:
    torch.manual_seed(0)
    built: nn.Module = smp.Unet("resnet18", encoder_weights=None, classes=4, activation="softmax2d").eval()
    return built


@pytest.fixture
def saved(network: nn.Module, tmp_path: Path) -> Path:
    torch.save(network, tmp_path / "network.pth")
    return tmp_path / "network.pth"


@pytest.fixture
def probe(network: nn.Module) -> Probe:
    inputs = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        return Probe(inputs=inputs.numpy(), expected=network(inputs).numpy())


def _import_shared(shared: Path, name: str, card: str, out: Path) -> ImportedCheckpoint:
    folder = shared / "checkpoints"
    probe = read_probe(folder / f"{name}_io.npz")
    return import_checkpoint(folder / f"{name}.pth", load_shipped_cards()[card], out=out, probe=probe)


@pytest.mark.parametrize(
    ("name", "card", "tensors", "encoder", "release"),
    [
        (COLON, "colon", 640, "efficientnet-b1", "0.2 or older"),
        (LUNG, "lung", 492, "timm-efficientnet-b0", "0.3"),
    ],
)
def test_a_real_pickle_of_an_old_release_gives_its_own_logits(
    name: str, card: str, tensors: int, encoder: str, release: str, shared: Path, tmp_path: Path
) -> None:
    imported = _import_shared(shared, name, card, tmp_path)

    assert isinstance(imported.source, Weights)
    assert len(imported.source.tensors) == tensors
    assert (imported.card.architecture, imported.card.encoder) == ("UnetPlusPlus", encoder)
    assert imported.card.trained_with == f"segmentation-models-pytorch {release}"
    # 1.6e-6 and 4.5e-7 on two processors; float32 convolutions may sum in another order on a third.
    assert imported.difference is not None
    assert imported.difference < 2e-5


def test_all_five_segmenters_of_the_study_live_in_one_process(shared: Path, tmp_path: Path) -> None:
    imported = [_import_shared(shared, COLON, "colon", tmp_path), _import_shared(shared, LUNG, "lung", tmp_path)]
    for name in ("breast", "kidney", "prostate"):
        card = load_shipped_cards()[name]
        network = smp.UnetPlusPlus(card.encoder, encoder_weights=None, classes=card.output_channels)
        torch.save(network, tmp_path / f"{name}.pth")
        imported.append(import_checkpoint(tmp_path / f"{name}.pth", card, out=tmp_path))

    with Engine(device="cpu") as engine:
        roi = engine.place(np.full((96, 64, 3), 200, dtype=np.uint8))
        for each in imported:
            segmenter = engine.load(replace(each.card, patch_px=64), partial(Path, each.checkpoint))
            class_map = engine.segment(roi, segmenter, EngineSettings(stride_px=48, margin_px=8)).class_map

            assert class_map.shape == (96, 64)
            assert class_map.max() < each.card.output_channels


def test_the_card_of_a_checkpoint_knows_its_digest_network_and_origin(
    saved: Path, make_card: MakeCard, tmp_path: Path
) -> None:
    imported = import_checkpoint(saved, make_card(notes="Of ours."), out=tmp_path / "out")

    written = parse_card(imported.card_file.read_text("utf-8"))
    assert written == imported.card
    assert written.checkpoint_sha256 == hashlib.sha256(imported.checkpoint.read_bytes()).hexdigest()
    assert (written.architecture, written.encoder) == ("Unet", "resnet18")
    assert written.runs_with == f"segmentation-models-pytorch {smp.__version__}"
    assert written.notes.startswith("Of ours.\nThe network ended with Softmax, which is left out")


def test_the_checkpoint_records_both_releases(saved: Path, make_card: MakeCard, tmp_path: Path) -> None:
    imported = import_checkpoint(saved, make_card(trained_with="a fork of ours 1.0"), out=tmp_path / "out")

    with safe_open(imported.checkpoint, framework="pt") as checkpoint:
        assert json.loads(checkpoint.metadata()["pantile"]) == {
            "trained_with": "a fork of ours 1.0",
            "runs_with": f"segmentation-models-pytorch {smp.__version__}",
        }


def test_importing_again_with_the_new_card_changes_nothing(saved: Path, make_card: MakeCard, tmp_path: Path) -> None:
    first = import_checkpoint(saved, make_card(), out=tmp_path / "out")
    before = {path: path.read_bytes() for path in (first.checkpoint, first.card_file)}

    second = import_checkpoint(saved, first.card, out=tmp_path / "out")

    assert second.card == first.card
    assert {path: path.read_bytes() for path in before} == before
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"small.safetensors", "small.toml"}


def test_a_safetensors_file_that_fits_keeps_its_digest(network: nn.Module, make_card: MakeCard, tmp_path: Path) -> None:
    save_file(network.state_dict(), tmp_path / "network.safetensors", {"made": "elsewhere"})

    imported = import_checkpoint(tmp_path / "network.safetensors", make_card(), out=tmp_path / "out")

    assert imported.checkpoint.read_bytes() == (tmp_path / "network.safetensors").read_bytes()


def test_values_are_compared_with_the_probe_behind_the_activation(
    saved: Path, probe: Probe, make_card: MakeCard, tmp_path: Path
) -> None:
    assert import_checkpoint(saved, make_card(), out=tmp_path / "out", probe=probe).difference == 0


@pytest.mark.parametrize("change", [1e-3, float("nan")])
def test_another_networks_values_are_refused_and_nothing_is_written(
    change: float, saved: Path, probe: Probe, make_card: MakeCard, tmp_path: Path
) -> None:
    other = replace(probe, expected=probe.expected + np.float32(change))

    with pytest.raises(CheckpointRefused, match="differ from the probe's by up to"):
        import_checkpoint(saved, make_card(), out=tmp_path / "out", probe=other)
    assert not (tmp_path / "out").exists()


def test_a_probe_of_another_shape_is_refused(saved: Path, probe: Probe, make_card: MakeCard, tmp_path: Path) -> None:
    with pytest.raises(CheckpointRefused, match="of the shape"):
        import_checkpoint(saved, make_card(), out=tmp_path, probe=replace(probe, expected=probe.expected[:, :2]))


def test_a_card_of_another_digest_is_refused(saved: Path, make_card: MakeCard, tmp_path: Path) -> None:
    with pytest.raises(CheckpointRefused, match="names the digest"):
        import_checkpoint(saved, make_card(checkpoint_sha256="0" * 64), out=tmp_path)


def test_weights_of_a_decoder_that_smp_builds_otherwise_are_refused(make_card: MakeCard, tmp_path: Path) -> None:
    network = smp.Unet("resnet18", encoder_weights=None, classes=4, decoder_attention_type="scse")
    torch.save(network.state_dict(), tmp_path / "network.pth")

    with pytest.raises(CheckpointRefused, match="tensors are unknown, such as decoder"):
        import_checkpoint(tmp_path / "network.pth", make_card(), out=tmp_path)


def test_another_file_is_not_overwritten(saved: Path, make_card: MakeCard, tmp_path: Path) -> None:
    (tmp_path / "small.toml").write_text("mine")

    with pytest.raises(FileRefused, match=r"small\.toml is there already"):
        import_checkpoint(saved, make_card(), out=tmp_path)
    assert not (tmp_path / "small.safetensors").exists()


@pytest.mark.parametrize(
    "arrays", [{"x": np.zeros((1, 3, 8, 8))}, {"x": np.zeros((8, 8)), "y": np.zeros((1, 2, 8, 8))},
               {"x": np.array([None]), "y": np.array([None])}],
)  # fmt: skip
def test_a_probe_that_is_none_is_refused(arrays: dict[str, np.ndarray], tmp_path: Path) -> None:
    np.savez(tmp_path / "probe.npz", allow_pickle=True, **arrays)

    with pytest.raises(FileRefused, match=r"probe\.npz"):
        read_probe(tmp_path / "probe.npz")


ADMISSION = Admission(agreement=0.999, pixels=1, arithmetic="bfloat16", tissue="noise")


def test_an_admission_outlives_an_import_of_the_same_checkpoint(
    saved: Path, make_card: MakeCard, tmp_path: Path
) -> None:
    first = import_checkpoint(saved, make_card(), out=tmp_path / "out")
    first.card_file.write_text(write_admission(first.card_file.read_text("utf-8"), ADMISSION), "utf-8")
    before = first.card_file.read_bytes()

    second = import_checkpoint(saved, make_card(), out=tmp_path / "out")

    assert second.card.admission == ADMISSION
    assert first.card_file.read_bytes() == before


def test_an_admission_of_another_checkpoint_is_not_taken_over(
    network: nn.Module, make_card: MakeCard, tmp_path: Path
) -> None:
    save_file(network.state_dict(), tmp_path / "network.safetensors")

    imported = import_checkpoint(tmp_path / "network.safetensors", make_card(admission=ADMISSION), out=tmp_path / "out")

    assert imported.card.admission is None


def test_an_onnx_file_keeps_its_bytes_and_puts_the_cards_format_right(
    write_onnx: Callable[..., bytes], make_card: MakeCard, tmp_path: Path
) -> None:
    (tmp_path / "network.onnx").write_bytes(write_onnx(classes=4))

    imported = import_checkpoint(tmp_path / "network.onnx", make_card(), out=tmp_path / "out")

    assert imported.checkpoint == tmp_path / "out" / "small.onnx"
    assert imported.checkpoint.read_bytes() == (tmp_path / "network.onnx").read_bytes()
    written = parse_card(imported.card_file.read_text("utf-8"))
    assert written == imported.card
    assert written.format is CardFormat.ONNX
    assert written.checkpoint_sha256 == hashlib.sha256(imported.checkpoint.read_bytes()).hexdigest()
    assert (written.trained_with, written.runs_with) == ("a hand", f"onnxruntime {onnxruntime.__version__}")


@pytest.mark.parametrize(("change", "is_refused"), [(0.0, False), (1e-3, True)])
def test_an_onnx_networks_values_are_compared_with_the_probe(
    change: float, is_refused: bool, write_onnx: Callable[..., bytes], make_card: MakeCard, tmp_path: Path
) -> None:
    (tmp_path / "network.onnx").write_bytes(write_onnx(classes=2))
    inputs = np.random.default_rng(0).random((2, 3, 64, 64), dtype=np.float32)
    red = inputs[:, :1] + np.float32(change)
    probe = Probe(inputs=inputs, expected=np.concatenate([np.zeros_like(red), red], axis=1))

    with pytest.raises(CheckpointRefused, match="differ from the probe's") if is_refused else nullcontext():
        import_checkpoint(tmp_path / "network.onnx", make_card(classes=2), out=tmp_path / "out", probe=probe)
    assert (tmp_path / "out").exists() is not is_refused


def test_an_onnx_file_of_other_classes_is_refused_and_nothing_is_written(
    write_onnx: Callable[..., bytes], make_card: MakeCard, tmp_path: Path
) -> None:
    (tmp_path / "network.onnx").write_bytes(write_onnx(classes=5))

    with pytest.raises(CheckpointRefused, match="so the card needs 5 classes"):
        import_checkpoint(tmp_path / "network.onnx", make_card(), out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_card_of_an_onnx_network_takes_no_weights(saved: Path, make_card: MakeCard, tmp_path: Path) -> None:
    with pytest.raises(CheckpointRefused, match="it is no ONNX file"):
        import_checkpoint(saved, make_card(format=CardFormat.ONNX), out=tmp_path / "out")

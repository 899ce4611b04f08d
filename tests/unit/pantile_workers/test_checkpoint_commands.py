"""`pantile checkpoints` as it is typed: what it says, and with which code it ends."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import segmentation_models_pytorch as smp
import torch
from PIL import Image
from safetensors.torch import save_file

from pantile.cli.app import main
from pantile.domain.segmenters import Precision, parse_card
from pantile_workers.inference.arithmetic import pick_dtype

CARD = """
# A card of ours.
name = "toy"
version = "1"
architecture = "Unet"
encoder = "timm-efficientnet-b0"
output_channels = 2
model_mpp = 1.0
patch_px = 64
licence = "CC0"

[[classes]]
index = 0
name = "glass"
group = "background"
simplified_rgb = [255, 255, 255]
detailed_rgb = [255, 255, 255]

[[classes]]
index = 1
name = "tumor"
group = "tumor"
simplified_rgb = [0, 0, 255]
detailed_rgb = [0, 0, 255]
"""

needs_16_bits = pytest.mark.skipif(
    pick_dtype(Precision.MIXED, torch.device("cpu")) is torch.float32,
    reason="needs a processor with bfloat16 arithmetic in hardware",
)


def run(*arguments: object) -> int:
    with pytest.raises(SystemExit) as ended:
        main([str(argument) for argument in arguments])
    assert isinstance(ended.value.code, int)
    return ended.value.code


class Attack:
    def __init__(self, marker: Path) -> None:
        self._marker = marker

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return subprocess.call, (["touch", str(self._marker)],)


def test_it_says_what_it_found_and_did(shared: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder, name = shared / "checkpoints", "smp021_efficientnet-b1_12"

    code = run("checkpoints", "import", folder / f"{name}.pth", "--card", "colon",
               "--probe", folder / f"{name}_io.npz", "--out", tmp_path)  # fmt: skip

    shown = capsys.readouterr().out
    card = parse_card((tmp_path / "colon.toml").read_text("utf-8"))
    assert code == 0
    assert "a whole-model pickle, trained with segmentation-models-pytorch 0.2 or older, 640 tensors" in shown
    assert "UnetPlusPlus with efficientnet-b1, 12 output channels; it runs with segmentation-models-pytorch" in shown
    assert "The card said UnetPlusPlus with timm-efficientnet-b0" in shown
    assert "agree with the probe's: the largest difference is" in shown
    assert f"{tmp_path / 'colon.safetensors'} (SHA-256 {card.checkpoint_sha256})" in shown


def test_a_card_of_other_classes_is_refused_with_the_classes_needed(
    shared: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    checkpoint = shared / "checkpoints" / "smp031_timm-efficientnet-b0_13.pth"

    assert run("checkpoints", "import", checkpoint, "--card", "breast", "--out", tmp_path) == 2
    assert "has 13 output channels, so the card needs 13 classes with the indices 0 to 12" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_a_pickle_that_would_run_code_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    torch.save({"state_dict": {"weight": torch.ones(1)}, "extra": Attack(tmp_path / "marker")}, tmp_path / "bad.pth")

    assert run("checkpoints", "import", tmp_path / "bad.pth", "--card", "lung", "--out", tmp_path) == 2
    assert "nothing in it was run: it asks for subprocess.call" in capsys.readouterr().err
    assert not (tmp_path / "marker").exists()


def test_a_file_that_is_not_there_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("checkpoints", "import", tmp_path / "none.pth", "--card", "lung") == 2
    assert "none.pth, No such file or directory" in capsys.readouterr().err


@pytest.fixture
def card(tmp_path: Path) -> Path:
    (tmp_path / "card.toml").write_text(CARD, "utf-8")
    return tmp_path / "card.toml"


@pytest.fixture
def tissue(tmp_path: Path) -> Path:
    """A folder of two images, 64 px a side at 1.0 mpp."""
    folder = tmp_path / "tissue"
    folder.mkdir()
    for seed in range(2):
        pixels = np.random.default_rng(seed).integers(60, 200, (256, 256, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{seed}.png")
    return folder


def _weights(path: Path, *, is_sure: bool) -> Path:
    """Weights of a network that is sure of class 1, or to which both classes look almost the same."""
    torch.manual_seed(0)
    network = smp.Unet("timm-efficientnet-b0", encoder_weights=None, classes=2)
    head = network.segmentation_head[0]
    with torch.no_grad():
        head.weight[1] = head.weight[0] * 1.0001
        head.bias[1] = 1000.0 if is_sure else 0.0
    save_file(network.state_dict(), path)
    return path


@needs_16_bits
def test_an_import_with_tissue_admits_to_mixed_precision(
    card: Path, tissue: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    weights = _weights(tmp_path / "toy.safetensors", is_sure=True)

    code = run("checkpoints", "import", weights, "--card", card, "--tissue", tissue, "--out", tmp_path / "out")

    admission = parse_card((tmp_path / "out" / "toy.toml").read_text("utf-8")).admission
    assert code == 0
    assert admission is not None
    assert (admission.agreement, admission.pixels) == (1.0, 2 * 64 * 64)
    assert admission.tissue == "2 images at 0.25 mpp, 0.png among them"
    assert (
        "bfloat16 gives the same class as float32 at 100.000 % of 8,192 pixels (8 patches of 2 images; the least "
        "100.000 %, 0.png): it is admitted to mixed precision."
    ) in capsys.readouterr().out


@needs_16_bits
def test_too_little_agreement_is_said_and_kept(
    card: Path, tissue: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    weights = _weights(tmp_path / "toy.safetensors", is_sure=False)
    run("checkpoints", "import", weights, "--card", card, "--out", tmp_path / "out")

    code = run("checkpoints", "admit", tmp_path / "out" / "toy.toml", "--tissue", tissue / "0.png", "--tissue-mpp", 0.5)

    admission = parse_card((tmp_path / "out" / "toy.toml").read_text("utf-8")).admission
    assert code == 0
    assert admission is not None
    assert not admission.is_granted
    assert admission.tissue == "0.png at 0.5 mpp"
    assert "less than 99.500 %, so that it runs in float32." in capsys.readouterr().out


def test_an_import_without_tissue_says_how_it_runs_until_when(
    card: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    weights = _weights(tmp_path / "toy.safetensors", is_sure=False)

    assert run("checkpoints", "import", weights, "--card", card, "--out", tmp_path / "out") == 0
    assert (
        f"It runs in float32 until `pantile checkpoints admit {tmp_path / 'out' / 'toy.toml'} --tissue …` has"
    ) in capsys.readouterr().out
    assert parse_card((tmp_path / "out" / "toy.toml").read_text("utf-8")).admission is None


def test_an_import_goes_on_where_nothing_can_be_measured(
    card: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    weights = _weights(tmp_path / "toy.safetensors", is_sure=True)
    Image.new("RGB", (256, 256), "white").save(tmp_path / "glass.png")

    code = run(
        "checkpoints", "import", weights, "--card", card, "--tissue", tmp_path / "glass.png", "--out", tmp_path / "out"
    )

    shown = capsys.readouterr()
    assert code == 0
    assert "Mixed precision cannot be measured: there is no tissue on these images" in shown.err
    assert "It runs in float32 until" in shown.out
    assert parse_card((tmp_path / "out" / "toy.toml").read_text("utf-8")).admission is None


def test_an_onnx_file_is_told_apart_and_keeps_its_own_arithmetic(
    card: Path, tissue: Path, tmp_path: Path, write_onnx: Callable[..., bytes], capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "toy.onnx").write_bytes(write_onnx())

    imported = run("checkpoints", "import", tmp_path / "toy.onnx", "--card", card, "--out", tmp_path / "out")
    admitted = run("checkpoints", "admit", tmp_path / "out" / "toy.toml", "--tissue", tissue)

    shown = capsys.readouterr()
    assert (imported, admitted) == (0, 2)
    assert "Read toy.onnx: an ONNX file of opset 20, made by a hand, 1 node." in shown.out
    assert "It has 2 output channels and takes any number of patches of 64 px; it runs with onnxruntime" in shown.out
    assert "It runs in the arithmetic of its own graph" in shown.out
    assert "Mixed precision cannot be measured: toy is an ONNX file" in shown.err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--tissue", "{folder}/none"], "there is no {folder}/none"),
        (["--tissue", "{folder}/empty"], "there is no image in {folder}/empty"),
        (["--tissue", "{folder}/tissue", "--tissue-mpp", "50"], "The mpp is not between 0.05 and 5"),
        (["--tissue", "{folder}/tissue", "--checkpoint", "{folder}/card.toml"], "the card names the digest"),
        (["--tissue", "{folder}/tissue"], "toy.safetensors, No such file"),
    ],
)
def test_a_measurement_that_cannot_be_made_is_refused_in_a_sentence(
    arguments: list[str], sentence: str, tissue: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "card.toml").write_text(CARD, "utf-8")
    (tmp_path / "toy.toml").write_text(f'{CARD}\n[checkpoint]\nsha256 = "{"1" * 64}"\n', "utf-8")

    filled = [argument.format(folder=tmp_path) for argument in arguments]

    assert run("checkpoints", "admit", tmp_path / "toy.toml", *filled) == 2
    assert sentence.format(folder=tmp_path) in capsys.readouterr().err
    assert parse_card((tmp_path / "toy.toml").read_text("utf-8")).admission is None

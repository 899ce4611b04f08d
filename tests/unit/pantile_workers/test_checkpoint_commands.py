"""`pantile checkpoints import` as it is typed: what it says, and with which code it ends."""

import subprocess
from pathlib import Path

import pytest
import torch

from pantile.cli.app import main
from pantile.domain.segmenters import parse_card


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

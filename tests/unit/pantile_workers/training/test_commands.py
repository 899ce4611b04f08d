"""`pantile train` as a user types it: checked, done, stopped, gone on with, refused in a sentence."""

import json
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pantile.cli import main
from pantile.domain.training import Training
from pantile.domain.training_text import place, write_training
from pantile.local.tissue import Morphology, generate_region

MakeTraining = Callable[..., Training]
Write = Callable[..., Path]

DOCS = Path(__file__).parents[4] / "docs"


@pytest.fixture
def write(make_training: MakeTraining, tmp_path: Path, tissue_folder: Path) -> Write:
    """Writes the small training as a file with a card beside it, and gives the file."""

    def write(extra: str = "", **sections: dict[str, Any]) -> Path:
        folder = tmp_path / "study"
        folder.mkdir(exist_ok=True)
        training = place(make_training(**sections), folder)
        assert training.tissue.folder == str(tissue_folder)
        for name, text in write_training(training, card_file="small.toml").items():
            (folder / name).write_text(text + (extra if name == "training.toml" else ""))
        return folder / "training.toml"

    return write


def run(*arguments: object) -> int:
    """The exit code of `pantile` with these arguments."""
    try:
        main([str(argument) for argument in arguments])
    except SystemExit as end:
        return int(end.code or 0)
    return 0


def test_a_training_says_what_it_does_and_where_its_segmenter_is(
    write: Write, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = run("train", write(), "--out", tmp_path / "out")

    said = capsys.readouterr().out
    assert code == 0
    assert "Training: 2 images of 2 cases (case-1, case-2)" in said
    assert "epoch 2 of 2: loss" in said
    assert f"pantile segmenters add {tmp_path}/out/small.toml --checkpoint {tmp_path}/out/small.safetensors" in said


def test_a_dry_run_checks_all_and_leaves_nothing(
    write: Write, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = run("train", write(), "--out", tmp_path / "out", "--dry-run")

    assert code == 0
    assert "2 epochs of 3 steps, 4 patches of 64 px at 1 mpp each." in capsys.readouterr().out
    assert not (tmp_path / "out").exists()


def test_what_a_folder_holds_is_gone_on_with_only_when_asked(
    write: Write, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = write()
    run("train", config, "--out", tmp_path / "out")
    before = (tmp_path / "out" / "small.safetensors").stat()
    capsys.readouterr()

    refused = run("train", config, "--out", tmp_path / "out")
    complaint = capsys.readouterr().err
    resumed = run("train", config, "--out", tmp_path / "out", "--resume")

    assert (refused, resumed) == (2, 0)
    assert "--resume goes on with it, --out names another folder" in complaint
    assert "Best after epoch" in capsys.readouterr().out
    assert (tmp_path / "out" / "small.safetensors").stat() == before


def test_ctrl_c_keeps_what_is_done_and_says_how_to_go_on(write: Write, tmp_path: Path) -> None:
    config = write(batches={"steps": 5}, learning={"epochs": 400})
    command = [sys.executable, "-m", "pantile", "train", str(config), "--out", str(tmp_path / "out")]
    training = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert training.stdout is not None
    said = iter(training.stdout.readline, "")
    next(line for line in said if line.startswith("epoch"))

    training.send_signal(signal.SIGINT)
    _, complaint = training.communicate(timeout=120)

    assert training.returncode == 130
    assert f"pantile train {config} --out {tmp_path / 'out'} --resume" in complaint
    assert (tmp_path / "out" / "last.safetensors").exists()


def test_a_sweep_runs_each_combination_and_compares_them(
    write: Write, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = write('\n[sweep]\nlearning_rate = [1e-3, 1e-2]\narchitecture = ["Unet", "UnetPlusPlus"]\n',
                   learning={"epochs": 1}, batches={"steps": 1})  # fmt: skip

    code = run("train", config, "--out", tmp_path / "out")
    first = capsys.readouterr().out
    again = run("train", config, "--out", tmp_path / "out", "--resume")

    table = (tmp_path / "out" / "sweep.csv").read_text().splitlines()
    reports = {path.parent.name: json.loads(path.read_text()) for path in tmp_path.glob("out/*/report.json")}
    assert (code, again) == (0, 0)
    assert len(table) == 1 + len(reports) == 5
    best_first = [float(line.split(",")[1]) for line in table[1:]]
    assert best_first == sorted(best_first, reverse=True)
    assert "learning_rate-0.01.architecture-UnetPlusPlus" in first
    assert len({report["version"] for report in reports.values()}) == 4
    assert "epoch" not in capsys.readouterr().out.replace("best_epoch", "").replace("after epoch", "")


def test_tissue_can_lie_elsewhere(
    write: Write, tissue_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = write()
    config.write_text(config.read_text().replace(str(tissue_folder), "/nowhere"))

    assert run("train", config, "--dry-run") == 2
    assert "there is no folder /nowhere" in capsys.readouterr().err
    assert run("train", config, "--dry-run", "--tissue", tissue_folder) == 0


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("card = ", "not valid TOML"),
        ("", "the key card is missing"),
        ('card = "nowhere"', "nowhere is neither a file nor one of the shipped cards"),
        ('card = "lung"', "the table [tissue] is missing"),
    ],
)
def test_a_file_that_cannot_be_is_refused_in_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, sentence: str
) -> None:
    (tmp_path / "training.toml").write_text(text)

    assert run("train", tmp_path / "training.toml") == 2
    assert sentence in capsys.readouterr().err


def test_the_example_of_the_documentation_is_a_training(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    example = re.search(r"```toml\n(.*?)```", (DOCS / "training.md").read_text("utf-8"), re.DOTALL)
    assert example is not None
    (tmp_path / "training.toml").write_text(example[1])
    for number in range(3):
        region = generate_region(Morphology.NESTED, seed=number, width_px=1200, height_px=1100, mpp=1.0)
        name = f"TCGA-A2-000{number}-01_roi"
        for folder, picture, suffix in (("images", region.image, "jpg"), ("masks", region.class_map, "png")):
            (tmp_path / "tissue" / folder).mkdir(parents=True, exist_ok=True)
            Image.fromarray(np.asarray(picture)).save(tmp_path / "tissue" / folder / f"{name}.{suffix}")

    code = run("train", tmp_path / "training.toml", "--dry-run")

    assert (code, capsys.readouterr().err) == (0, "")

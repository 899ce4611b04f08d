"""A run leaves a segmenter that the registry takes, and goes on from any step as if nothing had happened."""

import csv
import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from pantile.domain.errors import TrainingFailed, TrainingRefused
from pantile.domain.segmenters import parse_card
from pantile.domain.training import Training
from pantile_workers.inference.checkpoints import load_network
from pantile_workers.inference.importing import import_checkpoint
from pantile_workers.training.runs import Run, RunFolder
from pantile_workers.training.states import Epoch

MakeTraining = Callable[..., Training]
CPU = torch.device("cpu")


class Follower:
    """Notes what it is told."""

    def __init__(self) -> None:
        self.losses: list[float] = []
        self.epochs: list[Epoch] = []

    def on_step(self, step: int, loss: float) -> None:  # noqa: ARG002 — a watcher's
        self.losses.append(loss)

    def on_epoch(self, epoch: Epoch) -> None:
        self.epochs.append(epoch)


def begin(training: Training, folder: Path) -> Run:
    return Run(training, RunFolder(folder), device=CPU, on_image=lambda _done, _total: None)


def go_on(training: Training, folder: Path, *, steps: int = 1000) -> Follower:
    """Trains for so many steps at most, as a process of its own would."""
    follower = Follower()
    begin(training, folder).go_on(follower, is_enough=lambda: len(follower.losses) >= steps)
    return follower


def test_a_finished_run_leaves_a_segmenter_that_is_taken_as_it_is(make_training: MakeTraining, tmp_path: Path) -> None:
    go_on(make_training(), tmp_path)

    card = parse_card((tmp_path / "small.toml").read_text("utf-8"))
    checkpoint = tmp_path / "small.safetensors"
    assert card.checkpoint_sha256 == hashlib.sha256(checkpoint.read_bytes()).hexdigest()
    assert load_network(card, checkpoint)
    imported = import_checkpoint(checkpoint, card, out=tmp_path / "imported")
    assert imported.card.checkpoint_sha256 == card.checkpoint_sha256


def test_a_finished_run_reports_dice_and_confusion_of_validation_and_test(
    make_training: MakeTraining, tmp_path: Path
) -> None:
    go_on(make_training(), tmp_path)

    report = json.loads((tmp_path / "report.json").read_text())
    assert report["cases"] == {"training": ["case-1", "case-2"], "validation": ["case-3"], "test": ["case-4"]}
    assert set(report["validation"]["dice"]) == {"BACKGROUND", "TUMOR", "TUMOR STROMA", "NECROSIS", "OTHER"}
    assert sum(map(sum, report["test"]["confusion"])) == 160 * 128
    assert report["test"]["cases"]["case-4"]["tumor_dice"] == report["test"]["tumor_dice"]
    assert not (tmp_path / "tissue").exists()


def test_metrics_have_a_row_for_each_epoch(make_training: MakeTraining, tmp_path: Path) -> None:
    follower = go_on(make_training(), tmp_path)

    rows = list(csv.DictReader((tmp_path / "metrics.csv").open()))
    assert [row["epoch"] for row in rows] == ["1", "2"]
    assert [float(row["mean_dice"]) for row in rows] == pytest.approx(
        [epoch.mean_dice for epoch in follower.epochs], abs=1e-4
    )


def test_the_loss_falls(make_training: MakeTraining, tmp_path: Path) -> None:
    losses = go_on(make_training(learning={"epochs": 1}, batches={"steps": 20}), tmp_path).losses

    assert sum(losses[-4:]) < 0.85 * sum(losses[:4])


@pytest.mark.parametrize("optimiser", ["adamw", "sgd"])
@pytest.mark.parametrize("stops", [[1, 1, 1000], [3, 1000], [4, 1000]])
def test_a_run_that_was_stopped_ends_with_the_same_weights(
    make_training: MakeTraining, tmp_path: Path, stops: list[int], optimiser: str
) -> None:
    training = make_training(learning={"optimiser": optimiser})
    undisturbed = go_on(training, tmp_path / "undisturbed")

    disturbed = [go_on(training, tmp_path / "disturbed", steps=steps) for steps in stops]

    assert [loss for part in disturbed for loss in part.losses] == undisturbed.losses
    one, two = ((tmp_path / which / "small.safetensors").read_bytes() for which in ("undisturbed", "disturbed"))
    assert one == two
    assert _dice(tmp_path / "disturbed") == _dice(tmp_path / "undisturbed")


def _dice(folder: Path) -> list[str]:
    return [row["mean_dice"] for row in csv.DictReader((folder / "metrics.csv").open())]


def test_loaders_prepare_the_same_patches(make_training: MakeTraining, tmp_path: Path) -> None:
    here = go_on(make_training(), tmp_path / "here", steps=2)

    beside = go_on(make_training(learning={"loaders": 2}), tmp_path / "beside", steps=2)

    assert here.losses == beside.losses


@pytest.mark.parametrize("section", [{"learning": {"rate": 0.5}}, {"split": {"validation_cases": ["case-2"]}}])
def test_a_folder_of_another_training_is_refused(
    make_training: MakeTraining, tmp_path: Path, section: dict[str, dict[str, object]]
) -> None:
    go_on(make_training(), tmp_path, steps=1)

    with pytest.raises(TrainingRefused, match="holds another training"):
        begin(make_training(**section), tmp_path)


def test_a_loss_that_is_no_number_ends_the_training_with_advice(make_training: MakeTraining, tmp_path: Path) -> None:
    training = make_training(learning={"rate": 10.0, "optimiser": "sgd", "warm_up": 0.0}, batches={"steps": 200})

    with pytest.raises(TrainingFailed, match=r"a lower learning\.rate may help"):
        go_on(training, tmp_path)


def test_mixed_precision_learns_too(make_training: MakeTraining, tmp_path: Path) -> None:
    follower = go_on(make_training(learning={"precision": "mixed", "epochs": 1}), tmp_path)

    assert len(follower.epochs) == 1

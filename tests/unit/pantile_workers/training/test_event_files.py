"""TensorBoard, where it is installed, shows one curve of all epochs."""

from pathlib import Path

import pytest

from pantile.domain.segmenters import parse_card
from pantile_workers.training.demo_segmenters import SEGMENTERS
from pantile_workers.training.event_files import write_events
from pantile_workers.training.states import Epoch


def test_epochs_are_written_once_however_often(tmp_path: Path) -> None:
    accumulators = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    card = parse_card((SEGMENTERS / "demo-nested.toml").read_text("utf-8"))
    epochs = [
        Epoch(epoch=number, loss=1.0, rate=0.1, dice=(0.5, None, 0.5, 0.5, 0.5), mean_dice=number / 4, seconds=1.0)
        for number in (1, 2)
    ]

    for _ in range(2):
        write_events(tmp_path / "tensorboard", epochs, card)

    events = accumulators.EventAccumulator(str(tmp_path / "tensorboard"))
    events.Reload()
    assert [(event.step, event.value) for event in events.Scalars("dice/mean")] == [(1, 0.25), (2, 0.5)]
    assert "dice/TUMOR" not in events.Tags()["scalars"]

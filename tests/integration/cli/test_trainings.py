"""`pantile train --queue` and `pantile trainings`, as a user types them."""

from collections.abc import Callable
from pathlib import Path

import pytest

from pantile.catalog import outbox
from pantile.catalog.database import Database
from pantile.cli.app import main
from pantile.domain.training import Training
from pantile.domain.training_text import write_training
from pantile.settings import Settings
from pantile_workers.runtime import Runtime
from pantile_workers.trainings import train_segmenter
from tests.small_training import document, make_training, tissue_folder

__all__ = ["document", "make_training", "tissue_folder"]


def test_a_training_on_the_queue_is_asked_for_done_and_shown(
    settings: Settings,
    database: Database,
    web_url: str,
    quiet_service: None,
    make_training: Callable[..., Training],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def pantile(*arguments: object) -> str:
        with pytest.raises(SystemExit) as ended:
            main([*map(str, arguments), "--api", web_url])
        assert ended.value.code == 0
        return capsys.readouterr().out

    for name, text in write_training(make_training(), card_file="card.toml").items():
        (tmp_path / name).write_text(text)
    nothing = pantile("trainings", "list")
    asked = pantile("train", tmp_path / "training.toml", "--queue")
    again = pantile("train", tmp_path / "training.toml", "--queue")
    with database.transaction() as connection:
        (due,) = outbox.due_trainings(connection, limit=2)
    with Runtime(settings.model_copy(update={"device": "cpu"}), kind="train") as runtime:
        train_segmenter(runtime, due)
    capsys.readouterr()
    listed = pantile("trainings", "list")
    shown = pantile("trainings", "show", "1")
    cancelled = pantile("trainings", "cancel", "1")

    assert "There is no training yet" in nothing
    assert "Asked for training 1 of small 1, waiting." in asked
    assert "Already asked for: training 1" in again
    assert "succeeded" in listed
    assert "2 of 2" in listed
    assert "TUMOR STROMA" in shown
    assert "Nothing to cancel: training 1 of small 1 has succeeded." in cancelled
    assert "small" in pantile("segmenters", "list")

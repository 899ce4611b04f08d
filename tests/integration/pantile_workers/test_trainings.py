"""Trainings on the queue: done in slices by any worker, to the same weights as without interruption."""

import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import torch

from pantile.catalog import holdings, outbox, segmenters, trainings
from pantile.catalog.database import Database, Row
from pantile.coordinator.loop import run_coordinator
from pantile.coordinator.reconcile import reconcile
from pantile.domain.errors import TrainingRefused
from pantile.domain.training import Training
from pantile.domain.workers import WorkerKind
from pantile.objects import ObjectStore
from pantile.queue import Sender
from pantile.settings import Settings
from pantile_workers.leasing import NotDone
from pantile_workers.runtime import Runtime
from pantile_workers.training.runs import Run, RunFolder
from pantile_workers.training.states import Epoch
from pantile_workers.trainings import train_segmenter
from tests.small_training import document, make_training, tissue_folder
from tests.worker_process import start_worker

__all__ = ["document", "make_training", "tissue_folder"]

MakeTraining = Callable[..., Training]


class _Silent:
    def on_step(self, step: int, loss: float) -> None:
        pass

    def on_epoch(self, epoch: Epoch) -> None:
        pass


def undisturbed_sha256(training: Training, folder: Path) -> str:
    """The digest of the weights that an undisturbed training here ends with."""
    run = Run(training, RunFolder(folder), device=torch.device("cpu"), on_image=lambda _done, _total: None)
    run.go_on(_Silent(), is_enough=lambda: False)
    return run.progress.best_sha256


def add(database: Database, training: Training) -> int:
    with database.transaction() as connection:
        return trainings.add_training(connection, training, max_attempts=2, actor="test")[0]


def look(database: Database, training_id: int) -> Row:
    with database.transaction() as connection:
        return trainings.get_training(connection, training_id)


def registered(database: Database) -> list[str]:
    with database.transaction() as connection:
        return [each.card.checkpoint_sha256 for each in segmenters.list_segmenters(connection)]


def work(settings: Settings, database: Database, home: Path, **changes: Any) -> str:
    """Does what is due on the queue once, as a worker with a home of its own would."""
    own = settings.model_copy(update={"device": "cpu", "home": home, **changes})
    with database.transaction() as connection:
        due = outbox.due_trainings(connection, limit=1)
    with Runtime(own, kind="train") as runtime:
        try:
            return train_segmenter(runtime, due[0]) if due else "nothing due"
        except NotDone as error:
            return str(error)


def test_a_training_is_done_in_slices_by_several_workers_to_the_same_weights(
    settings: Settings, database: Database, make_training: MakeTraining, tmp_path: Path
) -> None:
    training_id = add(database, make_training())

    said = [work(settings, database, tmp_path / f"home-{n % 2}", train_slice_s=-1.0) for n in range(6)]

    assert said == [*(f"handed back after step {step} of 6" for step in range(1, 6)), "trained small 1"]
    row = look(database, training_id)
    assert (row["state"], row["attempt"], len(row["epochs"])) == ("succeeded", 6, 2)
    assert registered(database) == [undisturbed_sha256(make_training(), tmp_path / "undisturbed")]


def test_the_state_lies_in_the_bucket_until_the_segmenter_is_there(
    settings: Settings, database: Database, objects: ObjectStore, make_training: MakeTraining, tmp_path: Path
) -> None:
    training_id = add(database, make_training(batches={"steps": 1}))
    work(settings, database, tmp_path, train_slice_s=-1.0)
    with database.transaction() as connection:
        before = holdings.find_unknown(connection, list(objects.keys("trainings/")))

    work(settings, database, tmp_path)

    with database.transaction() as connection:
        after = holdings.find_unknown(connection, list(objects.keys("trainings/")))
    assert (len(before), len(after)) == (0, 2)
    assert look(database, training_id)["state"] == "succeeded"
    assert not (tmp_path / "trainings" / str(training_id)).exists()


def test_a_cancelled_training_stops_and_goes_on_when_it_is_asked_for_again(
    settings: Settings, database: Database, make_training: MakeTraining, tmp_path: Path
) -> None:
    training_id = add(database, make_training())
    work(settings, database, tmp_path, train_slice_s=-1.0)
    with database.transaction() as connection:
        trainings.cancel_training(connection, training_id, actor="test")

    cancelled = work(settings, database, tmp_path)
    again = add(database, make_training())
    finished = work(settings, database, tmp_path)

    assert (cancelled, finished) == ("nothing due", "trained small 1")
    assert again == training_id


def test_a_worker_whose_training_is_cancelled_meanwhile_stops(
    settings: Settings, database: Database, make_training: MakeTraining, tmp_path: Path
) -> None:
    training_id = add(database, make_training(batches={"steps": 100_000}))
    hasty = settings.model_copy(update={"lease_s": 0.3})

    def cancel_soon() -> None:
        while look(database, training_id)["state"] != "running":
            time.sleep(0.05)
        with database.transaction() as connection:
            trainings.cancel_training(connection, training_id, actor="test")

    canceller = threading.Thread(target=cancel_soon)
    canceller.start()
    said = work(hasty, database, tmp_path)
    canceller.join()

    assert "somebody else owns it now" in said
    assert look(database, training_id)["state"] == "cancelled"


@pytest.mark.parametrize(
    ("sections", "sentence"),
    [
        ({"tissue": {"folder": "/nowhere"}}, "there is no folder /nowhere"),
        ({"split": {"validation_cases": ["case-9"]}}, "there is no case case-9"),
        ({"card": {"encoder": "resnet19"}}, "with the encoder resnet19 can be built"),
    ],
)
def test_what_cannot_be_trained_fails_at_once_with_its_sentence(
    settings: Settings,
    database: Database,
    make_training: MakeTraining,
    tmp_path: Path,
    sections: dict[str, Any],
    sentence: str,
) -> None:
    training_id = add(database, make_training(**sections))

    work(settings, database, tmp_path)

    row = look(database, training_id)
    assert row["state"] == "failed"
    assert sentence in row["error"]


def test_tissue_outside_the_folder_allowed_is_not_read(
    settings: Settings, database: Database, make_training: MakeTraining, tmp_path: Path
) -> None:
    training_id = add(database, make_training())

    work(settings, database, tmp_path, train_folder=str(tmp_path))

    assert "not below the folder that train workers may read" in look(database, training_id)["error"]


def test_asked_for_twice_it_is_done_once(database: Database, make_training: MakeTraining) -> None:
    first, second = add(database, make_training()), add(database, make_training())

    assert first == second


def test_a_name_and_version_that_are_taken_are_refused_before_any_training(
    settings: Settings, database: Database, make_training: MakeTraining, tmp_path: Path
) -> None:
    add(database, make_training())
    with pytest.raises(TrainingRefused, match="another training makes small 1"):
        add(database, make_training(learning={"seed": 3}))
    assert work(settings, database, tmp_path) == "trained small 1"

    with pytest.raises(TrainingRefused, match="small 1 is registered already"):
        add(database, make_training(learning={"seed": 3}))


def test_a_worker_that_is_told_to_stop_hands_its_training_back(
    settings: Settings, database: Database, make_training: MakeTraining, tmp_path: Path
) -> None:
    training_id = add(database, make_training(batches={"steps": 100_000}))
    with database.transaction() as connection:
        (due,) = outbox.due_trainings(connection, limit=1)

    with Runtime(settings.model_copy(update={"device": "cpu", "home": tmp_path}), kind="train") as runtime:
        threading.Timer(1.0, runtime.stopping.set).start()
        said = train_segmenter(runtime, due)

    assert said.startswith("handed back after")
    assert (look(database, training_id)["state"], look(database, training_id)["error"]) == ("waiting", None)


@contextmanager
def coordinating(settings: Settings) -> Iterator[None]:
    """A coordinator inside the block."""
    stop, ready = threading.Event(), threading.Event()
    thread = threading.Thread(target=lambda: run_coordinator(settings, stop=stop, on_ready=ready.set))
    thread.start()
    try:
        assert ready.wait(30)
        yield
    finally:
        stop.set()
        thread.join(30)


def start_train_worker(settings: Settings, home: Path) -> subprocess.Popen[bytes]:
    """`pantile worker train` as a process of its own."""
    return start_worker(
        settings.model_copy(update={"home": home, "device": "cpu", "train_slice_s": 2.0}), WorkerKind.TRAIN
    )


def wait_until(holds: Callable[[], bool], *, patience_s: float = 150.0) -> None:
    deadline = time.monotonic() + patience_s
    while not holds():
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.1)


def test_a_killed_worker_s_training_is_finished_by_another_with_the_same_weights(
    settings: Settings, database: Database, make_training: MakeTraining, tmp_path: Path
) -> None:
    training = make_training(batches={"steps": 25}, learning={"epochs": 4})
    training_id = add(database, training)
    with coordinating(settings):
        victim = start_train_worker(settings, tmp_path / "victim")
        wait_until(lambda: len(look(database, training_id)["epochs"]) >= 1)
        wait_until(lambda: look(database, training_id)["state"] == "running")
        victim.send_signal(signal.SIGKILL)
        victim.wait()
        heir = start_train_worker(settings, tmp_path / "heir")
        try:
            wait_until(lambda: look(database, training_id)["state"] == "succeeded")
        finally:
            heir.terminate()
            heir.wait(60)

    row = look(database, training_id)
    assert [epoch["epoch"] for epoch in row["epochs"]] == [1, 2, 3, 4]
    assert registered(database) == [undisturbed_sha256(training, tmp_path / "undisturbed")]


def test_a_training_whose_worker_went_silent_waits_again(
    settings: Settings, database: Database, sender: Sender, make_training: MakeTraining, tmp_path: Path
) -> None:
    training_id = add(database, make_training())
    with database.transaction() as connection:
        trainings.claim_training(connection, training_id, worker="w", token=uuid4(), lease_s=-1)

    reconcile(database, sender, stale_s=300)

    assert look(database, training_id)["state"] == "waiting"
    assert work(settings, database, tmp_path) == "trained small 1"


def test_a_state_on_this_disk_that_was_tampered_with_gives_way_to_the_bucket_s(
    settings: Settings, database: Database, make_training: MakeTraining, tmp_path: Path
) -> None:
    training_id = add(database, make_training(batches={"steps": 1}))
    work(settings, database, tmp_path, train_slice_s=-1.0)
    best = tmp_path / "trainings" / str(training_id) / "best.safetensors"
    best.write_bytes(best.read_bytes()[:-4] + bytes(4))

    work(settings, database, tmp_path)

    undisturbed = undisturbed_sha256(make_training(batches={"steps": 1}), tmp_path / "undisturbed")
    assert registered(database) == [undisturbed]


def test_what_a_disk_holds_of_trainings_that_have_ended_is_removed(
    settings: Settings, database: Database, make_training: MakeTraining, tmp_path: Path
) -> None:
    training_id = add(database, make_training())
    work(settings, database, tmp_path, train_slice_s=-1.0)
    with database.transaction() as connection:
        trainings.cancel_training(connection, training_id, actor="test")
    add(database, make_training(learning={"seed": 3}))

    work(settings, database, tmp_path)

    assert list((tmp_path / "trainings").iterdir()) == []


def test_a_disk_that_cannot_be_written_is_not_the_end_of_a_training(
    settings: Settings, database: Database, make_training: MakeTraining, tmp_path: Path
) -> None:
    training_id = add(database, make_training())
    (tmp_path / "trainings").write_text("in the way")

    work(settings, database, tmp_path)

    assert look(database, training_id)["state"] == "waiting"

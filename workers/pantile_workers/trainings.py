"""Trainings of a train worker: one is claimed, gone on with for a slice, and handed back with its state or finished.

A slice is shorter than the queue's visibility timeout, and what it left is in the bucket: any train worker that reaches
the tissue goes on with it, step for step as if it had never been interrupted.
"""

import shutil
import time
from dataclasses import asdict
from functools import partial
from pathlib import Path
from uuid import uuid4

from pantile.catalog import trainings
from pantile.catalog.leases import Lease
from pantile.catalog.trainings import ClaimedTraining, KeptFile
from pantile.domain.errors import InputRefused, TrainingFailed
from pantile.domain.messages import TrainSegmenter
from pantile.domain.segmenters import parse_card
from pantile.logs import log
from pantile.objects import StoredObject
from pantile_workers.inference.devices import pick_device
from pantile_workers.leasing import attempt
from pantile_workers.runtime import Runtime
from pantile_workers.training.runs import Run, RunFolder
from pantile_workers.training.states import Epoch, has_best, read_progress

_MEDIA_TYPE = "application/octet-stream"


def train_segmenter(runtime: Runtime, message: TrainSegmenter) -> str:
    """Does the next slice of the training that the message names.

    Raises:
        NotDone: it was not done; its row says why and what follows.
    """
    with runtime.solitude.alone():
        with runtime.database.transaction() as connection:
            claimed = trainings.claim_training(
                connection,
                message.training_id,
                worker=runtime.name,
                token=uuid4(),
                lease_s=runtime.settings.lease_s,
            )
        if claimed is None:
            return "nothing to do"
        with runtime.leases.holding([claimed.lease]):
            return attempt(runtime.leases, claimed.lease, partial(_do_slice, runtime, claimed))


class _Slice:
    """The time that a worker has for a training until it hands it back; it follows the training meanwhile."""

    def __init__(self, runtime: Runtime, lease: Lease) -> None:
        self._runtime = runtime
        self._lease = lease
        self._ends_at = time.monotonic() + runtime.settings.train_slice_s

    def is_over(self) -> bool:
        """Whether the time is up, or the worker is to stop."""
        return self._runtime.stopping.is_set() or time.monotonic() > self._ends_at

    def on_step(self, step: int, loss: float) -> None:  # noqa: ARG002 — a watcher's
        """A step is done; raises `LeaseLost`, as after a cancellation."""
        self._runtime.leases.check(self._lease)

    def on_epoch(self, epoch: Epoch) -> None:
        """An epoch is done, and noted for people to see."""
        log.info("epoch done", training_id=self._lease.row_id, **asdict(epoch))
        with self._runtime.database.transaction() as connection:
            trainings.note_epoch(connection, self._lease, asdict(epoch))


def _do_slice(runtime: Runtime, claimed: ClaimedTraining) -> str:
    lease, device = claimed.lease, pick_device(runtime.settings.device)
    runtime.note_device(device)
    home = runtime.settings.home / "trainings"
    folder = RunFolder(home / str(lease.row_id))
    _tidy(runtime, home)
    try:
        _check_reach(claimed, runtime.settings.train_folder)
        _restore(runtime, claimed, folder)
        run = Run(claimed.training, folder, device=device, on_image=lambda _done, _total: runtime.leases.check(lease))
        # The time begins here: however long reading took, each slice learns something.
        slice_ = _Slice(runtime, lease)
        if run.go_on(slice_, is_enough=slice_.is_over):
            return _finish(runtime, lease, run)
    except InputRefused as error:
        raise TrainingFailed(error.detail) from error
    return _hand_back(runtime, lease, run)


def _tidy(runtime: Runtime, home: Path) -> None:
    """Removes what this worker's disk holds of trainings that have ended, here or elsewhere."""
    home.mkdir(parents=True, exist_ok=True)
    with runtime.database.transaction() as connection:
        is_open = trainings.list_open(connection)
    for folder in home.iterdir():
        if not (folder.name.isdecimal() and int(folder.name) in is_open):
            shutil.rmtree(folder)


def _check_reach(claimed: ClaimedTraining, allowed: str) -> None:
    """Raises `TrainingFailed` for paths that are not below the folder that this worker's owner allows."""
    training = claimed.training
    for path in filter(None, (training.tissue.folder, training.start.encoder, training.start.checkpoint)):
        if allowed and not Path(path).resolve().is_relative_to(Path(allowed).resolve()):
            raise TrainingFailed(f"{path} is not below the folder that train workers may read")


def _restore(runtime: Runtime, claimed: ClaimedTraining, folder: RunFolder) -> None:
    """Puts the state from the bucket in place, unless this worker's own is as far."""
    own = read_progress(folder.places.last) if folder.has_begun else None
    if own is not None and own.step >= claimed.step and has_best(own, folder.places.best):
        return
    folder.places.last.unlink(missing_ok=True)
    folder.path.mkdir(parents=True, exist_ok=True)
    for kept, path in ((claimed.best, folder.places.best), (claimed.last, folder.places.last)):
        if kept is not None:
            path.write_bytes(runtime.objects.get(kept.key, sha256=kept.sha256))


def _hand_back(runtime: Runtime, lease: Lease, run: Run) -> str:
    last, best = (_keep(runtime, path) for path in (run.folder.places.last, run.folder.places.best))
    with runtime.database.transaction() as connection:
        held = trainings.hand_back(connection, lease, step=run.progress.step, last=last, best=best)
    return f"handed back after step {run.progress.step} of {run.all_steps}" if held else "lease lost"


def _keep(runtime: Runtime, path: Path) -> KeptFile | None:
    if not path.exists():
        return None
    stored = _put(runtime, "trainings", path)
    return KeptFile(key=stored.key, sha256=stored.sha256)


def _put(runtime: Runtime, prefix: str, path: Path) -> StoredObject:
    return runtime.objects.put_named(prefix, path.read_bytes(), suffix=".safetensors", media_type=_MEDIA_TYPE)


def _finish(runtime: Runtime, lease: Lease, run: Run) -> str:
    checkpoint = run.folder.checkpoint(run.training.card)
    card = parse_card(checkpoint.with_suffix(".toml").read_text("utf-8"))
    stored = _put(runtime, "checkpoints", checkpoint)
    with runtime.database.transaction() as connection:
        held = trainings.finish_training(
            connection,
            lease,
            card,
            checkpoint_key=stored.key,
            checkpoint_bytes=stored.bytes,
            report=run.folder.read_report(),
        )
    shutil.rmtree(run.folder.path)
    log.info("segmenter trained", training_id=lease.row_id, segmenter=card.name, version=card.version, held=held)
    return f"trained {card.name} {card.version}" if held else "lease lost"

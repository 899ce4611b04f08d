"""Runs: one training in one folder, from its first file to its segmenter, interrupted and resumed at will."""

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from pantile.domain.card_text import write_card
from pantile.domain.errors import FileRefused, TrainingRefused
from pantile.domain.segmenters import Card
from pantile.domain.training import Training
from pantile.domain.training_text import write_training
from pantile_workers.inference.checkpoints import load_network
from pantile_workers.training.event_files import write_events
from pantile_workers.training.learning import Learner, Places, Watcher
from pantile_workers.training.preparing import Prepared, prepare
from pantile_workers.training.results import admit, finished_card, measure_parts, report, write_metrics
from pantile_workers.training.states import Epoch, Progress, has_best, read_progress

OnImage = Callable[[int, int], None]
"""Told how many images, of how many, are read."""


@dataclass(frozen=True, slots=True)
class RunFolder:
    """The files of one run, below one folder."""

    path: Path

    @property
    def places(self) -> Places:
        """The last state and the best weights."""
        return Places(last=self.path / "last.safetensors", best=self.path / "best.safetensors")

    @property
    def tissue(self) -> Path:
        """The tissue at the segmenter's mpp, while it is needed."""
        return self.path / "tissue"

    @property
    def report(self) -> Path:
        """What is written last: a run that has it is finished."""
        return self.path / "report.json"

    @property
    def has_begun(self) -> bool:
        """Whether there is something to go on from."""
        return self.places.last.exists()

    @property
    def is_finished(self) -> bool:
        """Whether its segmenter is there."""
        return self.report.exists()

    def checkpoint(self, card: Card) -> Path:
        """The finished segmenter's weights; its card lies beside them."""
        return self.path / f"{card.name}.safetensors"

    def read_report(self) -> dict[str, Any]:
        """The report of a finished run; raises `FileRefused`."""
        try:
            told: dict[str, Any] = json.loads(self.report.read_text("utf-8"))
        except (OSError, ValueError) as error:
            raise FileRefused(f"{self.report}, {error}") from error
        return told


class Run:
    """A training that is prepared in its folder; what it did there before, it goes on from.

    Raises:
        TrainingRefused: it cannot begin, or what the folder holds is of another training or other tissue.
        OSError: the folder cannot be written.
    """

    def __init__(self, training: Training, folder: RunFolder, *, device: torch.device, on_image: OnImage) -> None:
        self.training = training
        self.folder = folder
        self._device = device
        known = read_progress(folder.places.last) if folder.has_begun else None
        self.prepared = prepare(training, folder.tissue, on_image=on_image)
        _check_same(known, self.prepared, folder)
        self._write(write_training(training, card_file="card.toml"))
        self._learner = Learner(training, self.prepared, folder.places, device=device)

    @property
    def progress(self) -> Progress:
        """Where it stands."""
        return self._learner.progress

    @property
    def all_steps(self) -> int:
        """The steps of all its epochs."""
        return self.prepared.steps * self.training.learning.epochs

    def go_on(self, watcher: Watcher, *, is_enough: Callable[[], bool]) -> bool:
        """Trains until it is done or enough, and gives whether it is done; its segmenter is written then.

        Raises:
            TrainingFailed: the loss is no number any more.
            OSError: its folder cannot be written.
        """
        self._learner.learn(_Chronicler(self, watcher), is_enough=is_enough)
        if self._learner.is_done:
            self._finish()
        return self._learner.is_done

    def write_metrics(self) -> None:
        """Writes all epochs so far, so that no file tells of one that the state does not know."""
        epochs, card = self.progress.epochs, self.training.card
        self._write({"metrics.csv": write_metrics(epochs, card)})
        write_events(self.folder.path / "tensorboard", epochs, card)

    def _finish(self) -> None:
        card = self.training.card
        best = load_network(card, self.folder.places.best, self._device)
        measured = measure_parts(best, self.training, self.prepared, device=self._device)
        checkpoint = self.folder.checkpoint(card)
        shutil.copyfile(self.folder.places.best, checkpoint)
        plain = finished_card(self.training, self.progress.best_sha256)
        admission = admit(
            plain, checkpoint, self.prepared.validation, device=self._device, threads=self.progress.threads
        )
        finished = replace(plain, admission=admission)
        told = report(self.training, self.prepared, self.progress, measured, device=self._device)
        self._write({f"{card.name}.toml": write_card(finished), self.folder.report.name: json.dumps(told, indent=1)})
        shutil.rmtree(self.folder.tissue)

    def _write(self, texts: Mapping[str, str]) -> None:
        for name, text in texts.items():
            part = self.folder.path / f".{name}.part"
            part.write_text(text, "utf-8")
            part.replace(self.folder.path / name)


class _Chronicler:
    """Keeps the metrics on disk before anybody hears of an epoch."""

    def __init__(self, run: Run, watcher: Watcher) -> None:
        self._run = run
        self.on_step = watcher.on_step
        self._tell = watcher.on_epoch

    def on_epoch(self, epoch: Epoch) -> None:
        self._run.write_metrics()
        self._tell(epoch)


def _check_same(known: Progress | None, prepared: Prepared, folder: RunFolder) -> None:
    if known is not None and known.subject != prepared.subject:
        raise TrainingRefused(
            f"{folder.path} holds another training: its settings or its tissue are not those of the one begun there"
        )
    if known is not None and not has_best(known, folder.places.best):
        raise TrainingRefused(f"{folder.places.best} is not what this training wrote; it cannot go on without it")

"""Learning: the steps and epochs of a training. Each depends on its number alone, so that any can be gone on from."""

import math
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.optim import SGD, AdamW, Optimizer
from torch.utils.data import DataLoader

from pantile.domain.confusion import dice_by_class, mean_dice
from pantile.domain.errors import TrainingFailed
from pantile.domain.training import OptimiserName, Training
from pantile_workers.training.losses import make_loss
from pantile_workers.training.measuring import arithmetic, measure
from pantile_workers.training.patches import PatchDataset
from pantile_workers.training.preparing import Prepared
from pantile_workers.training.sampling import draw_epoch, list_draws
from pantile_workers.training.states import Epoch, Progress, load_state, read_progress, save_state, save_weights

SAVED_EVERY_S = 300.0
"""A long epoch is kept as far as it is this often."""

_MOMENTUM = 0.9


class Watcher(Protocol):
    """Whoever follows a training; what a method raises ends it."""

    def on_step(self, step: int, loss: float) -> None:
        """A step is done, the `step`-th of the training from 1 on."""

    def on_epoch(self, epoch: Epoch) -> None:
        """An epoch is done, measured and kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """The files of a run."""

    last: Path
    best: Path


class Learner:
    """A network that learns, and its files."""

    def __init__(self, training: Training, prepared: Prepared, places: Places, *, device: torch.device) -> None:
        self._training = training
        self._prepared = prepared
        self._places = places
        self._device = device
        self._network = prepared.start.network.to(device).to(memory_format=torch.channels_last)
        self._optimiser = _make_optimiser(self._network, training)
        self._loss = make_loss(training.loss, prepared.class_pixels, device)
        self._patches = PatchDataset(prepared.training, prepared.index, training)
        self.progress = self._resume()

    @property
    def is_done(self) -> bool:
        """Whether all epochs are done."""
        return len(self.progress.epochs) == self._training.learning.epochs

    def learn(self, watcher: Watcher, *, is_enough: Callable[[], bool]) -> None:
        """Goes on until all epochs are done, or `is_enough` says so after a step; what is done is kept in either case.

        Raises:
            TrainingFailed: the loss is no number any more.
        """
        torch.set_num_threads(self.progress.threads)
        while not self.is_done:
            if not self._learn_epoch(watcher, is_enough):
                self._keep()
                return
            self._measure_epoch(watcher)
            if is_enough():
                return

    def _resume(self) -> Progress:
        if not self._places.last.exists():
            threads = self._training.learning.threads or torch.get_num_threads()
            return Progress(subject=self._prepared.subject, threads=threads)
        load_state(self._places.last, self._network, self._optimiser)
        return read_progress(self._places.last)

    def _learn_epoch(self, watcher: Watcher, is_enough: Callable[[], bool]) -> bool:
        """Does the epoch's remaining steps; False when it was enough before the last of them."""
        self._started = self._kept = time.monotonic()
        order = draw_epoch(self._prepared.index, self._training, epoch=len(self.progress.epochs))
        first = len(self.progress.epochs) * len(order)
        done = self.progress.step - first
        for images, truth in self._batches(order, first_step=first, from_step=done):
            loss = self._step(images, truth)
            self.progress = replace(self.progress, step=self.progress.step + 1, losses=self.progress.losses + loss)
            watcher.on_step(self.progress.step, loss)
            done += 1
            if done < len(order) and is_enough():
                return False
            if time.monotonic() - self._kept > SAVED_EVERY_S:
                self._keep()
        return True

    def _batches(self, order: NDArray[np.int64], *, first_step: int, from_step: int) -> Iterator[tuple[Tensor, Tensor]]:
        draws = list(list_draws(order, first_step=first_step, from_step=from_step))
        loader: DataLoader[tuple[Tensor, Tensor]] = DataLoader(
            self._patches,
            batch_sampler=draws,
            num_workers=self._training.learning.loaders,
            worker_init_fn=_ignore_interrupts,
            pin_memory=self._device.type == "cuda",
        )
        yield from loader

    def _step(self, images: Tensor, truth: Tensor) -> float:
        step, learning = self.progress.step, self._training.learning
        # What the network draws by itself (drop path) follows from the step, whatever was drawn before.
        torch.manual_seed(learning.seed * 1_000_003 + step)
        for group in self._optimiser.param_groups:
            group["lr"] = learning.rate_at(step, steps=self._prepared.steps * learning.epochs)
        self._network.train()
        with arithmetic(self._device, learning.precision):
            logits = self._network(images.to(self._device, memory_format=torch.channels_last, non_blocking=True))
        loss = self._loss(logits, truth.to(self._device, non_blocking=True))
        self._optimiser.zero_grad()
        torch.autograd.backward(loss)
        self._optimiser.step()
        value = loss.item()
        if not math.isfinite(value):
            raise TrainingFailed(f"the loss is {value} after {step + 1} steps; a lower learning.rate may help")
        return value

    def _measure_epoch(self, watcher: Watcher) -> None:
        self._network.eval()
        confusion = measure(
            self._network,
            self._prepared.validation,
            self._training.card,
            device=self._device,
            batch=self._training.batches.size,
            precision=self._training.learning.precision,
        )
        number = len(self.progress.epochs) + 1
        epoch = Epoch(
            epoch=number,
            loss=self.progress.losses / self._prepared.steps,
            rate=self._optimiser.param_groups[0]["lr"],
            dice=tuple(dice_by_class(confusion)),
            mean_dice=mean_dice(confusion),
            seconds=round(time.monotonic() - self._started, 1),
        )
        self.progress = replace(self.progress, losses=0.0, epochs=(*self.progress.epochs, epoch))
        if self.progress.best is epoch:
            # Before the state that names it, so that a state never lacks its best weights.
            sha256 = save_weights(self._network, self._places.best, {"epoch": str(number)})
            self.progress = replace(self.progress, best_sha256=sha256)
        self._keep()
        watcher.on_epoch(epoch)

    def _keep(self) -> None:
        save_state(self._places.last, self._network, self._optimiser, self.progress)
        self._kept = time.monotonic()


def _ignore_interrupts(_: int) -> None:
    """Ctrl-C reaches the loaders, too, which are needed until the step is done."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _make_optimiser(network: nn.Module, training: Training) -> Optimizer:
    learning = training.learning
    match learning.optimiser:
        case OptimiserName.ADAMW:
            return AdamW(network.parameters(), lr=learning.rate, weight_decay=learning.weight_decay)
        case OptimiserName.SGD:
            return SGD(
                network.parameters(),
                lr=learning.rate,
                momentum=_MOMENTUM,
                weight_decay=learning.weight_decay,
                nesterov=True,
            )

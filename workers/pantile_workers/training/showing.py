"""Showing: what a training writes to the terminal while it goes on."""

from types import TracebackType
from typing import Self

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from pantile.cli.screen import duration, make_console, say
from pantile.domain.segmenters import Card
from pantile_workers.training.states import Epoch


class Screen:
    """Bars for images and steps on a terminal, and in any case a line for each epoch."""

    def __init__(self) -> None:
        console = make_console()
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._task = self._bar.add_task("Reading images", total=None)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._bar.stop()

    def on_image(self, done: int, total: int) -> None:
        """An image is read."""
        self._bar.update(self._task, completed=done, total=total)

    def follow(self, card: Card, *, step: int, steps: int, epochs: int) -> "ShownTraining":
        """What follows a training of so many steps, of which `step` are done."""
        self._bar.reset(self._task, description="Learning", completed=step, total=steps)
        return ShownTraining(self._bar, card, epochs=epochs)


class ShownTraining:
    """A training as the screen follows it."""

    def __init__(self, bar: Progress, card: Card, *, epochs: int) -> None:
        self._bar = bar
        self._names = [tissue.name for tissue in card.scheme.classes]
        self._epochs = epochs

    def on_step(self, step: int, loss: float) -> None:
        """Moves the bar."""
        self._bar.update(self._bar.task_ids[0], completed=step, description=f"Learning, loss {loss:.3f}")

    def on_epoch(self, epoch: Epoch) -> None:
        """Writes the epoch's line."""
        say(describe_epoch(epoch, self._names, epochs=self._epochs))


def describe_epoch(epoch: Epoch, names: list[str], *, epochs: int) -> str:
    """An epoch in one line."""
    values = ", ".join(
        f"{name} {value:.3f}" for name, value in zip(names, epoch.dice, strict=True) if value is not None
    )
    width = len(str(epochs))
    return (
        f"epoch {epoch.epoch:{width}} of {epochs}: loss {epoch.loss:.4f}, Dice {epoch.mean_dice:.3f} ({values}), "
        f"{duration(epoch.seconds)}"
    )

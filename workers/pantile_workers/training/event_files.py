"""Event files for TensorBoard, where it is installed; metrics.csv says the same without it."""

import shutil
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from pantile.domain.segmenters import Card
from pantile_workers.training.states import Epoch


def write_events(folder: Path, epochs: Sequence[Epoch], card: Card) -> None:
    """Writes all epochs anew, so that a training that was resumed has one curve; nothing without TensorBoard."""
    if find_spec("tensorboard") is None:
        return
    from torch.utils.tensorboard import SummaryWriter  # noqa: PLC0415 — it fails where TensorBoard is missing

    shutil.rmtree(folder, ignore_errors=True)
    with SummaryWriter(str(folder)) as writer:
        for epoch in epochs:
            for name, value in _scalars(epoch, card).items():
                writer.add_scalar(name, value, epoch.epoch)


def _scalars(epoch: Epoch, card: Card) -> dict[str, float]:
    names = [tissue.name for tissue in card.scheme.classes]
    dice = {f"dice/{name}": value for name, value in zip(names, epoch.dice, strict=True) if value is not None}
    return {"loss": epoch.loss, "learning_rate": epoch.rate, "dice/mean": epoch.mean_dice, **dice}

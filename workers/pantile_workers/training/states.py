"""States: all that a training needs to go on exactly where it was, in one safetensors file put in place whole."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn
from torch.optim import Optimizer

from pantile.domain.errors import TrainingRefused

_KEY = "pantile"


@dataclass(frozen=True, slots=True, kw_only=True)
class Epoch:
    """What came of an epoch, from 1 on: its mean loss, each class's Dice in validation, the seconds it took."""

    epoch: int
    loss: float
    rate: float
    dice: tuple[float | None, ...]
    mean_dice: float
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Where a training stands: `step` steps done, `losses` summed over those of the epoch that is under way.

    `subject` is the digest of the training and its tissue, `best_sha256` that of the best weights so far.
    """

    subject: str
    threads: int
    step: int = 0
    losses: float = 0.0
    epochs: tuple[Epoch, ...] = ()
    best_sha256: str = ""

    @property
    def best(self) -> Epoch | None:
        """The epoch with the highest mean Dice, the first of equals."""
        return max(self.epochs, key=lambda epoch: epoch.mean_dice, default=None)


def save_weights(network: nn.Module, path: Path, origin: Mapping[str, str]) -> str:
    """Writes a network's weights as a checkpoint, and gives its SHA-256 (hex)."""
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()}
    data = save(tensors, {_KEY: json.dumps(origin)})
    _put(path, data)
    return hashlib.sha256(data).hexdigest()


def save_state(path: Path, network: nn.Module, optimiser: Optimizer, progress: Progress) -> None:
    """Writes the network ("network.…"), the optimiser's memory ("optimiser.…") and the progress."""
    tensors = {f"network.{name}": tensor for name, tensor in network.state_dict().items()}
    for name, parameter in network.named_parameters():
        for key, value in optimiser.state.get(parameter, {}).items():
            if isinstance(value, Tensor):
                tensors[f"optimiser.{key}.{name}"] = value
    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    _put(path, save(plain, {_KEY: json.dumps(asdict(progress))}))


def read_progress(path: Path) -> Progress:
    """The progress in a state's file; raises `TrainingRefused` for one that is no such file."""
    try:
        with safe_open(path, framework="pt") as file:
            told = json.loads(file.metadata()[_KEY])
        epochs = tuple(Epoch(**{**epoch, "dice": tuple(epoch["dice"])}) for epoch in told.pop("epochs"))
        return Progress(**told, epochs=epochs)
    except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
        raise TrainingRefused(f"{path} is no training's state ({error})") from error


def has_best(progress: Progress, best: Path) -> bool:
    """Whether a file holds the best weights that a progress tells of; true as well while it tells of none."""
    if not progress.best_sha256:
        return True
    return best.exists() and hashlib.sha256(best.read_bytes()).hexdigest() == progress.best_sha256


def load_state(path: Path, network: nn.Module, optimiser: Optimizer) -> None:
    """Puts a state's tensors where they came from, in the same layout in memory, so that the next sums are the same."""
    with safe_open(path, framework="pt") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 — a file, not a mapping
    network.load_state_dict({name: tensors[f"network.{name}"] for name in network.state_dict()})
    for name, parameter in network.named_parameters():
        keys = {
            full.split(".", 2)[1] for full in tensors if full.startswith("optimiser.") and full.split(".", 2)[2] == name
        }
        optimiser.state[parameter] = {key: _like(parameter, tensors[f"optimiser.{key}.{name}"]) for key in sorted(keys)}


def _like(parameter: Tensor, value: Tensor) -> Tensor:
    if value.shape != parameter.shape:
        return value
    return torch.empty_like(parameter, requires_grad=False).copy_(value)


def _put(path: Path, data: bytes) -> None:
    part = path.with_name(f".{path.name}.part")
    part.write_bytes(data)
    part.replace(path)

"""Networks to be trained: built from the card, and started from weights where there are some."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from pantile.domain.errors import CheckpointRefused, SegmenterBroken, TrainingRefused
from pantile.domain.training import Training
from pantile_workers.inference.checkpoints import build_smp
from pantile_workers.inference.weights import read_weights

_COUNTER = "num_batches_tracked"
"""A buffer of batch norm that older files lack, and that nothing here depends on."""

_PREFIXES = ("", "encoder.", "model.", "module.", "backbone.", "features.")
"""What files put before the names of an encoder's tensors."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StartedNetwork:
    """A network before its first step, and in a sentence what it starts from."""

    network: nn.Module
    origin: str


def start_network(training: Training) -> StartedNetwork:
    """The network of a training's card; of a seed always the same.

    Raises:
        TrainingRefused: no such network can be built, or the weights to start from cannot be read or do not fit it.
    """
    torch.manual_seed(training.learning.seed)
    try:
        network = build_smp(training.card)
    except SegmenterBroken as error:
        raise TrainingRefused(error.detail) from error
    start = training.start
    if start.encoder:
        return StartedNetwork(network=network, origin=_start_encoder(network, Path(start.encoder)))
    if start.checkpoint:
        return StartedNetwork(network=network, origin=_start_whole(network, Path(start.checkpoint)))
    return StartedNetwork(network=network, origin="random weights")


def _start_encoder(network: nn.Module, path: Path) -> str:
    encoder = network.get_submodule("encoder")
    found = max((_rename(_read(path), prefix, encoder) for prefix in _PREFIXES), key=len)
    wanted = [name for name in encoder.state_dict() if not name.endswith(_COUNTER)]
    lacking = [name for name in wanted if name not in found]
    if lacking:
        raise TrainingRefused(
            f"{path} has {len(wanted) - len(lacking)} of the encoder's {len(wanted)} tensors; {lacking[0]} is missing"
        )
    encoder.load_state_dict(encoder.state_dict() | found)
    return f"the encoder's {len(wanted)} tensors in {path.name}"


def _rename(tensors: Mapping[str, Tensor], prefix: str, encoder: nn.Module) -> dict[str, Tensor]:
    """The tensors that are the encoder's, by its names; timm's encoders keep theirs under "model."."""
    wanted = encoder.state_dict()
    bare = {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
    renamed = {(name if name in wanted else f"model.{name}"): tensor for name, tensor in bare.items()}
    return {name: tensor for name, tensor in renamed.items() if name in wanted and wanted[name].shape == tensor.shape}


def _start_whole(network: nn.Module, path: Path) -> str:
    """Takes all tensors of another segmenter but those of its head, if that one has other classes."""
    tensors, own = _read(path), network.state_dict()
    fitting = {
        name: tensors[name] for name, tensor in own.items() if name in tensors and tensors[name].shape == tensor.shape
    }
    body = [name for name in own if not name.startswith("segmentation_head.")]
    lacking = [name for name in body if name not in fitting and not name.endswith(_COUNTER)]
    if lacking:
        raise TrainingRefused(f"{path} does not fit the card's network: {len(lacking)} tensors, such as {lacking[0]}")
    network.load_state_dict(own | fitting)
    has_head = all(name in fitting for name in own if name.startswith("segmentation_head."))
    return f"all of {path.name}" if has_head else f"{path.name}, with a new head for other classes"


def _read(path: Path) -> Mapping[str, Tensor]:
    if not path.is_file():
        raise TrainingRefused(f"there is no file {path} to start from")
    try:
        return read_weights(path).tensors
    except CheckpointRefused as error:
        raise TrainingRefused(f"{path}, {error}") from error

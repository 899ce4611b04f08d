"""Importing a checkpoint: from what the authors of a model have to a safetensors file with a card that fits it."""

import hashlib
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import segmentation_models_pytorch as smp
import torch
from numpy.typing import NDArray
from safetensors.torch import save
from torch import Tensor

from pantile.domain.card_text import write_card
from pantile.domain.errors import CheckpointRefused, FileRefused, SegmenterBroken
from pantile.domain.segmenters import Card, check_checkpoint
from pantile_workers.inference.checkpoints import load_network
from pantile_workers.inference.recognition import recognise
from pantile_workers.inference.weights import Weights, read_weights

PROBE_TOLERANCE = 1e-4
"""Largest difference of logits that numerics explain: smp 0.2.1 and 0.3.1 against 0.6 gave 2e-6 at most."""

_LIBRARY = "segmentation-models-pytorch"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Probe:
    """An input, (patches, 3, height, width) float32, and the (patches, classes, height, width) values expected of it.

    The values are what the network gives in eval mode: logits, or what its last activation makes of them.
    """

    inputs: NDArray[np.float32]
    expected: NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ImportedCheckpoint:
    """A checkpoint with its card, both written; `difference` is the largest to the probe, None without one."""

    checkpoint: Path
    card_file: Path
    card: Card
    weights: Weights
    difference: float | None


def import_checkpoint(file: Path, card: Card, *, out: Path, probe: Probe | None = None) -> ImportedCheckpoint:
    """Writes `<name>.safetensors` and `<name>.toml` into the folder `out`; the same import again changes nothing.

    A safetensors file that fits as it is keeps its bytes, and so its digest.

    Raises:
        CheckpointRefused: the file cannot be read safely, is no network that smp builds, does not fit the card's
            classes, or gives other values than the probe.
        FileRefused: the file cannot be read, or another one is in the way in `out`.
    """
    weights = read_weights(file)
    recognised = recognise(weights, card)
    known = _complete(recognised.card, weights)
    content = _encode(file, known, weights, recognised.tensors)
    digest = hashlib.sha256(content).hexdigest()
    check_checkpoint(card, sha256=digest, output_channels=known.output_channels)
    complete = replace(known, checkpoint_sha256=digest)
    difference = _try_out(complete, content, weights.activation, probe)
    checkpoint, card_file = out / f"{card.name}.safetensors", out / f"{card.name}.toml"
    _write({checkpoint: content, card_file: write_card(complete).encode()})
    return ImportedCheckpoint(
        checkpoint=checkpoint, card_file=card_file, card=complete, weights=weights, difference=difference
    )


def read_probe(path: Path) -> Probe:
    """The probe in an npz file with `x` and `y`; raises `FileRefused`."""
    try:
        with np.load(path, allow_pickle=False) as arrays:
            inputs, expected = arrays["x"].astype(np.float32), arrays["y"].astype(np.float32)
    except (OSError, KeyError, ValueError, AttributeError, zipfile.BadZipFile) as error:
        raise FileRefused(f"{path} is no npz file with arrays x and y") from error
    if inputs.ndim != 4 or expected.ndim != 4 or inputs.shape[1] != 3 or not 0 < len(inputs) == len(expected):
        raise FileRefused(f"{path}, x must be (patches, 3, height, width) and y (patches, classes, height, width)")
    return Probe(inputs=inputs, expected=expected)


def _complete(card: Card, weights: Weights) -> Card:
    """The card with what the file tells about its origin."""
    notes = card.notes
    remark = f"The network ended with {weights.activation}, which is left out: the largest class stays the largest."
    if weights.activation and remark not in notes:
        notes = f"{notes.rstrip()}\n{remark}\n".lstrip()
    return replace(
        card, notes=notes, trained_with=_trained_with(card, weights), runs_with=f"{_LIBRARY} {smp.__version__}"
    )


def _trained_with(card: Card, weights: Weights) -> str:
    """The card's word, which may be more exact than what can be told from a file, unless the file contradicts it."""
    release, _, bound = weights.smp_release.partition(" ")
    if not release or (bound == "or newer" and card.trained_with):
        return card.trained_with
    if card.trained_with.startswith(f"{_LIBRARY} {release}"):
        return card.trained_with
    return f"{_LIBRARY} {weights.smp_release}"


def _encode(file: Path, card: Card, weights: Weights, tensors: Mapping[str, Tensor]) -> bytes:
    if weights.kind == "safetensors file" and tensors is weights.tensors and not weights.left_out:
        return file.read_bytes()
    # One key, for safetensors writes several in an order that changes from run to run.
    origin = {"trained_with": card.trained_with, "runs_with": card.runs_with}
    return save({name: tensor.contiguous() for name, tensor in tensors.items()}, {"pantile": json.dumps(origin)})


def _try_out(card: Card, content: bytes, activation: str, probe: Probe | None) -> float | None:
    """Builds the network from the checkpoint as a worker would, and gives its largest difference to the probe."""
    with TemporaryDirectory(prefix="pantile-import-") as folder:
        path = Path(folder) / "checkpoint.safetensors"
        path.write_bytes(content)
        try:
            network = load_network(card, path)
        except SegmenterBroken as error:
            raise CheckpointRefused(error.detail) from error
    if probe is None:
        return None
    with torch.inference_mode():
        logits: Tensor = network(torch.from_numpy(probe.inputs))
    difference = _difference(card, logits, activation, torch.from_numpy(probe.expected))
    if not difference <= PROBE_TOLERANCE:
        raise CheckpointRefused(
            f"{card.name}: the network's values differ from the probe's by up to {difference:.2g}, more than "
            f"{PROBE_TOLERANCE:.0e}; perhaps {card.encoder} is not the encoder that it was trained with"
        )
    return difference


def _difference(card: Card, logits: Tensor, activation: str, expected: Tensor) -> float:
    if logits.shape != expected.shape:
        raise CheckpointRefused(
            f"{card.name}: the network gives values of the shape {tuple(logits.shape)}, the probe has "
            f"{tuple(expected.shape)}"
        )
    given = [logits]
    match activation:
        case "Softmax" | "Softmax2d":
            given.append(logits.softmax(dim=1))
        case "LogSoftmax":
            given.append(logits.log_softmax(dim=1))
        case "Sigmoid":
            given.append(logits.sigmoid())
        case "Tanh":
            given.append(logits.tanh())
    return min(float((values - expected).abs().max()) for values in given)


def _write(files: Mapping[Path, bytes]) -> None:
    """Writes the files whole; raises `FileRefused` where another file is in the way."""
    try:
        for path, content in files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            if path.exists() and path.read_bytes() != content:
                raise FileRefused(f"{path} is there already and is another; choose a folder with --out")
        for path, content in files.items():
            if not path.exists():
                part = path.with_name(f".{path.name}.part")
                part.write_bytes(content)
                part.replace(path)
    except OSError as error:
        raise FileRefused(f"{error.filename or 'the folder'}, {error.strerror or error}") from error

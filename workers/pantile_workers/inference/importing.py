"""Importing a checkpoint: from what the authors of a model have to a checkpoint with a card that fits it.

Whatever holds weights becomes safetensors; an ONNX file is checked and taken as it is.
"""

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
from pantile.domain.errors import CardRefused, CheckpointRefused, CheckpointUnreadable, FileRefused, SegmenterBroken
from pantile.domain.onnx_files import MAX_BYTES, OnnxFacts, read_onnx
from pantile.domain.segmenters import Admission, Card, CardFormat, check_checkpoint, parse_card
from pantile_workers.inference.checkpoints import load_network
from pantile_workers.inference.onnx_networks import LIBRARY as ONNXRUNTIME
from pantile_workers.inference.recognition import recognise
from pantile_workers.inference.weights import Weights, read_weights

PROBE_TOLERANCE = 1e-4
"""Largest difference of logits that numerics explain: smp 0.2.1 and 0.3.1 against 0.6 gave 2e-6 at most."""

_SMP = "segmentation-models-pytorch"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Probe:
    """An input, (patches, 3, height, width) float32, and the (patches, classes, height, width) values expected of it.

    The values are what the network gives in eval mode: logits, or what its last activation makes of them.
    """

    inputs: NDArray[np.float32]
    expected: NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ImportedCheckpoint:
    """A checkpoint with its card, both written, and what the file was found to be.

    `difference` is the largest to the probe, None without one.
    """

    checkpoint: Path
    card_file: Path
    card: Card
    source: Weights | OnnxFacts
    difference: float | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Draft:
    """A checkpoint that is not written yet: its bytes, and a card that lacks only its digest."""

    card: Card
    content: bytes
    source: Weights | OnnxFacts
    activation: str = ""


def import_checkpoint(file: Path, card: Card, *, out: Path, probe: Probe | None = None) -> ImportedCheckpoint:
    """Writes the checkpoint and `<name>.toml` into the folder `out`; the same import again changes nothing.

    The checkpoint is `<name>.safetensors`, or `<name>.onnx` where the card's format or the file's name says so. Files
    that fit as they are keep their bytes, and so their digest. An admission that was measured with the very same
    checkpoint before is kept.

    Raises:
        CheckpointRefused: the file cannot be read safely, is no network that smp builds or onnxruntime runs, does not
            fit the card's classes, or gives other values than the probe.
        FileRefused: the file cannot be read, or another one is in the way in `out`.
    """
    is_onnx = card.format is CardFormat.ONNX or file.suffix.lower() == CardFormat.ONNX.suffix
    draft = _draft_onnx(file, card) if is_onnx else _draft_weights(file, card)
    digest = hashlib.sha256(draft.content).hexdigest()
    check_checkpoint(card, sha256=digest, output_channels=draft.card.output_channels)
    checkpoint, card_file = out / f"{card.name}{draft.card.format.suffix}", out / f"{card.name}.toml"
    there = _read_card(card_file)
    complete = replace(draft.card, checkpoint_sha256=digest, admission=_known_admission(digest, card, there))
    difference = _try_out(complete, draft, probe)
    # The same card in other words of TOML is left alone, for the sake of somebody's remarks.
    _write({checkpoint: draft.content} | ({} if there == complete else {card_file: write_card(complete).encode()}))
    return ImportedCheckpoint(
        checkpoint=checkpoint, card_file=card_file, card=complete, source=draft.source, difference=difference
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


def _draft_weights(file: Path, card: Card) -> _Draft:
    weights = read_weights(file)
    recognised = recognise(weights, card)
    known = _complete(recognised.card, weights)
    content = _encode(file, known, weights, recognised.tensors)
    return _Draft(card=known, content=content, source=weights, activation=weights.activation)


def _draft_onnx(file: Path, card: Card) -> _Draft:
    try:
        if file.stat().st_size > MAX_BYTES:
            raise CheckpointUnreadable(f"{file.name} is larger than an ONNX file can be")
        content = file.read_bytes()
    except OSError as error:
        raise FileRefused(f"{file}, {error.strerror or error}") from error
    facts = read_onnx(content)
    check_checkpoint(
        card, sha256=card.checkpoint_sha256, output_channels=facts.output_channels, patch_px=facts.patch_px
    )
    known = replace(
        card,
        format=CardFormat.ONNX,
        admission=None,
        trained_with=card.trained_with or facts.producer,
        runs_with=ONNXRUNTIME,
    )
    return _Draft(card=known, content=content, source=facts)


def _read_card(card_file: Path) -> Card | None:
    try:
        return parse_card(card_file.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, CardRefused):
        return None


def _known_admission(digest: str, card: Card, there: Card | None) -> Admission | None:
    """What was measured with this checkpoint: as the card says, or the one that is there already."""
    cards = [card, there] if there else [card]
    return next((each.admission for each in cards if each.admission and each.checkpoint_sha256 == digest), None)


def _complete(card: Card, weights: Weights) -> Card:
    """The card with what the file tells about its origin."""
    notes = card.notes
    remark = f"The network ended with {weights.activation}, which is left out: the largest class stays the largest."
    if weights.activation and remark not in notes:
        notes = f"{notes.rstrip()}\n{remark}\n".lstrip()
    return replace(card, notes=notes, trained_with=_trained_with(card, weights), runs_with=f"{_SMP} {smp.__version__}")


def _trained_with(card: Card, weights: Weights) -> str:
    """The card's word, which may be more exact than what can be told from a file, unless the file contradicts it."""
    release, _, bound = weights.smp_release.partition(" ")
    if not release or (bound == "or newer" and card.trained_with):
        return card.trained_with
    if card.trained_with.startswith(f"{_SMP} {release}"):
        return card.trained_with
    return f"{_SMP} {weights.smp_release}"


def _encode(file: Path, card: Card, weights: Weights, tensors: Mapping[str, Tensor]) -> bytes:
    if weights.kind == "safetensors file" and tensors is weights.tensors and not weights.left_out:
        return file.read_bytes()
    # One key, for safetensors writes several in an order that changes from run to run.
    origin = {"trained_with": card.trained_with, "runs_with": card.runs_with}
    return save({name: tensor.contiguous() for name, tensor in tensors.items()}, {"pantile": json.dumps(origin)})


def _try_out(card: Card, draft: _Draft, probe: Probe | None) -> float | None:
    """Runs the checkpoint once, as a worker would, and gives its largest difference to the probe."""
    blank = np.zeros((1, 3, card.patch_px, card.patch_px), dtype=np.float32)
    logits = _run(card, draft.content, blank if probe is None else probe.inputs)
    if probe is None:
        return None
    difference = _difference(card, logits, draft.activation, torch.from_numpy(probe.expected))
    if not difference <= PROBE_TOLERANCE:
        perhaps = f"; perhaps {card.encoder} is not the encoder that it was trained with"
        raise CheckpointRefused(
            f"{card.name}: the network's values differ from the probe's by up to {difference:.2g}, more than "
            f"{PROBE_TOLERANCE:.0e}{perhaps if card.format is CardFormat.SMP else ''}"
        )
    return difference


def _run(card: Card, content: bytes, inputs: NDArray[np.float32]) -> Tensor:
    with TemporaryDirectory(prefix="pantile-import-") as folder:
        path = Path(folder) / f"checkpoint{card.format.suffix}"
        path.write_bytes(content)
        try:
            with torch.inference_mode():
                return load_network(card, path)(torch.from_numpy(inputs))
        except SegmenterBroken as error:
            raise CheckpointRefused(error.detail) from error


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

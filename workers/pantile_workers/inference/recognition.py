"""Recognition: which network of segmentation-models-pytorch a checkpoint's tensors belong to."""

import re
import warnings
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

import segmentation_models_pytorch as smp
import torch
from torch import Tensor
from torch.nn import Module

from pantile.domain.errors import CheckpointRefused
from pantile.domain.segmenters import Card, check_checkpoint
from pantile_workers.inference.weights import HEAD, Weights

_DECODERS = {
    "UnetPlusPlus": re.compile(r"decoder\.blocks\.x_0_(\d+)\.conv2\.0\.weight"),
    "Unet": re.compile(r"decoder\.blocks\.(\d+)\.conv2\.0\.weight"),
}
"""The last convolutions of the blocks whose widths are `decoder_channels`, by architecture."""

_DEFAULT_CHANNELS = (256, 128, 64, 32, 16)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Recognised:
    """A card put right about its network, and the tensors under the names that this release of smp gives them."""

    card: Card
    tensors: Mapping[str, Tensor]


def recognise(weights: Weights, card: Card) -> Recognised:
    """The network that the tensors belong to: architecture, encoder, decoder and output channels.

    A card may be wrong about its network, and is put right; about its classes it may not.

    Raises:
        CheckpointRefused: the tensors are of no known network, or their channels are not the card's classes.
    """
    if HEAD not in weights.tensors:
        raise CheckpointRefused(f"the file has no tensor {HEAD}, so it is no network of segmentation-models-pytorch")
    channels = int(weights.tensors[HEAD].shape[0])
    check_checkpoint(card, sha256=card.checkpoint_sha256, output_channels=channels)
    architecture, decoder_channels = _recognise_decoder(weights, card)
    depth = len(decoder_channels) or len(_DEFAULT_CHANNELS)
    encoder, tensors = _recognise_encoder(weights, card, depth)
    network = replace(card, architecture=architecture, encoder=encoder, decoder_channels=decoder_channels)
    return Recognised(card=network, tensors=tensors)


def _recognise_decoder(weights: Weights, card: Card) -> tuple[str, tuple[int, ...]]:
    """The architecture and the widths of its decoder, () for the default; the card's, where there is nothing to see."""
    for architecture, pattern in _DECODERS.items():
        found = {
            int(match[1]): int(tensor.shape[0])
            for name, tensor in weights.tensors.items()
            if (match := pattern.fullmatch(name))
        }
        if found and weights.network in {"", architecture}:
            channels = tuple(found[block] for block in sorted(found))
            return architecture, () if channels == _DEFAULT_CHANNELS else channels
    return weights.network or card.architecture, card.decoder_channels


def _recognise_encoder(weights: Weights, card: Card, depth: int) -> tuple[str, Mapping[str, Tensor]]:
    """The encoder that has exactly these tensors, and all tensors under its names."""
    spellings = [weights.tensors, _with_model(weights.tensors)]
    shapes = [_encoder_shapes(tensors) for tensors in spellings]
    for encoder in dict.fromkeys(_candidates(weights, card, shapes[0].values())):
        built = _built_shapes(encoder, depth)
        if built in shapes:
            return encoder, spellings[shapes.index(built)]
    raise CheckpointRefused(f"none of smp's encoders has these {len(shapes[0])} tensors, {card.encoder} neither")


def _with_model(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The names since smp 0.5, where encoders that it had of its own are timm's: see its SegmentationModel."""
    return {
        re.sub(r"^encoder\.(?!model\.)", "encoder.model.", name).replace(".stages.", ".stages_"): tensor
        for name, tensor in tensors.items()
    }


def _encoder_shapes(tensors: Mapping[str, Tensor]) -> dict[str, tuple[int, ...]]:
    return {
        name.removeprefix("encoder."): tuple(tensor.shape)
        for name, tensor in tensors.items()
        if name.startswith("encoder.")
    }


def _candidates(weights: Weights, card: Card, shapes: Iterable[tuple[int, ...]]) -> Iterator[str]:
    """Encoders, the likeliest first: what the model called itself, the card's, then all of as many features."""
    yield weights.model_name.partition("-")[2]
    yield card.encoder
    widths = {shape[0] for shape in shapes if shape}
    for name, encoder in smp.encoders.encoders.items():
        # To build all takes 13 s, and each but inceptionv4 has layers as wide as the features that it promises.
        if widths >= set(encoder["params"]["out_channels"][1:]) - {0}:
            yield name


def _built_shapes(encoder: str, depth: int) -> dict[str, tuple[int, ...]]:
    """The shapes of an encoder's tensors; none where smp has no such encoder."""
    if not encoder:
        return {}
    try:
        with torch.device("meta"):
            built = _build(encoder, depth)
    except RuntimeError:
        # Some encoders compute while they are built, which tensors without values cannot.
        built = _build(encoder, depth)
    return {name: tuple(tensor.shape) for name, tensor in _state_of(built).items()}


def _build(encoder: str, depth: int) -> Module | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            built: Module = smp.encoders.get_encoder(encoder, weights=None, depth=depth)
    except (KeyError, TypeError, ValueError):
        return None
    return built


def _state_of(built: Module | None) -> Mapping[str, Tensor]:
    return built.state_dict() if built is not None else {}

"""Checkpoints: from a file and its card to a network that is ready to run. Nothing is ever unpickled."""

from collections.abc import Mapping
from pathlib import Path

import segmentation_models_pytorch as smp
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from pantile.domain.errors import SegmenterBroken
from pantile.domain.segmenters import Card, CardFormat
from pantile_workers.inference.networks import Network

_CPU = torch.device("cpu")


def load_network(card: Card, path: Path, device: torch.device = _CPU) -> Network:
    """The card's network with the checkpoint in a file, on a device, in eval mode, without gradients.

    Torch's networks are torch modules. The file's digest is the business of whoever fetched it.

    Raises:
        SegmenterBroken: the file cannot be read, the card's network cannot be built, or the two do not fit exactly.
    """
    match card.format:
        case CardFormat.SMP:
            return load_smp(card, path).to(device)
        case CardFormat.ONNX:
            # Most workers never meet one, and onnxruntime takes 20 MB as soon as it is there.
            from pantile_workers.inference.onnx_networks import load_onnx  # noqa: PLC0415

            return load_onnx(card, path, device)


def load_smp(card: Card, path: Path) -> nn.Module:
    """The card's network of segmentation-models-pytorch with the weights in a file, on the CPU; raises as above."""
    network = build_smp(card)
    weights = _read_weights(card, path)
    _check_fit(card, network.state_dict(), weights)
    network.load_state_dict(weights, strict=True)
    return network.eval().requires_grad_(requires_grad=False)


def build_smp(card: Card) -> nn.Module:
    """The card's network with random weights; smp keeps older names of encoders ("timm-efficientnet-b0") as aliases.

    Raises:
        SegmenterBroken: smp builds no such network.
    """
    decoder = {}
    if card.decoder_channels:
        decoder = {"decoder_channels": card.decoder_channels, "encoder_depth": len(card.decoder_channels)}
    try:
        network: nn.Module = smp.create_model(
            card.architecture, encoder_name=card.encoder, encoder_weights=None, classes=card.output_channels, **decoder
        )
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise SegmenterBroken(
            f"{card.name}: no network {card.architecture} with the encoder {card.encoder} can be built ({error})"
        ) from error
    return network


def _read_weights(card: Card, path: Path) -> dict[str, Tensor]:
    try:
        return load_file(path, device="cpu")
    except (OSError, SafetensorError) as error:
        raise SegmenterBroken(f"{card.name}: the checkpoint is not a readable safetensors file ({error})") from error


def _check_fit(card: Card, expected: Mapping[str, Tensor], weights: Mapping[str, Tensor]) -> None:
    missing = sorted(expected.keys() - weights.keys())
    unknown = sorted(weights.keys() - expected.keys())
    misshapen = sorted(name for name in expected.keys() & weights.keys() if expected[name].shape != weights[name].shape)
    problems = [
        f"{len(names)} tensors {what}, such as {names[0]}"
        for what, names in (("are missing", missing), ("are unknown", unknown), ("have another shape", misshapen))
        if names
    ]
    if problems:
        network = f"{card.architecture} with {card.encoder} and {card.output_channels} channels"
        raise SegmenterBroken(f"{card.name}: the checkpoint does not fit {network}: {'; '.join(problems)}")

"""Arithmetic: the numbers in which a network computes, and the form of it that computes them fastest.

Measured on two cores with toy4 (UNet++, EfficientNet-B0, patches of 512 px): docs/performance.md.
"""

from collections.abc import Callable, Mapping
from copy import deepcopy

import torch
from timm.layers.activations import Swish
from timm.models._efficientnet_blocks import SqueezeExcite
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_weights

from pantile.domain.segmenters import Precision
from pantile_workers.inference import compiled
from pantile_workers.inference.compiled import can_compile

_TRIED_PX = 64
_LARGEST_CHANGE = 1e-3
"""Of the largest logit: what float32 arithmetic in another order may change, and a wrongly folded layer exceeds."""


def pick_dtype(precision: Precision, device: torch.device) -> torch.dtype:
    """What a network computes in: for `mixed` bfloat16 where the device has it in hardware, float32 otherwise.

    bfloat16 has the range of float32, so that no logit overflows as float16's do; convolutions add up in float32.
    """
    if precision is Precision.MIXED and _has_bfloat16(device):
        return torch.bfloat16
    return torch.float32


def streamline(network: nn.Module) -> nn.Module:
    """The network in the form that computes fastest: batch norms folded into convolutions, in eval mode, channels last.

    Its logits are the same but for the order of the arithmetic; a network for which they are not stays as it is.
    """
    folded = deepcopy(network)
    _fold_batch_norms(folded, fuse=_device_of(network).type == "cuda" and can_compile())
    parts = dict(folded.named_modules())
    _replace(folded, {name: nn.SiLU(inplace=True) for name, part in parts.items() if isinstance(part, Swish)})
    if _device_of(network).type == "cpu":
        _replace(folded, {name: _Squeezed(part) for name, part in parts.items() if isinstance(part, SqueezeExcite)})
    noise = noise_for(network, _TRIED_PX)
    with torch.inference_mode():
        chosen = folded if agree(network(noise), folded(noise)) else network
    return chosen.to(memory_format=torch.channels_last)


def noise_for(network: nn.Module, side_px: int) -> Tensor:
    """(1, 3, side_px, side_px) float32, the same each time, on the network's device: what networks are compared on."""
    noise = torch.randn((1, 3, side_px, side_px), generator=torch.Generator().manual_seed(0))
    return noise.to(_device_of(network))


def agree(expected: Tensor, given: Tensor) -> bool:
    """Whether logits are the same but for the order of the arithmetic."""
    return bool((given - expected).abs().max() <= _LARGEST_CHANGE * expected.abs().max())


def _device_of(network: nn.Module) -> torch.device:
    return next(network.parameters()).device


def _has_bfloat16(device: torch.device) -> bool:
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)
    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())  # noqa: SLF001 — torch has no public way to ask


class _Squeezed(nn.Module):
    """timm's squeeze-and-excitation, its mean by pooling: on a CPU a seventh of the time that `Tensor.mean` takes."""

    def __init__(self, given: SqueezeExcite) -> None:
        super().__init__()
        self._gate = nn.Sequential(given.conv_reduce, given.act1, given.conv_expand, given.gate)

    def forward(self, values: Tensor) -> Tensor:
        """(patches, channels, rows, columns), each channel weighted by what the gate makes of all channels' means."""
        means = functional.avg_pool2d(values, values.shape[-2:])
        weighted: Tensor = values * self._gate(means)
        return weighted


class _Biased(nn.Module):
    """What is left of a folded batch norm: its bias, added in one step with the activation that follows.

    A GPU adds a convolution's own bias in a step of its own, which takes as long as the batch norm would have.
    """

    _bias: Tensor

    def __init__(self, bias: Tensor, activation: nn.Module) -> None:
        super().__init__()
        # No parameter: for each shape of one, all would be compiled anew.
        self.register_buffer("_bias", bias.detach())
        self._add = _COMPILED[type(activation)]

    def forward(self, values: Tensor) -> Tensor:
        """(patches, channels, rows, columns) with the bias of each channel, activated."""
        patches, channels, height, width = values.shape
        pixels: Tensor = self._add(values.permute(0, 2, 3, 1).reshape(-1, channels), self._bias)
        return pixels.view(patches, height, width, channels).permute(0, 3, 1, 2)


_COMPILED: Mapping[type[nn.Module], Callable[[Tensor, Tensor], Tensor]] = {
    nn.Identity: compiled.add,
    nn.ReLU: compiled.add_relu,
    nn.SiLU: compiled.add_silu,
    Swish: compiled.add_silu,
}


def _fold_batch_norms(network: nn.Module, *, fuse: bool) -> None:
    """Folds every batch norm that is given a convolution's output into that convolution, in place.

    With `fuse` the bias stays where the batch norm was, and takes the activation along.
    """
    parts = dict(network.named_modules())
    names = {part: name for name, part in parts.items()}
    for convolution, norm in _find_pairs(network):
        mean, variance = norm.running_mean, norm.running_var
        if mean is None or variance is None:
            continue
        convolution.weight, convolution.bias = fuse_conv_bn_weights(
            convolution.weight, convolution.bias, mean, variance, norm.eps, norm.weight, norm.bias
        )
        # timm's batch norms hold the activation that follows them.
        activation = getattr(norm, "act", nn.Identity())
        if fuse:
            after = _next_name(names[norm])
            if type(activation) is nn.Identity and isinstance(parts.get(after), nn.ReLU):
                activation = parts[after]
                _replace(network, {after: nn.Identity()})
            if type(activation) in _COMPILED:
                activation = _Biased(convolution.bias, activation)
                convolution.bias = None
        _replace(network, {names[norm]: activation})


def _next_name(name: str) -> str:
    """The name of the part after the one of that name in an `nn.Sequential`; empty outside of one."""
    parent, _, own = name.rpartition(".")
    return f"{parent}.{int(own) + 1}" if own.isdecimal() else ""


def _find_pairs(network: nn.Module) -> list[tuple[nn.Conv2d, nn.BatchNorm2d]]:
    """Convolutions with the batch norm that takes their output, as seen while the network runs once."""
    made: list[tuple[Tensor, nn.Conv2d]] = []
    pairs: list[tuple[nn.Conv2d, nn.BatchNorm2d]] = []

    def note_output(part: nn.Module, _: object, output: Tensor) -> None:
        if isinstance(part, nn.Conv2d):
            made.append((output, part))

    def note_input(part: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        if isinstance(part, nn.BatchNorm2d):
            pairs.extend((convolution, part) for output, convolution in made if output is inputs[0])

    hooks = [part.register_forward_hook(note_output) for part in network.modules()]
    hooks += [part.register_forward_pre_hook(note_input) for part in network.modules()]
    with torch.inference_mode():
        network(noise_for(network, _TRIED_PX))
    for hook in hooks:
        hook.remove()
    return pairs


def _replace(network: nn.Module, parts: dict[str, nn.Module]) -> None:
    for name, part in parts.items():
        parent, _, own = name.rpartition(".")
        setattr(network.get_submodule(parent), own, part)

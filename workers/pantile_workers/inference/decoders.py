"""Decoders that give the same logits for less work: of a patch only what is kept, and no convolution of copies.

The encoder of a U-Net or U-Net++ sees the whole patch, as its squeeze-and-excitation answers to all of it. The decoder
is small convolutions only: a pixel of the logits depends on few pixels around it, and what lies farther from the window
than that need not be computed. Of the study's patches of 512 px the centre of 384 px is kept, 56 % of the pixels.

A decoder enlarges its input twice, by repeating each pixel, before a convolution of 3 x 3, which so multiplies the same
value by several weights. A transposed convolution of 4 x 4, whose weights are the sums of those, does it with 4
multiplications instead of 9, and needs neither the enlarged image nor a copy of it beside the skips.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, TypeAlias

import torch
from segmentation_models_pytorch import Unet, UnetPlusPlus
from segmentation_models_pytorch.decoders.unet.decoder import UnetDecoder, UnetDecoderBlock
from segmentation_models_pytorch.decoders.unetplusplus.decoder import DecoderBlock, UnetPlusPlusDecoder
from torch import Tensor, nn

from pantile_workers.inference.arithmetic import agree, noise_for
from pantile_workers.inference.windows import Span, Window, whole

_BLOCK_REACH_PX = 2
"""How far a block looks around a pixel of its output: two convolutions of 3 x 3."""

_HEAD_REACH_PX = 1

SmpBlock: TypeAlias = DecoderBlock | UnetDecoderBlock

_TRIED_PX = 256
_TRIED = Window(rows=Span(101, 155), columns=Span(0, 60))


class _Plane(NamedTuple):
    """What is known of a block's output or an encoder's feature: (patches, channels, rows, columns) of a window."""

    values: Tensor
    window: Window


class _Wire(NamedTuple):
    """What a block is given, by name: `source`, which it enlarges twice, and `skips`; and the name of its output."""

    name: str
    source: str
    skips: tuple[str, ...]


class _SplitBlock(nn.Module):
    """A block whose first convolution is split in two: what it makes of the source, and what of the skips."""

    def __init__(self, block: SmpBlock, *, source_channels: int) -> None:
        super().__init__()
        convolution, *then = block.conv1
        self._enlarge = _enlarging(convolution, source_channels)
        self._join = _joining(convolution, source_channels) if source_channels < convolution.in_channels else None
        self._then = nn.Sequential(*then, block.conv2)

    def forward(self, source: Tensor, skips: list[Tensor]) -> Tensor:
        """The output, twice as large as the source and as large as the skips."""
        values: Tensor = self._enlarge(source)
        if self._join is not None:
            values = self._join(torch.cat(skips, dim=1)).add_(values)
        output: Tensor = self._then(values)
        return output


class WindowedNetwork(nn.Module):
    """A U-Net or U-Net++ that can be asked for a window of its logits; `blocks` are its decoder's, in their order."""

    def __init__(self, network: Unet | UnetPlusPlus, blocks: Mapping[_Wire, SmpBlock]) -> None:
        super().__init__()
        self._encoder = network.encoder
        self._head = network.segmentation_head
        # smp's first feature is the patch itself, which its decoders do not use; blocks count from the deepest.
        channels = {_feature(place): count for place, count in enumerate(network.encoder.out_channels[:0:-1])}
        channels |= {wire.name: block.conv2[0].out_channels for wire, block in blocks.items()}
        self._wires = list(blocks)
        self._blocks = nn.ModuleDict(
            {wire.name: _SplitBlock(block, source_channels=channels[wire.source]) for wire, block in blocks.items()}
        )

    def forward(self, patches: Tensor) -> Tensor:
        """The logits, (patches, classes, patch_px, patch_px)."""
        return self.within(patches, whole(patches))

    def within(self, patches: Tensor, window: Window) -> Tensor:
        """The logits within the window, (patches, classes, rows, columns)."""
        features: Sequence[Tensor] = self._encoder(patches)
        planes = {_feature(place): _Plane(values, whole(values)) for place, values in enumerate(features[:0:-1])}
        before_head = window.widened(_HEAD_REACH_PX, whole(patches))
        seen = _seen(self._wires, {name: plane.window for name, plane in planes.items()}, before_head)
        for wire in self._wires:
            own = seen[wire.name]
            # The outermost pixels of an output lack what lies outside of `own`; nobody takes those.
            source, skips = own.halved().take(*planes[wire.source]), [own.take(*planes[skip]) for skip in wire.skips]
            planes[wire.name] = _Plane(self._blocks[wire.name](source, skips), own)
        logits: Tensor = self._head(before_head.take(*planes[self._wires[-1].name]))
        return window.take(logits, before_head)


def _seen(wires: Sequence[_Wire], features: Mapping[str, Window], wanted: Window) -> dict[str, Window]:
    """What each block has to see, in pixels of its output, so that the last one is right within `wanted`."""
    wholes = dict(features)
    for wire in wires:
        wholes[wire.name] = wholes[wire.source].doubled()
    needed = {wires[-1].name: wanted}
    seen: dict[str, Window] = {}
    for wire in reversed(wires):
        # Of whole pixels of the source, which are enlarged twice.
        own = needed[wire.name].widened(_BLOCK_REACH_PX, wholes[wire.name]).halved().doubled()
        seen[wire.name] = own
        for name, window in [(wire.source, own.halved()), *((skip, own) for skip in wire.skips)]:
            needed[name] = window.joined(needed.get(name, window))
    return seen


def compute_windows(network: nn.Module) -> nn.Module:
    """The network as one that can be asked for windows, or as it is where its decoder is of another kind."""
    match network:
        case UnetPlusPlus():
            windowed = WindowedNetwork(network, _unet_plus_plus_blocks(network.decoder))
        case Unet():
            windowed = WindowedNetwork(network, _unet_blocks(network.decoder))
        case _:
            return network
    return windowed.to(memory_format=torch.channels_last) if _is_right(windowed, network) else network


def _is_right(windowed: WindowedNetwork, network: nn.Module) -> bool:
    """Whether a window has the logits of the whole, which attention or any other part that sees more would change."""
    noise = noise_for(network, _TRIED_PX)
    with torch.inference_mode():
        return agree(_TRIED.take(network(noise), whole(noise)), windowed.within(noise, _TRIED))


def _unet_blocks(decoder: UnetDecoder) -> dict[_Wire, SmpBlock]:
    last = len(decoder.blocks) - 1
    return {
        _Wire(
            name=_output(0, layer),
            source=_output(0, layer - 1) if layer else _feature(0),
            skips=(_feature(layer + 1),) if layer < last else (),
        ): block
        for layer, block in enumerate(decoder.blocks)
    }


def _unet_plus_plus_blocks(decoder: UnetPlusPlusDecoder) -> dict[_Wire, SmpBlock]:
    """Its blocks `x_{start}_{layer}`: each layer's are of one size, and the first of each start is given a feature."""
    last = decoder.depth
    wires = [
        _Wire(
            name=_output(start, layer),
            source=_output(start, layer - 1) if layer > start else _feature(start),
            skips=(*(_output(other, layer) for other in range(start + 1, layer + 1)), _feature(layer + 1)),
        )
        for layer in range(last)
        for start in range(layer, -1, -1)
    ]
    wires.append(_Wire(name=_output(0, last), source=_output(0, last - 1), skips=()))
    return {wire: decoder.blocks[wire.name] for wire in wires}


def _feature(place: int) -> str:
    return f"feature_{place}"


def _output(start: int, layer: int) -> str:
    return f"x_{start}_{layer}"


def _enlarging(convolution: nn.Conv2d, channels: int) -> nn.ConvTranspose2d:
    """What the convolution does to its first channels once they are enlarged twice, in one step."""
    weight = convolution.weight[:, :channels].flip(2, 3).transpose(0, 1)
    sums = weight.new_zeros((channels, convolution.out_channels, 4, 4))
    for row, column in [(0, 0), (0, 1), (1, 0), (1, 1)]:
        sums[:, :, row : row + 3, column : column + 3] += weight
    is_all = channels == convolution.in_channels
    enlarging = nn.ConvTranspose2d(channels, convolution.out_channels, 4, stride=2, padding=1, bias=False)
    enlarging.weight = nn.Parameter(sums, requires_grad=False)
    if is_all:
        enlarging.bias = convolution.bias
    return enlarging


def _joining(convolution: nn.Conv2d, channels: int) -> nn.Conv2d:
    """What the convolution does to the channels after the first, with its bias."""
    rest = convolution.in_channels - channels
    joining = nn.Conv2d(rest, convolution.out_channels, 3, padding=1, bias=False)
    joining.weight = nn.Parameter(convolution.weight[:, channels:].clone(), requires_grad=False)
    joining.bias = convolution.bias
    return joining

"""Decoders asked for a window give the logits of the whole network there, for less work."""

import pytest
import segmentation_models_pytorch as smp
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from pantile_workers.inference.arithmetic import streamline
from pantile_workers.inference.decoders import WindowedNetwork, compute_windows
from pantile_workers.inference.windows import Span, Window, whole

SIDE = 256
CENTRE = Window(rows=Span(32, 224), columns=Span(32, 224))
WINDOWS = [
    CENTRE,
    Window(rows=Span(0, 224), columns=Span(32, 224)),
    Window(rows=Span(77, 78), columns=Span(255, 256)),
    Window(rows=Span(0, SIDE), columns=Span(0, SIDE)),
]


def _network(architecture: str, encoder: str, **options: object) -> nn.Module:
    torch.manual_seed(5)
    network: nn.Module = smp.create_model(architecture, encoder, encoder_weights=None, classes=3, **options)
    return network.eval().requires_grad_(requires_grad=False)


def _image() -> Tensor:
    return torch.randn((2, 3, SIDE, SIDE), generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize(
    ("architecture", "encoder", "options"),
    [
        ("UnetPlusPlus", "timm-efficientnet-b0", {}),
        ("UnetPlusPlus", "resnet18", {"encoder_depth": 4, "decoder_channels": (64, 32, 16, 8)}),
        ("Unet", "timm-efficientnet-b0", {}),
        ("Unet", "resnet18", {"encoder_depth": 3, "decoder_channels": (32, 16, 8)}),
    ],
)
@torch.inference_mode()
def test_a_window_has_the_logits_of_the_whole(architecture: str, encoder: str, options: dict[str, object]) -> None:
    network = _network(architecture, encoder, **options)
    image, expected = _image(), network(_image())

    windowed = compute_windows(network)

    assert isinstance(windowed, WindowedNetwork)
    torch.testing.assert_close(windowed(image), expected, rtol=0, atol=1e-5 * float(expected.abs().max()))
    for window in WINDOWS:
        there = window.take(expected, whole(expected))
        torch.testing.assert_close(
            windowed.within(image, window), there, rtol=0, atol=1e-5 * float(expected.abs().max())
        )


@torch.inference_mode()
def test_a_streamlined_network_can_be_windowed() -> None:
    network = _network("UnetPlusPlus", "timm-efficientnet-b0")
    image, expected = _image(), network(_image())

    windowed = compute_windows(streamline(network))

    assert isinstance(windowed, WindowedNetwork)
    assert (windowed(image) - expected).abs().max() < 1e-4 * expected.abs().max()


@pytest.mark.parametrize("options", [{"decoder_attention_type": "scse"}, {"decoder_interpolation": "bilinear"}])
@pytest.mark.parametrize("architecture", ["Unet", "UnetPlusPlus"])
def test_a_decoder_that_sees_more_or_enlarges_otherwise_stays_as_it_is(
    architecture: str, options: dict[str, object]
) -> None:
    network = _network(architecture, "resnet18", **options)

    assert compute_windows(network) is network


def test_another_architecture_stays_as_it_is() -> None:
    network = _network("FPN", "resnet18")

    assert compute_windows(network) is network


@torch.inference_mode()
def test_the_whole_takes_fewer_multiplications_and_the_centre_fewer_still() -> None:
    network = _network("UnetPlusPlus", "timm-efficientnet-b0")
    image, windowed = _image(), compute_windows(network)
    assert isinstance(windowed, WindowedNetwork)

    with FlopCounterMode(display=False) as before:
        network(image)
    with FlopCounterMode(display=False) as all_of_it:
        windowed(image)
    with FlopCounterMode(display=False) as centre:
        windowed.within(image, CENTRE)

    assert all_of_it.get_total_flops() < 0.85 * before.get_total_flops()
    assert centre.get_total_flops() < 0.75 * before.get_total_flops()

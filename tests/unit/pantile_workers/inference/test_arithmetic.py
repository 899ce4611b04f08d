"""Streamlined networks give the same logits, and mixed precision is 16-bit only where the device is."""

from pathlib import Path

import pytest
import segmentation_models_pytorch as smp
import torch
from timm.models._efficientnet_blocks import SqueezeExcite
from torch import Tensor, nn

from pantile.domain.segmenters import Precision
from pantile_workers.inference.arithmetic import pick_dtype, streamline

CPU = torch.device("cpu")


def _trained(network: nn.Module) -> nn.Module:
    """The network in eval mode, its batch norms with statistics as if it had seen images."""
    torch.manual_seed(3)
    for part in network.modules():
        if isinstance(part, nn.BatchNorm2d):
            nn.init.normal_(part.running_mean, std=0.2)  # type: ignore[arg-type]  # it tracks its statistics
            nn.init.uniform_(part.running_var, 0.5, 2.0)  # type: ignore[arg-type]
            nn.init.uniform_(part.weight, 0.5, 1.5)
            nn.init.normal_(part.bias, std=0.2)
    return network.eval().requires_grad_(requires_grad=False)


def _norms(network: nn.Module) -> int:
    return sum(isinstance(part, nn.BatchNorm2d) for part in network.modules())


@pytest.mark.parametrize(
    ("architecture", "encoder"),
    [("UnetPlusPlus", "timm-efficientnet-b0"), ("UnetPlusPlus", "efficientnet-b1"), ("Unet", "resnet18")],
)
def test_a_streamlined_network_has_fewer_layers_and_the_same_logits(architecture: str, encoder: str) -> None:
    network = _trained(smp.create_model(architecture, encoder, encoder_weights=None, classes=3))
    image = torch.randn((2, 3, 96, 96))

    light = streamline(network)

    # EfficientNets keep one that smp never runs.
    assert _norms(light) <= 1 < _norms(network)
    assert (light(image) - network(image)).abs().max() < 1e-4 * network(image).abs().max()


def _squeezed() -> nn.Module:
    torch.manual_seed(3)
    return nn.Sequential(nn.Conv2d(3, 32, 1), SqueezeExcite(32)).eval().requires_grad_(requires_grad=False)


def test_squeeze_and_excitation_takes_the_same_means_by_pooling() -> None:
    network, images = _squeezed(), torch.rand((2, 3, 256, 256)) + 1

    light = streamline(network)

    assert not any(isinstance(part, SqueezeExcite) for part in light.modules())
    torch.testing.assert_close(light(images), network(images))


def test_means_of_many_pixels_lose_nothing_in_bfloat16() -> None:
    network, images = _squeezed(), torch.rand((1, 3, 512, 512)) + 1

    light = streamline(network).to(torch.bfloat16)

    # The rounding of bfloat16's 8 bits, a few times over.
    torch.testing.assert_close(light(images.bfloat16()).float(), network(images), rtol=0.02, atol=0.02)


class _SeenBeforeItsNorm(nn.Module):
    """What the convolution gives is used twice, with the batch norm and without."""

    def __init__(self) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(3, 3, 3, padding=1)
        self.norm = nn.BatchNorm2d(3)

    def forward(self, image: Tensor) -> Tensor:
        seen = self.convolution(image)
        both: Tensor = seen + self.norm(seen)
        return both


def test_a_network_that_folding_would_change_stays_as_it_is() -> None:
    network = _trained(_SeenBeforeItsNorm())

    light = streamline(network)

    image = torch.randn((1, 3, 16, 16))
    assert _norms(light) == 1
    assert torch.equal(light(image), network(image))


def test_a_streamlined_network_leaves_the_given_one_alone() -> None:
    network = _trained(smp.create_model("Unet", "resnet18", encoder_weights=None, classes=3))
    before = {name: weights.clone() for name, weights in network.state_dict().items()}

    streamline(network)

    assert all(torch.equal(weights, before[name]) for name, weights in network.state_dict().items())


def test_float32_is_float32_everywhere() -> None:
    assert pick_dtype(Precision.FLOAT32, CPU) is torch.float32


def test_mixed_precision_is_bfloat16_only_where_the_processor_has_it() -> None:
    flags = _processor_flags()
    expected = torch.bfloat16 if flags & {"avx512_bf16", "amx_bf16"} else torch.float32

    assert pick_dtype(Precision.MIXED, CPU) is expected


def _processor_flags() -> set[str]:
    try:
        with Path("/proc/cpuinfo").open() as file:
            return {flag for line in file if line.startswith("flags") for flag in line.split()}
    except FileNotFoundError:
        return set()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_mixed_precision_is_bfloat16_on_a_current_gpu() -> None:
    assert pick_dtype(Precision.MIXED, torch.device("cuda:0")) is torch.bfloat16

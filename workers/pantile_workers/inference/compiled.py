"""Steps that a GPU does in one pass over memory once they are compiled, each for tensors of any size.

A GPU computes convolutions so fast that what lies between them takes as long: a convolution's bias, an activation, a
normalisation are a pass over memory each. Only these are compiled, not whole networks, which would take half a minute
for each segmenter and each number of patches (docs/performance.md).
"""

import os
import shutil
from functools import cache

import torch
from torch import Tensor
from torch._dynamo import config as compilation
from torch.nn import functional
from torch.utils._triton import has_triton

# Where a compiler is there but fails, a step is done uncompiled, and a warning says why.
compilation.suppress_errors = True


@cache
def can_compile() -> bool:
    """Whether steps can be compiled for a GPU here: Triton needs a C compiler for what starts them."""
    named = os.environ.get("CC")
    return has_triton() and any(shutil.which(name) for name in ([named] if named else ["gcc", "clang", "cc"]))


@torch.compile(dynamic=True)
def add(pixels: Tensor, bias: Tensor) -> Tensor:
    """(pixels, channels) and (channels,) to (pixels, channels)."""
    return pixels + bias


@torch.compile(dynamic=True)
def add_relu(pixels: Tensor, bias: Tensor) -> Tensor:
    """As `add`, with ReLU."""
    return functional.relu(pixels + bias)


@torch.compile(dynamic=True)
def add_silu(pixels: Tensor, bias: Tensor) -> Tensor:
    """As `add`, with SiLU."""
    return functional.silu(pixels + bias)


def normalise(patches: Tensor, mean: Tensor, std: Tensor, dtype: torch.dtype) -> Tensor:
    """(patches, rows, columns, 3) uint8 to (patches, 3, rows, columns), channels last, computed in float32."""
    step = _normalise_compiled if patches.is_cuda and can_compile() else _normalise
    return step(patches, mean, std, dtype).permute(0, 3, 1, 2)


def pick_classes(logits: Tensor) -> Tensor:
    """(patches, classes, rows, columns) to the likeliest class, the first of equals: (patches, rows, columns) uint8."""
    if logits.is_cuda and can_compile():
        return _pick_classes_compiled(logits)
    return logits.argmax(dim=1).to(torch.uint8)


def _normalise(patches: Tensor, mean: Tensor, std: Tensor, dtype: torch.dtype) -> Tensor:
    return patches.to(torch.float32).div_(255).sub_(mean).div_(std).to(dtype)


@torch.compile(dynamic=True)
def _normalise_compiled(patches: Tensor, mean: Tensor, std: Tensor, dtype: torch.dtype) -> Tensor:
    return ((patches.to(torch.float32) / 255 - mean) / std).to(dtype)


@torch.compile(dynamic=True)
def _pick_classes_compiled(logits: Tensor) -> Tensor:
    # Class by class, as a reduction over an axis so short keeps few of a GPU's threads busy.
    highest, classes = logits[:, 0], torch.zeros_like(logits[:, 0], dtype=torch.uint8)
    for index in range(1, logits.shape[1]):
        is_higher = logits[:, index] > highest
        highest = torch.where(is_higher, logits[:, index], highest)
        classes = torch.where(is_higher, index, classes)
    return classes

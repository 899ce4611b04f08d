"""Stitching: from what the network says of overlapping patches to one class map."""

from collections.abc import Sequence
from math import exp
from typing import Protocol

import torch
from torch import Tensor

from pantile.domain.patches import Patch
from pantile.domain.segmenters import Stitching
from pantile_workers.inference.compiled import pick_classes
from pantile_workers.inference.windows import Window, kept_window, whole

BLEND_SIGMA = 1 / 8
"""Standard deviation of the blending weights, in patches.

nnU-Net's choice: `sigma_scale` of `compute_gaussian` in nnunetv2/inference/sliding_window_prediction.py.
"""

_FULL = 255.0


class Stitcher(Protocol):
    """Makes one class map, on the device, of patches that come row by row, in the order of the grid."""

    @property
    def planes(self) -> Sequence[Tensor]:
        """The class map, (height, width) uint8, and where it was asked for the confidence map, 255 for a certainty."""

    def window(self, patches: Sequence[Patch]) -> Window:
        """The part of the patches that is wanted of the network, one for all of a batch."""

    def reduce(self, logits: Tensor) -> Sequence[Tensor]:
        """What is needed of a batch's logits in its window, (patches, classes, rows, columns); may be asked again.

        Whatever takes memory by the batch happens here.
        """

    def add(self, patches: Sequence[Patch], reduced: Sequence[Tensor]) -> None:
        """Takes a batch in, once."""

    def finish(self) -> None:
        """Completes the planes after the last batch."""


def make_stitcher(
    stitching: Stitching,
    size_px: tuple[int, int],
    *,
    classes: int,
    patch_px: int,
    confidence: bool,
    device: torch.device,
) -> Stitcher:
    """The stitcher of a class map of (height, width) `size_px`."""
    planes = [torch.empty(size_px, dtype=torch.uint8, device=device) for _ in range(2 if confidence else 1)]
    match stitching:
        case Stitching.CENTRE:
            return CentreStitcher(planes)
        case Stitching.BLEND:
            return BlendStitcher(planes, classes=classes, patch_px=patch_px)


class CentreStitcher:
    """Keeps the centre of each patch, as the study does."""

    def __init__(self, planes: Sequence[Tensor]) -> None:
        self.planes = planes

    def window(self, patches: Sequence[Patch]) -> Window:
        """What is kept of any of the patches."""
        return kept_window(patches)

    def reduce(self, logits: Tensor) -> Sequence[Tensor]:
        """Classes, and the confidence where it is asked for: (patches, rows, columns) uint8 each."""
        if len(self.planes) == 1:
            return [pick_classes(logits)]
        return _top(logits.float().softmax(dim=1), dim=1)

    def add(self, patches: Sequence[Patch], reduced: Sequence[Tensor]) -> None:
        """Writes the kept centres into the planes."""
        for plane, values in zip(self.planes, reduced, strict=True):
            keep_centres(plane, patches, values)

    def finish(self) -> None:
        """Nothing is left to do."""


def keep_centres(plane: Tensor, patches: Sequence[Patch], values: Tensor) -> None:
    """Writes the kept centre of each patch into the plane, in place.

    `plane` is (height, width) uint8; `values` is (patches, rows, columns) uint8 on the same device, in the order of
    `patches` and of their `kept_window`. As the kept centres tile the image, the order of writing does not matter.
    """
    held = kept_window(patches)
    for patch, own in zip(patches, values, strict=True):
        rows, columns = patch.row, patch.column
        plane[rows.keep_start : rows.keep_end, columns.keep_start : columns.keep_end] = kept_window([patch]).take(
            own, held
        )


class BlendStitcher:
    """Gaussian-weighted probabilities, summed over all patches that see a pixel and divided by the summed weights.

    Only a band as high as a patch is kept: 90 MB for 14 classes and 3125 pixels of width. A row is decided on as soon
    as no patch to come reaches it.
    """

    def __init__(self, planes: Sequence[Tensor], *, classes: int, patch_px: int) -> None:
        self.planes = planes
        self._height, self._width = planes[0].shape
        device = planes[0].device
        self._weights = blend_weights(patch_px).to(device)
        self._sums = torch.zeros((classes, patch_px, self._width), device=device)
        self._weight_sums = torch.zeros((patch_px, self._width), device=device)
        self._top = 0

    def window(self, patches: Sequence[Patch]) -> Window:  # noqa: ARG002 — the same for all patches
        """The whole of them."""
        return whole(self._weights)

    def reduce(self, logits: Tensor) -> Sequence[Tensor]:
        """Probabilities, (patches, classes, patch_px, patch_px) float32."""
        return [logits.float().softmax(dim=1)]

    def add(self, patches: Sequence[Patch], reduced: Sequence[Tensor]) -> None:
        """Adds the weighted probabilities to the band, which moves down to the patches' row first."""
        (probabilities,) = reduced
        for patch, own in zip(patches, probabilities, strict=True):
            self._move_to(patch.row.start)
            left = patch.column.start
            shown = min(self._width - left, own.shape[-1])
            weights = self._weights[:, :shown]
            self._sums[:, :, left : left + shown].addcmul_(own[:, :, :shown], weights)
            self._weight_sums[:, left : left + shown] += weights

    def finish(self) -> None:
        """Decides on the rows that are left."""
        self._decide(self._height - self._top)

    def _move_to(self, top: int) -> None:
        rows = top - self._top
        if rows == 0:
            return
        self._decide(rows)
        for sums in (self._sums, self._weight_sums):
            kept = sums[..., rows:, :].clone()
            sums[..., : kept.shape[-2], :] = kept
            sums[..., kept.shape[-2] :, :] = 0
        self._top = top

    def _decide(self, rows: int) -> None:
        probabilities = self._sums[:, :rows] / self._weight_sums[:rows]
        for plane, values in zip(self.planes, _top(probabilities, dim=0), strict=False):
            plane[self._top : self._top + rows] = values


def blend_weights(patch_px: int) -> Tensor:
    """(patch_px, patch_px) float32 Gaussian weights around the middle of a patch; positive up to its corners."""
    middle, sigma_px = (patch_px - 1) / 2, BLEND_SIGMA * patch_px
    profile = torch.tensor([exp(-(((place - middle) / sigma_px) ** 2) / 2) for place in range(patch_px)])
    return torch.outer(profile, profile)


def _top(probabilities: Tensor, *, dim: int) -> Sequence[Tensor]:
    """The likeliest class and its probability (255 for 1.0), uint8."""
    highest, classes = probabilities.max(dim=dim)
    return [classes.to(torch.uint8), highest.mul(_FULL).round().to(torch.uint8)]

"""Placing: ROIs in the device's memory, and the patches that the engine takes from them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from pantile.domain.patches import Patch

_WHITE = 255


class PatchSource(Protocol):
    """An ROI on the device, ready to give its patches; let go of it to free the memory."""

    @property
    def size_px(self) -> tuple[int, int]:
        """(height, width) of its class map."""

    @property
    def device(self) -> torch.device:
        """Where it is."""

    def cut(self, patches: Sequence[Patch], patch_px: int) -> Tensor:
        """(patches, patch_px, patch_px, 3) uint8 RGB, white beyond the ROI, on the device."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RoiOnDevice:
    """An ROI as one image, (height, width, 3) uint8 RGB: patches of any grid are cut from it (fast mode).

    Its class map is of (height, width) `size_px`: the image's size, or less where the rest is only to be seen by
    patches, as in a block of a slide.
    """

    pixels: Tensor
    size_px: tuple[int, int]

    @property
    def device(self) -> torch.device:
        """Where the image is."""
        return self.pixels.device

    def cut(self, patches: Sequence[Patch], patch_px: int) -> Tensor:
        """The patches, cut from the image."""
        shape = (len(patches), patch_px, patch_px, 3)
        cut = torch.full(shape, _WHITE, dtype=torch.uint8, device=self.device)
        for target, patch in zip(cut, patches, strict=True):
            top, left = patch.row.start, patch.column.start
            part = self.pixels[top : top + patch_px, left : left + patch_px]
            target[: part.shape[0], : part.shape[1]] = part
        return cut


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PatchesOnDevice:
    """An ROI as patches that were cut and resized before, (patches, patch_px, patch_px, 3) uint8 RGB (exact mode).

    `places` says which of them has its upper left corner (row, column) where.
    """

    patches: Tensor
    places: dict[tuple[int, int], int]
    size_px: tuple[int, int]

    @property
    def device(self) -> torch.device:
        """Where the patches are."""
        return self.patches.device

    def cut(self, patches: Sequence[Patch], patch_px: int) -> Tensor:
        """The patches; raises `ValueError` for those of another grid than they were cut on."""
        try:
            found = [self.places[patch.row.start, patch.column.start] for patch in patches]
        except KeyError as error:
            raise ValueError(f"no patch was cut at {error}") from error
        if self.patches.shape[1] != patch_px:
            raise ValueError(f"patches of {self.patches.shape[1]} px were cut, not of {patch_px}")
        return self.patches[found]

"""Networks: what the engine asks of a segmenter, whatever runs it."""

from typing import Protocol

from torch import Tensor


class Network(Protocol):
    """A network on a device, ready to be called: a torch module in eval mode, or anything else that answers so."""

    def __call__(self, patches: Tensor, /) -> Tensor:
        """The logits, (patches, classes, patch_px, patch_px) float32, of (patches, 3, patch_px, patch_px) float32.

        The patches are RGB, scaled to 0-1 and normalised as the card says; both tensors are on the network's device.
        """

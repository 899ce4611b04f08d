"""Networks: what the engine asks of a segmenter, whatever runs it."""

from typing import Protocol

from torch import Tensor


class Network(Protocol):
    """A network on a device, ready to be called: a torch module in eval mode, or anything else that answers so."""

    def __call__(self, patches: Tensor, /) -> Tensor:
        """The logits, (patches, classes, patch_px, patch_px), of patches, (patches, 3, patch_px, patch_px).

        The patches are RGB, scaled to 0-1 and normalised as the card says, in the type that the network computes in:
        float32, unless somebody brought it to another. Both tensors are on the network's device.
        """

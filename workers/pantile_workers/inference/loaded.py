"""Loaded segmenters: networks that stay on the device between ROIs, loaded once however many ask at the same time."""

from collections import OrderedDict, defaultdict
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field
from threading import Lock

import torch
from torch import nn

from pantile.domain.segmenters import Card
from pantile_workers.inference.networks import Network


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LoadedSegmenter:
    """A segmenter's card and its network on a device, in float32; `digest` is the card's (`card_digest`)."""

    card: Card
    digest: str
    network: Network
    _in_16_bits: dict[torch.dtype, nn.Module] = field(default_factory=dict, init=False, repr=False)

    def network_in(self, dtype: torch.dtype) -> tuple[Network, torch.dtype]:
        """The network with its weights in `dtype`, and the type that it takes and computes in.

        Only torch's own networks can be had in another type than float32. For the device's own thread.
        """
        if dtype is torch.float32 or not isinstance(self.network, nn.Module):
            return self.network, torch.float32
        if dtype not in self._in_16_bits:
            self._in_16_bits[dtype] = deepcopy(self.network).to(dtype)
        return self._in_16_bits[dtype], dtype


class SegmenterCache:
    """The segmenters used last, by card digest, at most `limit`; one that is in use lives on until its user is done."""

    def __init__(self, *, limit: int) -> None:
        self._limit = limit
        self._segmenters: OrderedDict[str, LoadedSegmenter] = OrderedDict()
        self._lock = Lock()
        self._loading: defaultdict[str, Lock] = defaultdict(Lock)

    def get(self, digest: str, load: Callable[[], LoadedSegmenter]) -> LoadedSegmenter:
        """The segmenter of that digest; of several callers at once one loads it while the others wait.

        An error of `load` is raised to the caller whose turn it was; the next one tries again.
        """
        with self._lock:
            loading = self._loading[digest]
        with loading:
            return self._known(digest) or self._keep(digest, load())

    def __len__(self) -> int:
        """How many segmenters are kept."""
        return len(self._segmenters)

    def _known(self, digest: str) -> LoadedSegmenter | None:
        with self._lock:
            known = self._segmenters.get(digest)
            if known is not None:
                self._segmenters.move_to_end(digest)
            return known

    def _keep(self, digest: str, segmenter: LoadedSegmenter) -> LoadedSegmenter:
        with self._lock:
            self._segmenters[digest] = segmenter
            while len(self._segmenters) > self._limit:
                self._segmenters.popitem(last=False)
        return segmenter

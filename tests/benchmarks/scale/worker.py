"""A segment worker whose work is replaced, from outside, by a sleep: `worker.py SLEEP_S THREADS`.

Process, queue, claim, leases, the storing threads and finish are the product's own. What is left out is what the
figures are not about: fetching an ROI, decoding it, the network, and uploading the class map.
"""

import sys
import time
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np

from pantile.objects import ObjectStore, StoredObject, sha256_of
from pantile.settings import Settings
from pantile_workers import process, segmenting
from pantile_workers.imaging.reading import RoiPixels
from pantile_workers.runtime import Runtime

_EDGE_PX = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class StageSeconds:
    """The network's stages, of which none took place."""

    network: float = 0.0


class SleepingEngine:
    """In the engine's place; it has no device."""

    device = "none"

    def give_way(self) -> None:
        """Lets nobody pass: there is no network that computes on the same cores."""


def main(sleep_s: float, threads: int) -> None:
    """Runs the worker until it is told to stop."""
    pixels = np.zeros((_EDGE_PX, _EDGE_PX, 3), dtype=np.uint8)
    read = RoiPixels(image=pixels, width_px=_EDGE_PX, height_px=_EDGE_PX, roi_mpp=1.0, model_mpp=1.0)
    made: Any = SimpleNamespace(
        class_map=pixels[..., 0],
        confidence=None,
        arithmetic="none",
        patches=0,
        batch_patches=0,
        seconds=StageSeconds(),
    )

    def sleep(*_: Any) -> Any:
        time.sleep(sleep_s)
        return segmenting._Segmented(read, made, {})

    def put_nowhere(_: ObjectStore, folder: str, data: bytes, *, suffix: str, **__: Any) -> StoredObject:
        digest = sha256_of(data)
        return StoredObject(key=f"{folder}/{digest}{suffix}", sha256=digest, bytes=len(data))

    _replace(segmenting, _segment=sleep)
    _replace(ObjectStore, put_named=put_nowhere)
    _replace(Runtime, engine=SleepingEngine())
    process.run_segment_worker(Settings().model_copy(update={"worker_threads": threads}))


def _replace(owner: Any, **by: Any) -> None:
    for name, value in by.items():
        setattr(owner, name, value)


if __name__ == "__main__":
    main(float(sys.argv[1]), int(sys.argv[2]))

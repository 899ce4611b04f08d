"""The engine: owns the device and turns an ROI and a segmenter into a class map.

All calls to torch happen on one thread. ROIs go to the device once, as uint8, and stay there while a caller holds the
handle; patches are taken from it, normalised, segmented and stitched on the device, and one uint8 class map comes back.
"""

from collections.abc import Callable, Container, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from types import TracebackType
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pantile.domain.class_maps import ClassMap, RgbImage
from pantile.domain.errors import SegmenterBroken
from pantile.domain.patches import Patch, plan_grid
from pantile.domain.segmenters import Card, EngineSettings, card_digest
from pantile_workers.inference.arithmetic import pick_dtype, streamline
from pantile_workers.inference.checkpoints import load_network
from pantile_workers.inference.compiled import normalise
from pantile_workers.inference.decoders import WindowedNetwork, compute_windows
from pantile_workers.inference.devices import DeviceClock, DeviceThread, give_way_on, gpu_uuid, pick_device
from pantile_workers.inference.loaded import LoadedSegmenter, SegmenterCache
from pantile_workers.inference.networks import Network
from pantile_workers.inference.placing import PatchesOnDevice, PatchSource, RoiOnDevice
from pantile_workers.inference.stitching import Stitcher, make_stitcher
from pantile_workers.inference.windows import Window, whole

_BATCH_PATCHES = {"cpu": 2, "cuda": 64}
"""On a CPU two patches, as the activations of more leave its caches and cost a page fault each 4 kB: 64 ms a patch in
batches of 2 against 112 in batches of 8 (toy4, bfloat16, two cores). On a GPU the whole of a study's ROI at once, so
that starting kernels takes no time that counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StageSeconds:
    """Where the time of one segmentation went.

    `waiting_s` before the device's thread was free, `preparing_s` cutting and normalising patches, `network_s` in the
    network itself, `stitching_s` argmax, stitching and the class map's way back.
    """

    waiting_s: float
    preparing_s: float
    network_s: float
    stitching_s: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Segmentation:
    """What came out, and how: `class_map` (height, width) uint8 in the pixels of the ROI as it was placed.

    `confidence`, where the settings ask for it, is as large: the network's top probability, uint8, 255 for a certainty.
    `arithmetic` is the type that the network computed in, "float32" or "bfloat16".
    """

    class_map: ClassMap
    confidence: NDArray[np.uint8] | None
    arithmetic: str
    patches: int
    batch_patches: int
    seconds: StageSeconds


class Engine:
    """One device with the segmenters loaded on it. Callable from many threads; they take turns, in order.

    `batch_patches` go through the network at once, 0 for as many as suit the device; where a GPU's memory does not hold
    them, half as many, down to one. `torch_threads` is the number of CPU threads of the network, 0 for torch's own
    choice. None of this changes a class map beyond the numerics of the device.
    """

    def __init__(
        self,
        *,
        device: str = "auto",
        batch_patches: int = 0,
        segmenter_cache: int = 8,
        torch_threads: int = 0,
        waiting: int = 8,
    ) -> None:
        self.device = pick_device(device)
        self._batch_patches = batch_patches or _BATCH_PATCHES[self.device.type]
        self._segmenters = SegmenterCache(limit=segmenter_cache)
        self._thread = DeviceThread(waiting=waiting, threads=torch_threads)

    def __enter__(self) -> Self:
        """The engine; it is closed at the end of the block."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    @property
    def gpu_uuid(self) -> str:
        """The UUID of the GPU by which NVIDIA's driver knows it; empty on a CPU."""
        return gpu_uuid(self.device)

    def give_way(self) -> None:
        """Lowers the calling thread's priority below the device's thread, where that computes on the same cores.

        For threads that read or write what the network takes or gives: a network on a CPU waits for the slowest of its
        cores, so that one which also decodes holds up the others.
        """
        give_way_on(self.device)

    def close(self) -> None:
        """Ends the device's thread."""
        self._thread.close()

    def load(self, card: Card, find_checkpoint: Callable[[], Path]) -> LoadedSegmenter:
        """The card's segmenter on the device, from the cache or from the safetensors file that `find_checkpoint` gives.

        `find_checkpoint` runs on the caller's thread, and only where the segmenter is not loaded yet.

        Raises:
            SegmenterBroken: the checkpoint cannot be read or does not fit the card.
        """
        digest = card_digest(card)

        def load() -> LoadedSegmenter:
            path = find_checkpoint()
            return self._thread.call(lambda: self._load(card, digest, path))

        return self._segmenters.get(digest, load)

    def place(self, image: RgbImage, *, size_px: tuple[int, int] | None = None) -> RoiOnDevice:
        """The image, (height, width, 3) uint8 RGB, on the device: once for all segmenters of an ROI.

        `size_px` is the (height, width) of the class map where it is to cover only the upper left part of the image.
        On the CPU the handle shares the image's memory, which must not change while it is in use.
        """
        covered = size_px or (image.shape[0], image.shape[1])
        staged = self._stage(image)
        return self._thread.call(lambda: RoiOnDevice(pixels=self._take(staged), size_px=covered))

    def place_patches(
        self, patches: NDArray[np.uint8], *, corners: Sequence[tuple[int, int]], size_px: tuple[int, int]
    ) -> PatchesOnDevice:
        """Patches cut before, (patches, patch_px, patch_px, 3) uint8 RGB, on the device; memory as with `place`.

        `corners` are their upper left corners (row, column), `size_px` is the (height, width) of the class map.
        """
        places = {corner: index for index, corner in enumerate(corners)}
        staged = self._stage(patches)
        return self._thread.call(lambda: PatchesOnDevice(patches=self._take(staged), places=places, size_px=size_px))

    def segment(
        self,
        roi: PatchSource,
        segmenter: LoadedSegmenter,
        settings: EngineSettings,
        *,
        skipped: Container[tuple[int, int]] = (),
    ) -> Segmentation:
        """The class map of an ROI that was placed as the segmenter and the settings want it.

        Their mode is the business of whoever read the ROI: both modes come here as a source of patches. With centre
        stitching, patches whose upper left corner (row, column) is `skipped` are not run; what would be kept of them
        is left undefined.

        Raises:
            SegmenterBroken: the settings do not fit the segmenter's patches, or the network's logits are not of the
                shape that the card says, or not finite.
            torch.OutOfMemoryError: the device's memory does not even hold one patch.
        """
        patches = [
            patch
            for patch in _plan(roi, segmenter.card, settings)
            if (patch.row.start, patch.column.start) not in skipped
        ]
        asked = perf_counter()
        return self._thread.call(lambda: self._segment(roi, segmenter, patches, settings, asked))

    def _stage(self, pixels: NDArray[np.uint8]) -> Tensor:
        """The pixels where the device can fetch them by itself: pinned memory, filled on the caller's thread."""
        tensor = torch.from_numpy(pixels)
        return tensor.pin_memory() if self.device.type == "cuda" else tensor

    def _take(self, staged: Tensor) -> Tensor:
        return staged.to(self.device, non_blocking=True)

    def _load(self, card: Card, digest: str, path: Path) -> LoadedSegmenter:
        network = load_network(card, path, self.device)
        if isinstance(network, torch.nn.Module):
            # Both compare logits before and after, which TF32's rounding alone would make differ.
            with _repeatable():
                network = compute_windows(streamline(network))
        return LoadedSegmenter(card=card, digest=digest, network=network)

    def _segment(
        self,
        roi: PatchSource,
        segmenter: LoadedSegmenter,
        patches: Sequence[Patch],
        settings: EngineSettings,
        asked: float,
    ) -> Segmentation:
        waiting_s = perf_counter() - asked
        network, dtype = segmenter.network_in(pick_dtype(settings.precision, self.device))
        with torch.inference_mode(), _repeatable():
            stitcher = make_stitcher(
                settings.stitching,
                roi.size_px,
                classes=segmenter.card.output_channels,
                patch_px=segmenter.card.patch_px,
                confidence=settings.confidence,
                device=self.device,
            )
            run = _Run(
                roi,
                segmenter.card,
                network=network,
                dtype=dtype,
                stitcher=stitcher,
                clock=DeviceClock(self.device),
            )
            batch_patches = run.stitch(patches, self._batch_patches)
            planes: list[NDArray[np.uint8]] = [_fetch(plane) for plane in stitcher.planes]
        run.clock.mark("stitching")
        run.check_finite()
        seconds = run.clock.seconds()
        return Segmentation(
            class_map=planes[0],
            confidence=planes[1] if settings.confidence else None,
            arithmetic=str(dtype).removeprefix("torch."),
            patches=len(patches),
            batch_patches=batch_patches,
            seconds=StageSeconds(
                waiting_s=waiting_s,
                preparing_s=seconds["preparing"],
                network_s=seconds["network"],
                stitching_s=seconds["stitching"],
            ),
        )


class _Run:
    """One ROI going through one network, on the device's thread."""

    def __init__(
        self,
        roi: PatchSource,
        card: Card,
        *,
        network: Network,
        dtype: torch.dtype,
        stitcher: Stitcher,
        clock: DeviceClock,
    ) -> None:
        device = roi.device
        self._roi = roi
        self._card = card
        self._network = network
        self._dtype = dtype
        self._stitcher = stitcher
        self._mean = torch.tensor(card.normalisation.mean, device=device)
        self._std = torch.tensor(card.normalisation.std, device=device)
        self._is_finite = torch.ones((), dtype=torch.bool, device=device)
        self.clock = clock

    def stitch(self, patches: Sequence[Patch], batch_patches: int) -> int:
        """Brings all patches to the stitcher, and gives the batch size that fitted into memory."""
        done = 0
        while done < len(patches):
            batch = patches[done : done + batch_patches]
            if self._try_batch(batch):
                done += len(batch)
            else:
                batch_patches = len(batch) // 2
        self._stitcher.finish()
        return batch_patches

    def check_finite(self) -> None:
        """Raises `SegmenterBroken` where any logit was not finite; once a run, as it waits for the device."""
        if not bool(self._is_finite):
            raise SegmenterBroken(f"{self._card.name}: the network gave values that are no finite numbers")

    def _try_batch(self, patches: Sequence[Patch]) -> bool:
        """Whether the batch went through; False where it needs more memory than there is and can still be halved."""
        try:
            logits = self._predict(self._prepare(patches), self._stitcher.window(patches))
            reduced = self._stitcher.reduce(logits)
        except torch.OutOfMemoryError:
            if len(patches) == 1:
                raise
        else:
            self._stitcher.add(patches, reduced)
            self.clock.mark("stitching")
            return True
        # After the except block: until then the error holds the tensors of the failed batch.
        torch.cuda.empty_cache()
        return False

    def _prepare(self, patches: Sequence[Patch]) -> Tensor:
        """(patches, 3, patch_px, patch_px), normalised in float32, channels last, in the network's own type."""
        cut = self._roi.cut(patches, self._card.patch_px)
        prepared = normalise(cut, self._mean, self._std, self._dtype)
        self.clock.mark("preparing")
        return prepared

    def _predict(self, prepared: Tensor, window: Window) -> Tensor:
        """The logits within the window, (patches, classes, rows, columns)."""
        if isinstance(self._network, WindowedNetwork):
            logits = self._network.within(prepared, window)
        else:
            logits = window.take(self._checked(self._network(prepared), prepared), whole(prepared))
        self.clock.mark("network")
        # A sum is finite where all that is summed up is, and costs a fiftieth of asking each.
        self._is_finite &= torch.isfinite(logits.sum(dtype=torch.float32))
        return logits

    def _checked(self, logits: Tensor, prepared: Tensor) -> Tensor:
        """The logits, if they are of the shape that the card promises."""
        count, _, height, width = prepared.shape
        expected = (count, self._card.output_channels, height, width)
        if tuple(logits.shape) != expected:
            name, shape = self._card.name, tuple(logits.shape)
            raise SegmenterBroken(f"{name}: the network gave values of the shape {shape}, the card promises {expected}")
        return logits


def _fetch(plane: Tensor) -> NDArray[np.uint8]:
    """The plane in the processor's memory, by way of pinned memory where it is a GPU's."""
    host = torch.empty(plane.shape, dtype=plane.dtype, pin_memory=plane.is_cuda)
    return host.copy_(plane).numpy()


def _plan(roi: PatchSource, card: Card, settings: EngineSettings) -> list[Patch]:
    height, width = roi.size_px
    try:
        return plan_grid(
            height, width, patch_px=card.patch_px, stride_px=settings.stride_px, margin_px=settings.margin_px
        )
    except ValueError as error:
        raise SegmenterBroken(f"{card.name}: {error}") from error


def _repeatable() -> AbstractContextManager[None]:
    """The same bits each time: cuDNN otherwise picks an algorithm by a race, and rounds float32 to TF32."""
    return torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=False)

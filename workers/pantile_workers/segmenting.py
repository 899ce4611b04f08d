"""Segmenting: one claim takes an ROI's waiting jobs, one fetch and decode serve them all, each is stored by itself.

While the network works on one job, the class map of the job before is encoded, uploaded and committed.
"""

from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import asdict
from functools import partial
from time import perf_counter
from typing import TYPE_CHECKING, NamedTuple
from uuid import uuid4

from pantile.catalog import jobs
from pantile.catalog.jobs import ClaimedJob, ClassMapRow, ConfidenceRow, JobClaim
from pantile.class_map_files import encode_class_map, encode_confidence
from pantile.domain.class_maps import PaletteName, count_pixels
from pantile.domain.messages import SegmentRoi
from pantile.domain.review import mean_confidence
from pantile.domain.segmenters import Card, EngineSettings, Mode
from pantile.logs import log
from pantile.metrics import JOBS_DONE, PATCHES, ROIS_DECODED, ROIS_FETCHED, ROIS_REUSED, STAGE_SECONDS
from pantile_workers.imaging.patching import RoiPatches, read_patches
from pantile_workers.imaging.reading import RoiPixels, read_roi
from pantile_workers.leasing import NotDone, attempt
from pantile_workers.provenance import describe_run
from pantile_workers.runtime import Runtime
from pantile_workers.whole_slides import segment_whole_slide

if TYPE_CHECKING:
    from pantile_workers.inference.engine import Segmentation
    from pantile_workers.inference.placing import PatchSource


def segment_roi(runtime: Runtime, message: SegmentRoi) -> str:
    """Segments the job that the message names, together with the other waiting jobs of its ROI.

    Raises:
        NotDone: some of the jobs were not done; each one's row says why and what follows.
    """
    with runtime.solitude.together():
        claim = _claim(runtime, message.job_id, alone=False)
        if not claim.needs_solitude:
            return _segment_claimed(runtime, claim.jobs)
    with runtime.solitude.alone():
        return _segment_claimed(runtime, _claim(runtime, message.job_id, alone=True).jobs)


def _claim(runtime: Runtime, job_id: int, *, alone: bool) -> JobClaim:
    with runtime.database.transaction() as connection:
        return jobs.claim_jobs(
            connection, job_id, worker=runtime.name, token=uuid4(), lease_s=runtime.settings.lease_s, alone=alone
        )


def _segment_claimed(runtime: Runtime, claimed: Sequence[ClaimedJob]) -> str:
    if not claimed:
        return "nothing to do"
    if claimed[0].is_of_whole_slide:
        return _segment_slide(runtime, *claimed)
    roi = _SharedRoi(runtime, claimed[0])
    storing: list[Future[None]] = []
    problems: list[str] = []
    with runtime.leases.holding([job.lease for job in claimed]):
        for job in claimed:
            try:
                segmented = attempt(runtime.leases, job.lease, partial(_segment, runtime, roi, job))
            except NotDone as error:
                problems.append(f"{job.card.name}: {error.detail}")
                continue
            store = partial(_store, runtime, job, segmented)
            storing.append(runtime.storing.submit(attempt, runtime.leases, job.lease, store))
        for future in storing:
            try:
                future.result()
            except NotDone as error:
                problems.append(error.detail)
    if problems:
        raise NotDone("; ".join(problems))
    return f"segmented by {', '.join(job.card.name for job in claimed)}"


def _segment_slide(runtime: Runtime, job: ClaimedJob) -> str:
    with runtime.leases.holding([job.lease]):
        attempt(runtime.leases, job.lease, partial(segment_whole_slide, runtime, job))
    return f"segmented by {job.card.name}"


class _PlacedRoi(NamedTuple):
    """An ROI read for a segmenter and its settings, in memory and on the device."""

    read: RoiPixels | RoiPatches
    on_device: "PatchSource"


class _Reading(NamedTuple):
    """What a segmenter and its settings want of an ROI's file; those that want the same share it.

    The patch's size and the stride only matter, and are only named, where the patches are cut while reading.
    """

    mode: Mode
    model_mpp: float
    patch_px: int = 0
    stride_px: int = 0


def _reading(card: Card, settings: EngineSettings) -> _Reading:
    match settings.mode:
        case Mode.FAST:
            return _Reading(settings.mode, card.model_mpp)
        case Mode.EXACT:
            return _Reading(settings.mode, card.model_mpp, card.patch_px, settings.stride_px)


class _SharedRoi:
    """An ROI for the jobs of one claim: fetched once, read and placed once for each way in which they want it read."""

    def __init__(self, runtime: Runtime, job: ClaimedJob) -> None:
        self._runtime = runtime
        self._job = job
        self._file: bytes | None = None
        self._placed: dict[_Reading, _PlacedRoi] = {}

    def placed(self, reading: _Reading, timings: dict[str, float]) -> _PlacedRoi:
        """The ROI read and placed in that way; adds the seconds that it took to `timings`."""
        if reading in self._placed:
            ROIS_REUSED.inc()
        else:
            started = perf_counter()
            data = self._fetch()
            fetched = perf_counter()
            self._placed[reading] = self._place(data, reading)
            timings |= {"fetch": fetched - started, "decode": perf_counter() - fetched}
            ROIS_DECODED.inc()
        return self._placed[reading]

    def _place(self, data: bytes, reading: _Reading) -> _PlacedRoi:
        engine, roi_mpp, max_megapixels = self._runtime.engine, self._job.roi_mpp, self._runtime.settings.max_megapixels
        engine.give_way()
        match reading.mode:
            case Mode.FAST:
                roi = read_roi(data, roi_mpp=roi_mpp, model_mpp=reading.model_mpp, max_megapixels=max_megapixels)
                return _PlacedRoi(roi, engine.place(roi.image))
            case Mode.EXACT:
                cut = read_patches(
                    data,
                    roi_mpp=roi_mpp,
                    model_mpp=reading.model_mpp,
                    patch_px=reading.patch_px,
                    stride_px=reading.stride_px,
                    max_megapixels=max_megapixels,
                )
                return _PlacedRoi(
                    cut, engine.place_patches(cut.patches, corners=cut.corners, size_px=(cut.height_px, cut.width_px))
                )

    def _fetch(self) -> bytes:
        if self._file is None:
            assert self._job.image_key is not None  # noqa: S101 — else it is a whole slide
            self._file = self._runtime.objects.get(self._job.image_key, sha256=self._job.image_sha256)
            ROIS_FETCHED.inc()
        return self._file


class _Segmented(NamedTuple):
    """What the network made of a job, on its way to the bucket."""

    read: RoiPixels | RoiPatches
    segmentation: "Segmentation"
    timings: dict[str, float]


def _segment(runtime: Runtime, roi: _SharedRoi, job: ClaimedJob) -> _Segmented:
    runtime.leases.check(job.lease)
    timings: dict[str, float] = {}
    placed = roi.placed(_reading(job.card, job.settings), timings)
    segmenter = runtime.engine.load(
        job.card, partial(runtime.fetch_checkpoint, job.checkpoint_key, sha256=job.card.checkpoint_sha256)
    )
    segmentation = runtime.engine.segment(placed.on_device, segmenter, job.settings)
    PATCHES.labels(job.card.name).inc(segmentation.patches)
    timings |= {stage.removesuffix("_s"): seconds for stage, seconds in asdict(segmentation.seconds).items()}
    return _Segmented(placed.read, segmentation, timings)


def _store(runtime: Runtime, job: ClaimedJob, segmented: _Segmented) -> None:
    runtime.leases.check(job.lease)
    runtime.engine.give_way()
    class_map, timings, started = segmented.segmentation.class_map, segmented.timings, perf_counter()
    data = encode_class_map(class_map, job.card.scheme.palette(PaletteName.SIMPLIFIED))
    encoded = perf_counter()
    stored = runtime.objects.put_named("class-maps", data, suffix=".png", media_type="image/png")
    timings |= {"encode": encoded - started, "upload": perf_counter() - encoded}
    confidence = _store_confidence(runtime, job, segmented.segmentation, timings)
    extent_width_px, extent_height_px = segmented.read.extent_px
    row = ClassMapRow(
        object_key=stored.key,
        sha256=stored.sha256,
        bytes=stored.bytes,
        width_px=class_map.shape[1],
        height_px=class_map.shape[0],
        map_mpp=segmented.read.map_mpp,
        extent_width_px=extent_width_px,
        extent_height_px=extent_height_px,
        class_pixels=count_pixels(class_map, len(job.card.scheme)),
        provenance=describe_run(runtime, job, segmented.segmentation),
        confidence=confidence,
    )
    with runtime.database.transaction() as connection:
        held = jobs.finish_job(connection, job.lease, row, timings=timings)
    runtime.leases.drop(job.lease)
    if held:
        _count(job, timings)
    log.info("class map stored", job_id=job.job_id, segmenter=job.card.name, held=held, **timings)


def _count(job: ClaimedJob, timings: Mapping[str, float]) -> None:
    JOBS_DONE.labels(job.card.name).inc()
    for stage, seconds in timings.items():
        STAGE_SECONDS.labels(stage).observe(seconds)


def _store_confidence(
    runtime: Runtime, job: ClaimedJob, segmentation: "Segmentation", timings: dict[str, float]
) -> ConfidenceRow | None:
    """Stores the confidence map, where the settings ask for it; adds the seconds that it took to `timings`."""
    if segmentation.confidence is None:
        return None
    started = perf_counter()
    data = encode_confidence(segmentation.confidence)
    stored = runtime.objects.put_named("confidence", data, suffix=".png", media_type="image/png")
    mean = mean_confidence(segmentation.confidence, segmentation.class_map, job.card.scheme)
    timings["confidence"] = perf_counter() - started
    return ConfidenceRow(object_key=stored.key, sha256=stored.sha256, bytes=stored.bytes, mean=mean)

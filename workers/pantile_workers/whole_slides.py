"""What a segment worker does with a whole slide, and an imaging worker before: both read it where its file is."""

from functools import partial
from pathlib import Path
from time import perf_counter

from pantile.catalog import jobs, slides
from pantile.catalog.jobs import ClaimedJob, ClassMapRow
from pantile.catalog.rois import ImageRow
from pantile.domain.errors import ImageUnreachable, WholeSlideRefused
from pantile.domain.slides import Place
from pantile.domain.whole_slides import IMAGE_FORMAT, why_not_whole
from pantile.logs import log
from pantile.objects import StoredObject
from pantile_workers.imaging.map_pyramids import write_map_pyramid
from pantile_workers.imaging.slides import open_slide, slide_digest
from pantile_workers.provenance import describe_run
from pantile_workers.runtime import Runtime
from pantile_workers.slide_segmenting import SlideRun


def look_at_whole(runtime: Runtime, place: Place) -> ImageRow:
    """A whole slide as an ROI's image: its digest and its size; raises as `slide_chores.cut_roi` does."""
    with runtime.database.transaction() as connection:
        found = slides.find_source(connection, place.slide_id)
    if found is None:
        raise ImageUnreachable("its slide was withdrawn")
    with runtime.slides.file(found[0]) as file, open_slide(file) as slide:
        width_px, height_px = slide.dimensions
        return ImageRow(
            sha256=slide_digest(file, slide),
            bytes=file.stat().st_size,
            width_px=width_px,
            height_px=height_px,
            format=IMAGE_FORMAT,
        )


def segment_whole_slide(runtime: Runtime, job: ClaimedJob) -> None:
    """Segments a whole slide where there is tissue and stores its class map, a pyramidal TIFF.

    Raises:
        WholeSlideRefused: the settings are not for whole slides.
        ImageUnreachable: its slide was withdrawn, or its file is another one now.
        SlideUnreadable, SegmenterBroken: the file or the segmenter is at fault.
        LeaseLost: somebody else has the job by now.
    """
    reason = why_not_whole(job.settings)
    if reason is not None:
        raise WholeSlideRefused(reason)
    with runtime.database.transaction() as connection:
        source = slides.find_whole_slide(connection, job.image_sha256)
    if source is None:
        raise ImageUnreachable("its slide was withdrawn")
    started = perf_counter()
    with runtime.slides.file(source) as file, open_slide(file) as slide, runtime.scratch_folder() as folder:
        if slide_digest(file, slide) != job.image_sha256:
            raise ImageUnreachable(f"{source} is another file than it was")
        fetched = perf_counter()
        run = SlideRun(
            slide, scale=job.card.model_mpp / job.roi_mpp, card=job.card, settings=job.settings, engine=runtime.engine
        )
        stored = _make_class_map(runtime, job, run, folder)
    _finish(runtime, job, run, stored, fetch_s=fetched - started)


def _make_class_map(runtime: Runtime, job: ClaimedJob, run: SlideRun, folder: Path) -> StoredObject:
    segmenter = runtime.engine.load(
        job.card, partial(runtime.fetch_checkpoint, job.checkpoint_key, sha256=job.card.checkpoint_sha256)
    )
    indices, target = folder / "indices", folder / "class-map.tif"
    with indices.open("wb") as file:
        # Each block is work of its own to the deadline of jobs, and the last to be done for a lease that is lost.
        for band in run.bands(segmenter, on_block=partial(runtime.leases.advance, job.lease)):
            file.write(band.data)
    started = perf_counter()
    size = {"width_px": run.plan.width_px, "height_px": run.plan.height_px}
    write_map_pyramid(indices, target, map_mpp=job.card.model_mpp, **size)
    encoded = perf_counter()
    runtime.leases.advance(job.lease)
    stored = runtime.objects.put_file("class-maps", target, media_type="image/tiff")
    run.tally.timings |= {"encode": encoded - started, "upload": perf_counter() - encoded}
    return stored


def _finish(runtime: Runtime, job: ClaimedJob, run: SlideRun, stored: StoredObject, *, fetch_s: float) -> None:
    tally, scale = run.tally, job.card.model_mpp / job.roi_mpp
    row = ClassMapRow(
        object_key=stored.key,
        sha256=stored.sha256,
        bytes=stored.bytes,
        width_px=run.plan.width_px,
        height_px=run.plan.height_px,
        map_mpp=job.card.model_mpp,
        extent_width_px=run.plan.width_px * scale,
        extent_height_px=run.plan.height_px * scale,
        class_pixels=tally.class_pixels,
        provenance=describe_run(runtime, job, tally),
    )
    timings = {"fetch": fetch_s, **tally.timings}
    with runtime.database.transaction() as connection:
        held = jobs.finish_job(connection, job.lease, row, timings=timings)
    runtime.leases.drop(job.lease)
    log.info("class map stored", job_id=job.job_id, segmenter=job.card.name, held=held, **timings)

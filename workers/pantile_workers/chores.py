"""Chores of an imaging worker, claimed, done and ended by token: ingesting, overlays, comparisons, pyramids."""

from collections.abc import Callable
from dataclasses import asdict
from uuid import uuid4

from pantile.catalog import chores, jobs, leases, pyramids, reviews, rois
from pantile.catalog.chores import ChoreClaim, Ingest
from pantile.catalog.holdings import incoming_key
from pantile.catalog.leases import Lease
from pantile.catalog.pyramids import Pyramid
from pantile.catalog.reviews import MIN_COMPARED, ComparedMap
from pantile.catalog.rois import ImageRow
from pantile.class_map_files import decode_class_map
from pantile.domain.class_maps import PaletteName
from pantile.domain.errors import CaseWithdrawn, ImageRefused
from pantile.domain.messages import (
    CompareSegmenters,
    IngestRoi,
    InspectSlide,
    MakePyramid,
    MakeSlidePyramid,
    RenderOverlay,
)
from pantile.domain.quality import QUALITY_MPP, measure_quality
from pantile.domain.review import Opinion, disagreement
from pantile.domain.slides import parse_place
from pantile.logs import log
from pantile.objects import sha256_of
from pantile_workers.fetching import UploadCorrupt, fetch_image
from pantile_workers.imaging.overlays import render_overlay
from pantile_workers.imaging.pyramids import make_pyramid
from pantile_workers.imaging.reading import inspect_image, read_roi
from pantile_workers.leasing import attempt
from pantile_workers.runtime import Runtime
from pantile_workers.slide_chores import cut_roi, inspect_slide, tile_slide
from pantile_workers.whole_slides import look_at_whole

_MEDIA_TYPES = {"jpg": "image/jpeg", "png": "image/png", "tif": "image/tiff"}


def ingest_roi(runtime: Runtime, message: IngestRoi) -> str:
    """Fetches, checks, hashes and stores one ROI's image, and makes its jobs in the transaction that says so."""
    return do_chore(runtime, message.chore_id, _ingest)


def render_one_overlay(runtime: Runtime, message: RenderOverlay) -> str:
    """Draws and stores the overlay of one succeeded job."""
    return do_chore(runtime, message.chore_id, _overlay)


def compare_segmenters(runtime: Runtime, message: CompareSegmenters) -> str:
    """Stores how far the segmenters of one ROI disagree."""
    return do_chore(runtime, message.chore_id, _compare)


def make_one_pyramid(runtime: Runtime, message: MakePyramid) -> str:
    """Makes and stores the pyramid of one ROI's image."""
    return do_chore(runtime, message.chore_id, _pyramid)


def inspect_one_slide(runtime: Runtime, message: InspectSlide) -> str:
    """Looks into one slide."""
    return do_chore(runtime, message.chore_id, inspect_slide)


def make_one_slide_pyramid(runtime: Runtime, message: MakeSlidePyramid) -> str:
    """Makes and stores the pyramid of one slide."""
    return do_chore(runtime, message.chore_id, tile_slide)


def do_chore(runtime: Runtime, chore_id: int, work: Callable[[Runtime, Lease], str]) -> str:
    """Claims a chore, alone if it is a suspect, and does the work under its lease; says what came of it."""
    with runtime.solitude.together():
        claim = _claim(runtime, chore_id, alone=False)
        if not claim.needs_solitude:
            return _work_on(runtime, claim.lease, work)
    with runtime.solitude.alone():
        return _work_on(runtime, _claim(runtime, chore_id, alone=True).lease, work)


def _claim(runtime: Runtime, chore_id: int, *, alone: bool) -> ChoreClaim:
    with runtime.database.transaction() as connection:
        return chores.claim_chore(
            connection,
            chore_id,
            worker=runtime.name,
            token=uuid4(),
            lease_s=runtime.settings.lease_s,
            alone=alone,
        )


def _work_on(runtime: Runtime, lease: Lease | None, work: Callable[[Runtime, Lease], str]) -> str:
    if lease is None:
        return "nothing to do"
    with runtime.leases.holding([lease]):
        return attempt(runtime.leases, lease, lambda: work(runtime, lease))


def _ingest(runtime: Runtime, lease: Lease) -> str:
    with runtime.database.transaction() as connection:
        ingest = chores.read_ingest(connection, lease.row_id)
    stored = _find_stored(runtime, ingest)
    if stored is not None:
        return _settle(runtime, lease, ingest, stored)
    try:
        place = parse_place(ingest.source)
        if place is not None and place.is_whole:
            return _settle(runtime, lease, ingest, look_at_whole(runtime, place))
        data = cut_roi(runtime, place) if place else fetch_image(ingest, runtime.objects, runtime.settings)
    except UploadCorrupt as error:
        # Another ROI with this very image may have used the upload up meanwhile.
        stored = _find_stored(runtime, ingest)
        return _settle(runtime, lease, ingest, stored) if stored else _await_again(runtime, lease, ingest, error)
    return _settle(runtime, lease, ingest, _keep_image(runtime, data, roi_mpp=ingest.roi_mpp))


def _find_stored(runtime: Runtime, ingest: Ingest) -> ImageRow | None:
    if ingest.expected_sha256 is None:
        return None
    with runtime.database.transaction() as connection:
        image = rois.find_image(connection, ingest.expected_sha256)
    return image if image is not None and image.refusal is None else None


def _keep_image(runtime: Runtime, data: bytes, *, roi_mpp: float) -> ImageRow:
    digest = sha256_of(data)
    with runtime.database.transaction() as connection:
        known = rois.find_image(connection, digest)
    if known is not None and known.refusal_kind == CaseWithdrawn.__name__:
        return known
    try:
        facts = inspect_image(data, max_megapixels=runtime.settings.max_megapixels)
    except ImageRefused as error:
        return ImageRow(sha256=digest, bytes=len(data), refusal_kind=type(error).__name__, refusal=str(error))
    stored = runtime.objects.put_named(
        "rois", data, suffix=f".{facts.format}", media_type=_MEDIA_TYPES.get(facts.format, "application/octet-stream")
    )
    return ImageRow(
        sha256=digest,
        bytes=len(data),
        object_key=stored.key,
        width_px=facts.width_px,
        height_px=facts.height_px,
        format=facts.format,
        quality=measure_quality(read_roi(data, roi_mpp=roi_mpp, model_mpp=QUALITY_MPP).image),
    )


def _settle(runtime: Runtime, lease: Lease, ingest: Ingest, image: ImageRow) -> str:
    with runtime.database.transaction() as connection:
        if not leases.succeed(connection, lease):
            return "lease lost"
        image = rois.keep_image(connection, image)
        rois.settle_roi(connection, ingest.roi_id, image)
        added = jobs.plan_jobs(
            connection, ingest.cohort_id, roi_id=ingest.roi_id, max_attempts=runtime.settings.max_attempts
        )
    if ingest.expected_sha256 and not ingest.is_remote:
        runtime.objects.delete(incoming_key(ingest.expected_sha256))
    log.info("image ingested", roi_id=ingest.roi_id, sha256=image.sha256, jobs=added, refusal=image.refusal)
    return image.refusal or f"stored; {added} jobs"


def _await_again(runtime: Runtime, lease: Lease, ingest: Ingest, error: UploadCorrupt) -> str:
    with runtime.database.transaction() as connection:
        if leases.fail(connection, lease, kind=type(error).__name__, sentence=str(error)):
            rois.await_again(connection, ingest.roi_id, kind=type(error).__name__, sentence=str(error))
    return str(error)


def _overlay(runtime: Runtime, lease: Lease) -> str:
    with runtime.database.transaction() as connection:
        overlay = chores.read_overlay(connection, lease.row_id)
    image = runtime.objects.get(overlay.image_key, sha256=overlay.image_sha256)
    class_map = decode_class_map(runtime.objects.get(overlay.class_map_key, sha256=overlay.class_map_sha256))
    picture = render_overlay(
        image,
        class_map,
        overlay.card.scheme,
        PaletteName.SIMPLIFIED,
        extent_px=(overlay.extent_width_px, overlay.extent_height_px),
    )
    stored = runtime.objects.put_named("overlays", picture, suffix=".jpg", media_type="image/jpeg")
    with runtime.database.transaction() as connection:
        if not leases.succeed(connection, lease):
            return "lease lost"
        chores.keep_overlay(
            connection, overlay.job_id, object_key=stored.key, sha256=stored.sha256, bytes_=stored.bytes
        )
    return f"drawn; {stored.bytes} bytes"


def _compare(runtime: Runtime, lease: Lease) -> str:
    with runtime.database.transaction() as connection:
        roi_id, compared = reviews.read_compared(connection, lease.row_id)
    is_enough = len(compared) >= MIN_COMPARED
    found = disagreement([_opinion(runtime, each) for each in compared]) if is_enough else None
    with runtime.database.transaction() as connection:
        if not leases.succeed(connection, lease):
            return "lease lost"
        if found is not None:
            reviews.keep_disagreement(connection, roi_id, found, sources=[each.source for each in compared])
    return f"{len(compared)} class maps" + (
        f" disagree by {found:.3f}" if found is not None else "; nothing to compare"
    )


def _opinion(runtime: Runtime, compared: ComparedMap) -> Opinion:
    return Opinion(
        class_map=decode_class_map(runtime.objects.get(compared.object_key, sha256=compared.sha256)),
        scheme=compared.scheme,
        map_mpp=compared.map_mpp,
        extent_px=(compared.extent_width_px, compared.extent_height_px),
    )


def _pyramid(runtime: Runtime, lease: Lease) -> str:
    with runtime.database.transaction() as connection:
        image = pyramids.read_untiled(connection, lease.row_id)
        if image.is_done:
            return "made already" if leases.succeed(connection, lease) else "lease lost"
    with runtime.scratch_folder() as folder:
        original, target = folder / "image", folder / "pyramid.szi"
        runtime.objects.fetch(image.object_key, original, sha256=image.sha256)
        facts = make_pyramid(original, target)
        stored = runtime.objects.put_file("pyramids", target, media_type="application/zip")
    with runtime.database.transaction() as connection:
        if not leases.succeed(connection, lease):
            return "lease lost"
        made = Pyramid(object_key=stored.key, sha256=stored.sha256, bytes=stored.bytes, **asdict(facts))
        pyramids.keep_pyramid(connection, image.sha256, made)
    return f"{facts.levels} levels; {stored.bytes} bytes"

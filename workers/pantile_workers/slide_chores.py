"""What an imaging worker does with slides: looks into them, makes their pyramids, and cuts ROIs out of them."""

from dataclasses import asdict
from io import BytesIO

import numpy as np
from PIL import Image

from pantile.catalog import leases, slide_pyramids, slides
from pantile.catalog.leases import Lease
from pantile.catalog.pyramids import Pyramid
from pantile.catalog.slides import Inspected
from pantile.domain.class_maps import Mask
from pantile.domain.errors import ImageUnreachable, SlideUnreadable
from pantile.domain.rois import MAX_MPP, MIN_MPP
from pantile.domain.slides import Place, find_tissue, guess_rectangles, roi_size_px
from pantile_workers.imaging.slide_pyramids import make_slide_pyramid
from pantile_workers.imaging.slides import encode_roi, open_slide, read_facts, read_overview, read_rectangle
from pantile_workers.runtime import Runtime

_OVERVIEW_PX = 4096
_OVERVIEW_QUALITY = 85
_TISSUE_PX = 1024
"""The longer side of the picture of a slide's tissue, which shows and counts but cuts nothing."""


def inspect_slide(runtime: Runtime, lease: Lease) -> str:
    """Stores what a slide's file says of itself, an overview, its tissue, and two rectangles on it."""
    with runtime.database.transaction() as connection:
        inspection = slides.read_inspection(connection, lease.row_id)
    with runtime.slides.file(inspection.source) as file, open_slide(file) as slide:
        facts = read_facts(slide)
        mpp = inspection.given_mpp or facts.mpp
        if mpp is None:
            raise SlideUnreadable("it does not say its mpp; give one when it is added")
        if not MIN_MPP <= mpp <= MAX_MPP:
            raise SlideUnreadable(f"its mpp is {mpp:g}, not within {MIN_MPP:g} and {MAX_MPP:g}; give one")
        overview = read_overview(slide, longest_px=_OVERVIEW_PX)
    tissue = find_tissue(overview)
    content = BytesIO()
    Image.fromarray(overview).save(content, "JPEG", quality=_OVERVIEW_QUALITY)
    stored = runtime.objects.put_named("overviews", content.getvalue(), suffix=".jpg", media_type="image/jpeg")
    tissue_stored = runtime.objects.put_named(
        "overviews", _tissue_picture(tissue), suffix=".png", media_type="image/png"
    )
    found = Inspected(
        facts=facts,
        mpp=mpp,
        overview_key=stored.key,
        overview_sha256=stored.sha256,
        tissue_key=tissue_stored.key,
        tissue_sha256=tissue_stored.sha256,
        tissue_fraction=float(tissue.mean()),
        guesses=guess_rectangles(tissue, width_px=facts.width_px, height_px=facts.height_px, size_px=roi_size_px(mpp)),
    )
    with runtime.database.transaction() as connection:
        if not leases.succeed(connection, lease):
            return "lease lost"
        slides.keep_inspected(connection, inspection.slide_id, found)
    return f"{facts.width_px} x {facts.height_px} px at {mpp:g} mpp; {len(found.guesses)} places guessed"


def _tissue_picture(tissue: Mask) -> bytes:
    """A tissue mask as a small picture, a PNG of one bit: white is tissue."""
    picture = Image.fromarray(tissue.astype(np.uint8) * 255)
    picture.thumbnail((_TISSUE_PX, _TISSUE_PX), Image.Resampling.BOX)
    content = BytesIO()
    picture.point(lambda share: 255 * (share > 127), "1").save(content, "PNG")
    return content.getvalue()


def tile_slide(runtime: Runtime, lease: Lease) -> str:
    """Stores a slide's pyramid."""
    with runtime.database.transaction() as connection:
        slide = slide_pyramids.read_untiled_slide(connection, lease.row_id)
        if slide.is_done or slide.mpp is None:
            return "nothing to do" if leases.succeed(connection, lease) else "lease lost"
    with runtime.scratch_folder() as folder:
        target = folder / "pyramid.szi"
        with runtime.slides.file(slide.source) as file, open_slide(file) as opened:
            facts = make_slide_pyramid(opened, target, slide_mpp=slide.mpp)
        stored = runtime.objects.put_file("pyramids", target, media_type="application/zip")
    sizes = asdict(facts)
    downsample = sizes.pop("downsample")
    made = Pyramid(object_key=stored.key, sha256=stored.sha256, bytes=stored.bytes, **sizes)
    with runtime.database.transaction() as connection:
        if not leases.succeed(connection, lease):
            return "lease lost"
        slide_pyramids.keep_slide_pyramid(connection, slide.slide_id, made, downsample=downsample)
    return f"{facts.levels} levels; {stored.bytes} bytes"


def cut_roi(runtime: Runtime, place: Place) -> bytes:
    """The file of an ROI that lies on a slide: the same bytes each time.

    Raises:
        ImageUnreachable: the slide is not ready any more, or its file cannot be had.
        SlideUnreadable: the file is damaged.
    """
    with runtime.database.transaction() as connection:
        found = slides.find_source(connection, place.slide_id)
    if found is None:
        raise ImageUnreachable("its slide was withdrawn")
    source, mpp = found
    with runtime.slides.file(source) as file, open_slide(file) as slide:
        pixels = read_rectangle(slide, place.rectangle)
    return encode_roi(pixels, mpp=mpp, lossless=place.is_lossless)

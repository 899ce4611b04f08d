"""Memory and time of a whole slide of 60,000 x 60,000 pixels at 0.25 mpp, generated: glass with a few pieces of tissue.

    make bench-whole-slide

The slide is written, and segmented by a segmenter of the demo, each in a process of its own, so that the peak of the
one is not the other's. What a segment worker takes besides (the catalog, the bucket) is next to nothing.
"""

import argparse
import os
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import NamedTuple

import numpy as np
import pyvips

from pantile.cli.screen import say
from pantile.domain.segmenters import EngineSettings, Stitching
from pantile.domain.whole_slides import NOT_SEGMENTED
from pantile.local.tissue import Morphology, generate_region
from pantile_workers.benchmark.apart import apart
from pantile_workers.benchmark.memory import peak_bytes
from pantile_workers.benchmark.subject import read_standing
from pantile_workers.imaging.map_pyramids import write_map_pyramid
from pantile_workers.imaging.slides import open_slide
from pantile_workers.inference.engine import Engine
from pantile_workers.slide_segmenting import SlideRun

MPP = 0.25
GLASS = 243
TISSUE_PX = (4096, 3072)
PLACES = ((0.1, 0.15), (0.45, 0.5), (0.9, 0.93))
"""Where pieces of tissue begin, as shares of the slide's width and height; the last reaches beyond it."""

CARD = Path(__file__).parents[2] / "services" / "pantile" / "local" / "segmenters" / "demo-glandular.toml"


class Measured(NamedTuple):
    """What a slide took."""

    seconds: float
    peak_bytes: int
    patches: int
    segmented: float
    map_bytes: int


def write_slide(file: Path, *, side_px: int) -> None:
    """Writes a pyramidal TIFF, JPEG within, without holding it."""
    width_px, height_px = TISSUE_PX
    region = generate_region(Morphology.GLANDULAR, seed=3, width_px=width_px, height_px=height_px, mpp=MPP)
    tissue = pyvips.Image.new_from_memory(np.ascontiguousarray(region.image).data, width_px, height_px, 3, "uchar")
    slide = (pyvips.Image.black(side_px, side_px, bands=3) + GLASS).cast("uchar").copy(interpretation="srgb")
    for across, down in PLACES:
        slide = slide.insert(tissue, round(across * side_px), round(down * side_px))
    per_mm = 1000 / MPP
    slide.tiffsave(
        str(file), tile=True, pyramid=True, compression="jpeg", Q=80, bigtiff=True, xres=per_mm, yres=per_mm,
        tile_width=512, tile_height=512,
    )  # fmt: skip


def measure(file: Path, folder: Path, *, stitching: Stitching) -> Measured:
    """Segments the slide as a segment worker does."""
    standing = read_standing(CARD)
    settings = EngineSettings(stitching=stitching)
    indices, target, segmented = folder / "indices", folder / "map.tif", 0
    started = perf_counter()
    with Engine() as engine, open_slide(file) as slide, indices.open("wb") as content:
        segmenter = engine.load(standing.card, lambda: standing.checkpoint)
        run = SlideRun(slide, scale=1.0 / MPP, card=standing.card, settings=settings, engine=engine)
        for band in run.bands(segmenter, on_block=lambda: None):
            segmented += int((band != NOT_SEGMENTED).sum())
            content.write(band.data)
    plan = run.plan
    write_map_pyramid(indices, target, width_px=plan.width_px, height_px=plan.height_px, map_mpp=1.0)
    return Measured(
        seconds=perf_counter() - started,
        peak_bytes=peak_bytes(os.getpid()),
        patches=run.tally.patches,
        segmented=segmented / (plan.width_px * plan.height_px),
        map_bytes=target.stat().st_size,
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures, and prints a line a way of stitching."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--side-px", type=int, default=60_000)
    side_px = parser.parse_args(arguments).side_px
    with tempfile.TemporaryDirectory(prefix="pantile-slide-") as name:
        folder = Path(name)
        apart(partial(write_slide, folder / "slide.tif", side_px=side_px))
        size = (folder / "slide.tif").stat().st_size
        say(f"{side_px:,} x {side_px:,} px at {MPP} mpp, {size / 1e6:.0f} MB")
        for stitching in Stitching:
            found = apart(partial(measure, folder / "slide.tif", folder, stitching=stitching))
            say(
                f"{stitching}: peak {found.peak_bytes / 1e9:.2f} GB, {found.seconds:.0f} s, {found.patches} patches, "
                f"{found.segmented:.1%} segmented, class map {found.map_bytes / 1e6:.1f} MB"
            )


if __name__ == "__main__":
    main()

"""Segmenting a whole slide: block by block through the same engine, straight from the slide's file.

While the network works on one block the next is read, and of the class map a band of blocks is held, so that memory
does not grow with the slide.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from itertools import product
from time import perf_counter
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import openslide

from pantile.domain.class_maps import ClassMap, RgbImage
from pantile.domain.errors import SegmenterBroken
from pantile.domain.segmenters import Card, EngineSettings, Stitching
from pantile.domain.slides import find_tissue
from pantile.domain.whole_slides import (
    BLOCK_SLIDE_PX,
    NOT_SEGMENTED,
    AxisBlock,
    SlidePlan,
    find_tissue_cells,
    plan_slide,
)
from pantile_workers.imaging.slide_blocks import read_block
from pantile_workers.imaging.slides import read_overview

if TYPE_CHECKING:
    from pantile_workers.inference.engine import Engine, Segmentation
    from pantile_workers.inference.loaded import LoadedSegmenter

OVERVIEW_PX = 4096
"""The longer side of the overview on which tissue is looked for."""


@dataclass(slots=True, kw_only=True)
class SlideTally:
    """What has come of a slide so far: pixels by class, patches, and the seconds that each stage took."""

    class_pixels: list[int]
    patches: int = 0
    batch_patches: int = 0
    arithmetic: str = ""
    timings: dict[str, float] = field(default_factory=dict)


class _Block(NamedTuple):
    rows: AxisBlock
    columns: AxisBlock


class SlideRun:
    """One slide going through one segmenter, in blocks from left to right and bands from top to bottom."""

    def __init__(
        self,
        slide: openslide.OpenSlide,
        *,
        scale: float,
        card: Card,
        settings: EngineSettings,
        engine: "Engine",
        block_slide_px: int = BLOCK_SLIDE_PX,
    ) -> None:
        self._slide = slide
        self._scale = scale
        self._card = card
        self._settings = settings
        self._engine = engine
        width_px, height_px = slide.dimensions
        try:
            self.plan: SlidePlan = plan_slide(
                width_px, height_px, scale=scale, card=card, settings=settings, block_slide_px=block_slide_px
            )
        except ValueError as error:
            raise SegmenterBroken(f"{card.name}: {error}") from error
        self._cells = find_tissue_cells(find_tissue(read_overview(slide, longest_px=OVERVIEW_PX)), self.plan)
        self.tally = SlideTally(class_pixels=[0] * len(card.scheme))

    def bands(self, segmenter: "LoadedSegmenter", *, on_block: Callable[[], None]) -> Iterator[ClassMap]:
        """The class map band by band, (rows, width_px) uint8 each; `NOT_SEGMENTED` where no tissue is near.

        `on_block` is called after each block that was segmented.

        Raises:
            SegmenterBroken, torch.OutOfMemoryError: as `Engine.segment`.
        """
        blocks = (_Block(*pair) for pair in product(self.plan.row_blocks, self.plan.column_blocks))
        wanted = [block for block in blocks if self._own_cells(block).any()]
        with ThreadPoolExecutor(1, thread_name_prefix="reading") as reader:
            coming = (reader.submit(self._read, block) for block in wanted)
            ahead = next(coming, None)
            for rows in self.plan.row_blocks:
                band = np.full((rows.keep_end - rows.keep_start, self.plan.width_px), NOT_SEGMENTED, dtype=np.uint8)
                for block in (each for each in wanted if each.rows is rows):
                    assert ahead is not None  # noqa: S101 — there is one for each block
                    read, ahead = ahead, next(coming, None)
                    self._segment(block, read, segmenter, band)
                    on_block()
                counts = np.bincount(band.ravel(), minlength=NOT_SEGMENTED + 1)
                self.tally.class_pixels = [
                    before + int(more) for before, more in zip(self.tally.class_pixels, counts, strict=False)
                ]
                yield band

    def _own_cells(self, block: _Block) -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
        return self._cells[block.rows.first : block.rows.end, block.columns.first : block.columns.end]

    def _read(self, block: _Block) -> RgbImage:
        self._engine.give_way()
        started = perf_counter()
        pixels = read_block(
            self._slide,
            scale=self._scale,
            top=block.rows.start_px,
            left=block.columns.start_px,
            height_px=block.rows.seen_px,
            width_px=block.columns.seen_px,
        )
        self._add_timing("decode", perf_counter() - started)
        return pixels

    def _segment(self, block: _Block, read: Future[RgbImage], segmenter: "LoadedSegmenter", band: ClassMap) -> None:
        """Writes what is kept of a block into its band."""
        size_px = (block.rows.covered_px, block.columns.covered_px)
        placed = self._engine.place(np.require(read.result(), requirements=["C", "W"]), size_px=size_px)
        segmented = self._engine.segment(placed, segmenter, self._settings, skipped=self._skipped(block))
        rows, columns = block
        height_px, width_px = rows.keep_end - rows.keep_start, columns.keep_end - columns.keep_start
        bottom, right = rows.drop_px + height_px, columns.drop_px + width_px
        kept = segmented.class_map[rows.drop_px : bottom, columns.drop_px : right]
        for row, column in np.argwhere(~self._own_cells(block)):
            cell_rows, cell_columns = self.plan.rows[rows.first + row], self.plan.columns[columns.first + column]
            kept[
                cell_rows.keep_start - rows.keep_start : cell_rows.keep_end - rows.keep_start,
                cell_columns.keep_start - columns.keep_start : cell_columns.keep_end - columns.keep_start,
            ] = NOT_SEGMENTED
        band[:, columns.keep_start : columns.keep_end] = kept
        self._note(segmented)

    def _skipped(self, block: _Block) -> set[tuple[int, int]]:
        """The patches, by their corners within the block, that nothing is kept of; blending needs its neighbours."""
        if self._settings.stitching is Stitching.BLEND:
            return set()
        rows, columns = self.plan.rows[block.rows.first :], self.plan.columns[block.columns.first :]
        return {
            (rows[row].start - block.rows.start_px, columns[column].start - block.columns.start_px)
            for row, column in np.argwhere(~self._own_cells(block))
        }

    def _note(self, segmented: "Segmentation") -> None:
        self.tally.patches += segmented.patches
        self.tally.batch_patches, self.tally.arithmetic = segmented.batch_patches, segmented.arithmetic
        for stage, seconds in asdict(segmented.seconds).items():
            self._add_timing(stage.removesuffix("_s"), seconds)

    def _add_timing(self, stage: str, seconds: float) -> None:
        self.tally.timings[stage] = self.tally.timings.get(stage, 0.0) + seconds

"""Whole slides in blocks: the same patch grid as an ROI's, over the whole slide, of which a few patches are in memory.

Blocks overlap in what their patches see and meet in what is kept, so that a class map made block by block is the one
that a single run over the whole slide would make. A patch's kept square is its cell; cells without tissue are passed
over.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np
from numpy.typing import NDArray

from pantile.domain.class_maps import Mask
from pantile.domain.patches import AxisPatch, plan_axis
from pantile.domain.segmenters import Card, EngineSettings, Mode, Stitching

NOT_SEGMENTED = 255
"""In a whole slide's class map, what was passed over; no class has this index."""

IMAGE_FORMAT = "slide"
"""What the catalog has as the format of a whole slide's image, whose pixels stay in the slide's file."""

BLOCK_SLIDE_PX = 8192
"""The side of a block, in pixels of the slide: 200 MB as RGB."""


def why_not_whole(settings: EngineSettings) -> str | None:
    """Why whole slides cannot be segmented with these settings, if so."""
    if settings.mode is not Mode.FAST:
        return "whole slides are segmented in fast mode only: exact mode is the study's arithmetic for its ROIs"
    if settings.confidence:
        return "whole slides have no confidence maps"
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class AxisBlock:
    """One block along one axis of the class map, all in its pixels and cells.

    Its cells are [first, end) of the grid. Its patches begin at `start_px` and see `seen_px` pixels from there on; of
    the `covered_px` that they make a class map of, those from `drop_px` on are kept, as [keep_start, keep_end) of the
    slide's. Patches and cells are numbered from `first_run` on, which is before `first` where blending needs it.
    """

    first: int
    end: int
    first_run: int
    start_px: int
    seen_px: int
    covered_px: int
    drop_px: int
    keep_start: int
    keep_end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SlidePlan:
    """A slide's class map: its size, its grid, and the blocks in which it is made, in bands from top to bottom."""

    height_px: int
    width_px: int
    rows: Sequence[AxisPatch]
    columns: Sequence[AxisPatch]
    row_blocks: Sequence[AxisBlock]
    column_blocks: Sequence[AxisBlock]


def plan_slide(
    width_px: int,
    height_px: int,
    *,
    scale: float,
    card: Card,
    settings: EngineSettings,
    block_slide_px: int = BLOCK_SLIDE_PX,
) -> SlidePlan:
    """The plan for a slide of that size whose class map has a pixel for `scale` pixels of it.

    Blocks see at most `block_slide_px` of the slide's pixels along either side, or else one patch.

    Raises:
        ValueError: the margins do not fit into the overlap of two patches.
    """
    overlap_px = card.patch_px - settings.stride_px
    cells = max(1, int((block_slide_px / scale - overlap_px) // settings.stride_px))
    # A blended pixel hears of all patches that see it, a centre's of one.
    halo = ceil(card.patch_px / settings.stride_px) - 1 if settings.stitching is Stitching.BLEND else 0
    rows, columns = (
        plan_axis(
            ceil(length / scale),
            patch_px=card.patch_px,
            stride_px=settings.stride_px,
            margin_px=settings.margin_px,
        )
        for length in (height_px, width_px)
    )
    return SlidePlan(
        height_px=rows[-1].keep_end,
        width_px=columns[-1].keep_end,
        rows=rows,
        columns=columns,
        row_blocks=_plan_blocks(rows, cells=cells, halo=halo, patch_px=card.patch_px),
        column_blocks=_plan_blocks(columns, cells=cells, halo=halo, patch_px=card.patch_px),
    )


def _plan_blocks(axis: Sequence[AxisPatch], *, cells: int, halo: int, patch_px: int) -> list[AxisBlock]:
    blocks = []
    for first in range(0, len(axis), cells):
        end = min(first + cells, len(axis))
        first_run, last_run = max(0, first - halo), min(len(axis), end + halo) - 1
        start_px, keep_start = axis[first_run].start, axis[first].keep_start
        blocks.append(
            AxisBlock(
                first=first,
                end=end,
                first_run=first_run,
                start_px=start_px,
                seen_px=min(axis[last_run].start + patch_px, axis[-1].keep_end) - start_px,
                covered_px=axis[last_run].keep_end - start_px,
                drop_px=keep_start - start_px,
                keep_start=keep_start,
                keep_end=axis[end - 1].keep_end,
            )
        )
    return blocks


def find_tissue_cells(tissue: Mask, plan: SlidePlan) -> NDArray[np.bool_]:
    """Which cells have tissue, (rows, columns) of the grid; `tissue` shows the whole slide, at any size."""
    integral = np.pad(tissue.cumsum(axis=0, dtype=np.int64).cumsum(axis=1), ((1, 0), (1, 0)))
    tops, bottoms = _spans(plan.rows, plan.height_px, tissue.shape[0])
    lefts, rights = _spans(plan.columns, plan.width_px, tissue.shape[1])
    found = (
        integral[np.ix_(bottoms, rights)]
        - integral[np.ix_(tops, rights)]
        - integral[np.ix_(bottoms, lefts)]
        + integral[np.ix_(tops, lefts)]
    )
    has_tissue: NDArray[np.bool_] = found > 0
    return has_tissue


def _spans(axis: Sequence[AxisPatch], length_px: int, shown: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Along one side of a picture of the slide, the pixels [start, end) that show each cell, one at least."""
    starts = np.array([patch.keep_start for patch in axis]) * shown // length_px
    ends = -(np.array([patch.keep_end for patch in axis]) * -shown // length_px)
    return starts.astype(np.intp), ends.astype(np.intp)

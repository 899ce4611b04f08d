"""A slide's blocks have the patches and the kept squares of one grid over the whole slide."""

from dataclasses import replace

import numpy as np
import pytest

from pantile.cards import load_shipped_cards
from pantile.domain.patches import plan_axis
from pantile.domain.segmenters import EngineSettings, Stitching
from pantile.domain.whole_slides import SlidePlan, find_tissue_cells, plan_slide

CARD = load_shipped_cards()["lung"]


def plan(width_px: int, height_px: int, *, scale: float = 4.0, settings: EngineSettings | None = None) -> SlidePlan:
    return plan_slide(width_px, height_px, scale=scale, card=CARD, settings=settings or EngineSettings())


@pytest.mark.parametrize("length_px", [1, 400, 2048, 9999, 60_000])
@pytest.mark.parametrize("stride_px", [384, 256, 383])
@pytest.mark.parametrize("stitching", Stitching)
def test_each_block_has_the_patches_of_the_whole_grid(length_px: int, stride_px: int, stitching: Stitching) -> None:
    settings = EngineSettings(stride_px=stride_px, stitching=stitching)
    slide = plan(length_px, 1, settings=settings)

    for block in slide.column_blocks:
        own = plan_axis(block.covered_px, patch_px=CARD.patch_px, stride_px=stride_px, margin_px=settings.margin_px)
        of_grid = slide.columns[block.first_run : block.first_run + len(own)]
        assert [patch.start + block.start_px for patch in own] == [patch.start for patch in of_grid]
        assert [patch.keep_end + block.start_px for patch in own] == [patch.keep_end for patch in of_grid]
        assert block.seen_px == min(of_grid[-1].start + CARD.patch_px, slide.width_px) - block.start_px


@pytest.mark.parametrize("stitching", Stitching)
def test_what_blocks_keep_tiles_the_slide(stitching: Stitching) -> None:
    slide = plan(60_000, 50_000, settings=EngineSettings(stitching=stitching))

    for blocks, length_px in ((slide.column_blocks, slide.width_px), (slide.row_blocks, slide.height_px)):
        edges = [block.keep_start for block in blocks] + [length_px]
        assert [block.keep_end for block in blocks] == edges[1:]
        assert edges[0] == 0
        assert all(block.keep_start - block.drop_px == block.start_px for block in blocks)
        assert all(block.drop_px + block.keep_end - block.keep_start <= block.covered_px for block in blocks)


def test_blending_runs_the_patches_that_reach_into_a_block() -> None:
    blended = plan(60_000, 1, settings=EngineSettings(stitching=Stitching.BLEND))

    first, second = blended.column_blocks[:2]
    assert second.first_run == second.first - 1
    assert first.covered_px > first.keep_end


def test_blocks_are_small_whatever_the_resolution() -> None:
    for scale in (0.5, 2.0, 4.0, 10.0, 20.0):
        blocks = plan(100_000, 100_000, scale=scale).column_blocks

        assert max(block.seen_px for block in blocks) * scale <= max(8192, CARD.patch_px * scale)


def test_cells_with_any_tissue_are_found() -> None:
    slide = plan(12_000, 8_000)
    tissue = np.zeros((80, 120), dtype=np.bool_)
    tissue[0, 0] = tissue[79, 119] = tissue[40, 60] = True

    cells = find_tissue_cells(tissue, slide)

    assert cells.shape == (len(slide.rows), len(slide.columns))
    assert cells[0, 0]
    assert cells[-1, -1]
    (row,) = (at for at, patch in enumerate(slide.rows) if patch.keep_start <= 1010 < patch.keep_end)
    (column,) = (at for at, patch in enumerate(slide.columns) if patch.keep_start <= 1510 < patch.keep_end)
    assert cells[row, column]
    assert cells.sum() == 4  # the lowest row of the picture shows two rows of cells
    assert not find_tissue_cells(np.zeros_like(tissue), slide).any()


def test_margins_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="margins"):
        plan(9000, 9000, settings=replace(EngineSettings(), stride_px=500))

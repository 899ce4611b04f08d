"""The patch grid covers an image once, with margins kept."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pantile.domain.patches import plan_axis, plan_grid, study_scale


@given(length=st.integers(1, 20_000), margin=st.sampled_from([0, 32, 64]))
def test_kept_ranges_tile_an_axis_and_stay_inside_their_patches(length: int, margin: int) -> None:
    patches = plan_axis(length, patch_px=512, stride_px=384, margin_px=margin)

    kept = [(patch.keep_start, patch.keep_end) for patch in patches]
    assert kept[0][0] == 0
    assert kept[-1][1] == length
    assert all(end == start for (_, end), (start, _) in pairwise(kept))
    for patch in patches:
        assert patch.keep_start < patch.keep_end
        assert patch.keep_start == 0 or patch.keep_start >= patch.start + margin
        assert patch.keep_end <= patch.start + 512 - margin


def test_the_study_roi_needs_56_patches() -> None:
    assert len(plan_grid(2500, 3125, patch_px=512, stride_px=384, margin_px=64)) == 8 * 7


def test_patches_start_where_the_study_has_them() -> None:
    patches = plan_axis(2500, patch_px=512, stride_px=384, margin_px=64)

    assert [patch.start for patch in patches] == [0, 384, 768, 1152, 1536, 1920, 2304]
    assert [patch.keep_end for patch in patches] == [448, 832, 1216, 1600, 1984, 2368, 2500]


def test_margins_wider_than_the_overlap_are_refused() -> None:
    with pytest.raises(ValueError, match="margins"):
        plan_axis(1000, patch_px=512, stride_px=384, margin_px=65)


@pytest.mark.parametrize(
    ("roi_mpp", "patch_roi_px", "stride_roi_px"),
    [(0.25, 2048, 1536), (0.253, 2023, 1517), (0.5, 1024, 768), (0.461, 1110, 832), (1.0, 512, 384), (2.0, 256, 192)],
)
def test_the_study_rounds_patch_and_stride_down_to_pixels_of_the_roi(
    roi_mpp: float, patch_roi_px: int, stride_roi_px: int
) -> None:
    scale = study_scale(roi_mpp=roi_mpp, model_mpp=1.0, patch_px=512, stride_px=384)

    assert (scale.patch_roi_px, scale.stride_roi_px) == (patch_roi_px, stride_roi_px)
    assert scale.scale == stride_roi_px / 384


@pytest.mark.parametrize("roi_px", [1, 1536, 2000, 10_000, 12_500])
def test_what_the_study_stitches_covers_the_class_map(roi_px: int) -> None:
    scale = study_scale(roi_mpp=0.25, model_mpp=1.0, patch_px=512, stride_px=384)

    assert scale.length_px(roi_px) == -(-roi_px // 4)
    assert scale.stitched_px(roi_px) == roi_px // 1536 * 384 + 448
    assert scale.stitched_px(roi_px) >= scale.length_px(roi_px)


def test_pixels_coarser_than_a_patch_have_no_grid() -> None:
    with pytest.raises(ValueError, match="no whole pixel"):
        study_scale(roi_mpp=5.0, model_mpp=0.05, patch_px=64, stride_px=48)

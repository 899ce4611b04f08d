"""Class schemes, remaps and areas."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from pantile.domain.class_maps import (
    ClassGroup,
    ClassScheme,
    PaletteName,
    TissueClass,
    at_pixels,
    class_areas,
    count_pixels,
    remap,
    study_class_map,
    tumor_stroma_ratio,
)
from pantile.domain.patches import study_scale


def _tissue(index: int, group: ClassGroup) -> TissueClass:
    return TissueClass(
        index=index, name=group.value, group=group, simplified_rgb=(index, 0, 0), detailed_rgb=(0, index, 0)
    )


SCHEME = ClassScheme(
    (_tissue(0, ClassGroup.BACKGROUND), _tissue(1, ClassGroup.TUMOR), _tissue(2, ClassGroup.TUMOR_STROMA))
)


@given(roi_mpp=st.integers(100, 5000), length=st.integers(1, 3000))
def test_the_studys_file_is_what_pillow_makes_of_what_the_study_stitches(roi_mpp: int, length: int) -> None:
    mpp = roi_mpp / 1000
    scale = study_scale(roi_mpp=mpp, model_mpp=1.0, patch_px=512, stride_px=384)
    stitched = (np.arange(scale.stitched_px(length)) % 251).astype(np.uint8)[None]
    enlarged = Image.fromarray(stitched).resize((int(stitched.shape[1] * 1.0 / mpp), 1), Image.Resampling.NEAREST)

    found = study_class_map(
        stitched[:, : scale.length_px(length)], height_px=1, width_px=length, roi_mpp=mpp, model_mpp=1.0
    )

    assert np.array_equal(found, np.asarray(enlarged)[:, :length])


def test_indices_with_a_gap_are_refused() -> None:
    with pytest.raises(ValueError, match="without gaps"):
        ClassScheme((_tissue(0, ClassGroup.BACKGROUND), _tissue(2, ClassGroup.TUMOR)))


def test_a_palette_has_a_row_per_class() -> None:
    assert SCHEME.palette(PaletteName.DETAILED).tolist() == [[0, 0, 0], [0, 1, 0], [0, 2, 0]]


def test_remap_leaves_unnamed_indices() -> None:
    class_map = np.array([[0, 3], [255, 2]], dtype=np.uint8)

    assert remap(class_map, {3: 0, 2: 1}).tolist() == [[0, 0], [255, 1]]


def test_areas_are_in_square_millimetres() -> None:
    class_map = np.zeros((1000, 1000), dtype=np.uint8)
    class_map[:250] = 1
    class_map[250:300] = 2

    areas = class_areas(count_pixels(class_map, 3), SCHEME, 1.0)

    assert [area.area_mm2 for area in areas] == pytest.approx([0.7, 0.25, 0.05])
    assert [area.fraction for area in areas] == pytest.approx([0.7, 0.25, 0.05])


def test_the_tumor_stroma_ratio_is_the_share_of_stroma() -> None:
    areas = class_areas([10, 30, 10], SCHEME, 0.5)

    assert tumor_stroma_ratio(areas) == pytest.approx(0.25)


def test_without_tumor_and_stroma_there_is_no_ratio() -> None:
    assert tumor_stroma_ratio(class_areas([10, 0, 0], SCHEME, 1.0)) is None


def test_each_pixel_takes_the_class_at_its_centre() -> None:
    class_map = np.array([[1, 2], [3, 4]], dtype=np.uint8)

    enlarged = at_pixels(class_map, height_px=3, width_px=3, extent_px=(4.0, 4.0))

    assert enlarged.tolist() == [[1, 1, 2], [1, 1, 2], [3, 3, 4]]

import io

import numpy as np
import pytest
from PIL import Image

from pantile.domain.class_maps import ClassGroup, ClassScheme, PaletteName, RgbImage, TissueClass
from pantile_workers.imaging.overlays import render_overlay


def _class(index: int, group: ClassGroup, simplified: tuple[int, int, int]) -> TissueClass:
    return TissueClass(index=index, name=group, group=group, simplified_rgb=simplified, detailed_rgb=(0, 0, 255))


_SCHEME = ClassScheme(
    (
        _class(0, ClassGroup.BACKGROUND, (0, 0, 0)),
        _class(1, ClassGroup.TUMOR, (255, 0, 0)),
        _class(2, ClassGroup.TUMOR_STROMA, (0, 255, 0)),
    )
)


def _grey_roi(width: int, height: int) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (width, height), (200, 200, 200)).save(file, "JPEG", quality=95)
    return file.getvalue()


def _decode(data: bytes) -> RgbImage:
    picture = Image.open(io.BytesIO(data))
    assert picture.format == "JPEG"
    return np.asarray(picture)


def test_class_colours_are_blended_in_at_three_tenths() -> None:
    class_map = np.repeat(np.array([[0, 1, 2, 9]], dtype=np.uint8), 4, axis=0).repeat(25, axis=1)
    overlay = _decode(
        render_overlay(_grey_roi(400, 16), class_map, _SCHEME, PaletteName.SIMPLIFIED, extent_px=(400.0, 16.0))
    )

    untinted, tumor, stroma, unknown = (overlay[8, column].astype(int) for column in (50, 150, 250, 350))

    # JPEG and rounding of the colours.
    assert np.abs(untinted - 200).max() <= 3
    assert np.abs(tumor - [216, 140, 140]).max() <= 4
    assert np.abs(stroma - [140, 216, 140]).max() <= 4
    assert np.abs(unknown - 200).max() <= 3


def test_the_palette_is_the_one_asked_for() -> None:
    class_map = np.ones((4, 4), dtype=np.uint8)

    overlay = _decode(
        render_overlay(_grey_roi(16, 16), class_map, _SCHEME, PaletteName.DETAILED, extent_px=(16.0, 16.0))
    )

    assert np.abs(overlay[8, 8].astype(int) - [140, 140, 216]).max() <= 4


@pytest.mark.parametrize(
    ("size", "expected"),
    [((5000, 4000), (2500, 2000)), ((5000, 1000), (2500, 500)), ((1000, 4000), (500, 2000)), ((300, 200), (300, 200))],
)
def test_an_overlay_fits_and_keeps_its_aspect(size: tuple[int, int], expected: tuple[int, int]) -> None:
    class_map = np.zeros((10, 10), dtype=np.uint8)

    overlay = render_overlay(_grey_roi(*size), class_map, _SCHEME, PaletteName.SIMPLIFIED, extent_px=size)

    assert Image.open(io.BytesIO(overlay)).size == expected


def test_a_class_map_that_reaches_beyond_the_roi_is_not_squeezed_into_it() -> None:
    class_map = np.zeros((1, 3), dtype=np.uint8)
    class_map[:, 1:] = 1
    overlay = _decode(
        render_overlay(_grey_roi(210, 100), class_map, _SCHEME, PaletteName.SIMPLIFIED, extent_px=(300.0, 100.0))
    )

    is_tinted = overlay[50, :, 1] < 170

    assert int(np.argmax(is_tinted)) == pytest.approx(100, abs=2)
    assert is_tinted[110:].all()

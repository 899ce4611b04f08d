"""What is unusual about an ROI is flagged, and real tissue is not."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter

from pantile.domain.class_maps import RgbImage
from pantile.domain.quality import Flag, measure_quality


def tissue(*, height: int = 200, width: int = 300) -> RgbImage:
    """Pink with violet grains."""
    image = np.full((height, width, 3), (225, 160, 200), dtype=np.uint8)
    image[np.random.default_rng(3).random((height, width)) < 0.3] = (110, 70, 150)
    return image


def real_tissue(shared: Path) -> list[Path]:
    return [
        file
        for kind in ("bcss_1mpp", "camelyon", "ocdc")
        for file in sorted((shared / "data" / kind / "images").iterdir())[:4]
    ]


def test_real_tissue_has_no_flags_and_blurred_it_has_one(shared: Path) -> None:
    files = real_tissue(shared)

    assert len(files) >= 10
    for file in files:
        picture = Image.open(file).convert("RGB")
        assert measure_quality(np.asarray(picture)).flags == [], file.name
        blurred = picture.filter(ImageFilter.GaussianBlur(1.5))
        assert measure_quality(np.asarray(blurred)).flags == [Flag.BLURRED], file.name


def test_glass_has_little_tissue_and_no_sharpness() -> None:
    quality = measure_quality(np.full((50, 50, 3), 244, dtype=np.uint8))

    assert (quality.tissue, quality.sharpness, quality.flags) == (0.0, None, [Flag.LITTLE_TISSUE])


@pytest.mark.parametrize("ink", [(20, 140, 60), (30, 120, 200), (0, 160, 160)])
def test_pen_in_green_and_blue_is_found(ink: tuple[int, int, int]) -> None:
    image = tissue()
    image[:20] = ink

    quality = measure_quality(image)

    assert quality.pen == pytest.approx(0.1)
    assert quality.flags == [Flag.PEN]


def test_black_is_found() -> None:
    image = tissue()
    image[:, :30] = 10

    quality = measure_quality(image)

    assert quality.black == pytest.approx(0.1)
    assert quality.flags == [Flag.BLACK]


def test_shares_of_tissue_leave_ink_out() -> None:
    image = tissue()
    image[:100] = (20, 140, 60)

    assert measure_quality(image).tissue == pytest.approx(0.5)

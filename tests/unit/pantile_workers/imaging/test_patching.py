import io

import numpy as np
import pytest
from PIL import Image

from pantile.domain.class_maps import RgbImage
from pantile.domain.errors import ImageRefused, ImageTooLarge, ImageUnreadable
from pantile_workers.imaging.patching import RoiPatches, read_patches


def _file(kind: str, height: int = 411, width: int = 523) -> bytes:
    noise = np.random.default_rng(1).integers(0, 256, (height // 4, width // 4, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(noise).resize((width, height)).save(file, kind, quality=92)
    return file.getvalue()


def _read(data: bytes, *, roi_mpp: float = 0.25, max_megapixels: float = 1.0) -> RoiPatches:
    return read_patches(data, roi_mpp=roi_mpp, model_mpp=1.0, patch_px=64, stride_px=48, max_megapixels=max_megapixels)


def _plain(image: RgbImage, corner_roi_px: tuple[int, int], side: int) -> RgbImage:
    top, left = corner_roi_px
    padded = np.full((image.shape[0] + side, image.shape[1] + side, 3), 255, dtype=np.uint8)
    padded[: image.shape[0], : image.shape[1]] = image
    patch = Image.fromarray(padded[top : top + side, left : left + side])
    return np.asarray(patch.resize((64, 64), Image.Resampling.BICUBIC))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP"])
@pytest.mark.parametrize(("roi_mpp", "side", "step"), [(0.25, 256, 192), (0.253, 252, 189), (2.0, 32, 24)])
def test_patches_are_the_studys_to_the_last_pixel(kind: str, roi_mpp: float, side: int, step: int) -> None:
    data = _file(kind)
    image = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))

    cut = _read(data, roi_mpp=roi_mpp)

    for patch, (top, left) in zip(cut.patches, cut.corners, strict=True):
        assert np.array_equal(patch, _plain(image, (top // 48 * step, left // 48 * step), side)), (top, left)


def test_the_extent_is_that_of_the_strides_and_covers_the_roi() -> None:
    cut = _read(_file("PNG"), roi_mpp=0.253)

    assert cut.scale == 189 / 48
    assert cut.map_mpp == pytest.approx(0.99619, abs=1e-5)
    assert (cut.height_px, cut.width_px) == (105, 133)
    assert cut.extent_px == (133 * 189 / 48, 105 * 189 / 48)


def test_patches_that_are_cropped_away_are_not_cut() -> None:
    # The study's script runs 3 x 4 here: of 192 more pixels, the kept centres before cover 32.
    cut = _read(_file("PNG", height=416, width=608))

    assert len(cut.corners) == len(cut.patches) == 2 * 3


def test_a_truncated_image_is_unreadable() -> None:
    data = _file("JPEG")

    with pytest.raises(ImageUnreadable, match="cut off or damaged"):
        _read(data[: len(data) // 2])


def test_an_image_over_the_limit_is_refused() -> None:
    with pytest.raises(ImageTooLarge):
        _read(_file("PNG"), max_megapixels=0.1)
    with pytest.raises(ImageTooLarge):
        _read(_file("PNG"), roi_mpp=3.0, max_megapixels=1.0)


def test_pixels_too_coarse_for_a_patch_are_refused() -> None:
    with pytest.raises(ImageRefused, match="no whole pixel"):
        read_patches(_file("PNG"), roi_mpp=5.0, model_mpp=0.05, patch_px=64, stride_px=48)

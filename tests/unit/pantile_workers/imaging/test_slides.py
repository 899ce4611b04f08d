"""ROIs are cut out of real and generated slides, pixel by pixel, white where there is no slide."""

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import pyvips
from PIL import Image

from pantile.domain.errors import SlideUnreadable
from pantile.domain.slides import Rectangle
from pantile_workers.imaging.slides import encode_roi, open_slide, read_facts, read_overview, read_rectangle


@pytest.fixture
def pyramid(tmp_path: Path) -> tuple[Path, np.ndarray]:
    """A pyramidal TIFF without loss, 1500 x 1100 px at 0.5 mpp, and its pixels."""
    pixels = np.random.default_rng(1).integers(0, 256, size=(1100, 1500, 3), dtype=np.uint8)
    file = tmp_path / "slide.tif"
    image = pyvips.Image.new_from_memory(pixels.tobytes(), 1500, 1100, 3, "uchar").copy(interpretation="srgb")
    image.tiffsave(str(file), tile=True, pyramid=True, compression="deflate", xres=2000, yres=2000)
    return file, pixels


def test_a_pyramid_says_its_size_levels_and_mpp(pyramid: tuple[Path, np.ndarray]) -> None:
    with open_slide(pyramid[0]) as slide:
        facts = read_facts(slide)

    assert (facts.width_px, facts.height_px, facts.levels) == (1500, 1100, 5)
    assert facts.mpp == pytest.approx(0.5)


def test_a_rectangle_has_the_slides_pixels(pyramid: tuple[Path, np.ndarray]) -> None:
    file, pixels = pyramid

    with open_slide(file) as slide:
        cut = read_rectangle(slide, Rectangle(left_px=123, top_px=45, width_px=700, height_px=900))

    assert np.array_equal(cut, pixels[45:945, 123:823])


def test_beyond_the_slide_a_rectangle_is_white(pyramid: tuple[Path, np.ndarray]) -> None:
    file, pixels = pyramid

    with open_slide(file) as slide:
        cut = read_rectangle(slide, Rectangle(left_px=-10, top_px=1000, width_px=200, height_px=200))

    assert np.array_equal(cut[:100, 10:], pixels[1000:, :190])
    assert (cut[:, :10] == 255).all()
    assert (cut[100:] == 255).all()


@pytest.mark.parametrize(("lossless", "form"), [(False, "JPEG"), (True, "PNG")])
def test_an_rois_file_keeps_its_resolution(lossless: bool, form: str) -> None:
    pixels = np.full((60, 80, 3), (200, 120, 160), dtype=np.uint8)

    picture = Image.open(BytesIO(encode_roi(pixels, mpp=0.25, lossless=lossless)))

    assert (picture.format, picture.size) == (form, (80, 60))
    assert picture.info["dpi"][0] == pytest.approx(25_400 / 0.25, rel=1e-3)
    assert np.abs(np.asarray(picture).astype(int) - pixels).max() <= (0 if lossless else 3)


def test_the_same_rectangle_is_the_same_file(pyramid: tuple[Path, np.ndarray]) -> None:
    rectangle = Rectangle(left_px=0, top_px=0, width_px=600, height_px=600)

    with open_slide(pyramid[0]) as slide:
        once, again = (encode_roi(read_rectangle(slide, rectangle), mpp=0.5) for _ in range(2))

    assert once == again


def test_real_slides_say_what_they_know(shared: Path) -> None:
    with open_slide(shared / "data" / "wsi" / "CMU-1-Small-Region.svs") as slide:
        single = read_facts(slide)
        overview = read_overview(slide, longest_px=512)
    with open_slide(shared / "data" / "wsi" / "TCGA-CR-7395-01A-01-TS1.svs") as slide:
        silent = read_facts(slide)
        corner = read_rectangle(slide, Rectangle(left_px=0, top_px=0, width_px=64, height_px=64))

    assert (single.levels, single.mpp, single.magnification, single.vendor) == (1, 0.499, 20, "aperio")
    assert (silent.width_px, silent.levels, silent.mpp, silent.magnification) == (4443, 2, None, None)
    assert max(overview.shape) == 512
    assert corner.shape == (64, 64, 3)


def test_a_broken_slide_is_refused(shared: Path) -> None:
    with pytest.raises(SlideUnreadable, match="of no format that is known"), open_slide(shared / "data/wsi/broken.svs"):
        pass


def test_what_is_no_slide_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.svs").write_bytes(b"not a slide")

    for file in (tmp_path / "a.svs", tmp_path / "none.svs"):
        with pytest.raises(SlideUnreadable), open_slide(file):
            pass

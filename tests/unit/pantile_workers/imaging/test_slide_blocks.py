"""Blocks of a slide fit together, and are what reading the whole slide as one ROI gives."""

from itertools import product
from math import ceil
from pathlib import Path

import numpy as np
import pytest
import pyvips
from numpy.typing import NDArray
from PIL import Image

from pantile_workers.imaging.reading import read_roi
from pantile_workers.imaging.slide_blocks import read_block
from pantile_workers.imaging.slides import open_slide

WIDTH, HEIGHT = 1203, 901
BLOCK = 90

ROUNDED = 1
"""Grey values: Pillow rounds its kernels to 22 bits, and where a block begins to a double."""

MEAN_OFF = 2.5
"""Grey values, on average: libvips rounds more, and may sit a quarter of a pixel off, as at 0.499 mpp (`read_roi`)."""


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A slide, and the same pixels as an ROI: smooth tissue with edges."""
    rng = np.random.default_rng(5)
    picture = Image.fromarray(rng.integers(0, 255, (HEIGHT // 6, WIDTH // 6, 3), dtype=np.uint8))
    pixels = np.asarray(picture.resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC))
    folder = tmp_path_factory.mktemp("slide")
    image = pyvips.Image.new_from_memory(pixels.tobytes(), WIDTH, HEIGHT, 3, "uchar").copy(interpretation="srgb")
    image.tiffsave(str(folder / "slide.tif"), tile=True, pyramid=True, compression="deflate")
    image.pngsave(str(folder / "roi.png"))
    return folder / "slide.tif", folder / "roi.png"


@pytest.mark.parametrize(
    ("slide_mpp", "model_mpp"), [(0.25, 1.0), (0.499, 1.0), (0.2528, 1.0), (0.7, 1.0), (1.0, 1.0), (1.0, 0.5)]
)
def test_blocks_make_up_what_the_slide_in_one_piece_is(
    files: tuple[Path, Path], slide_mpp: float, model_mpp: float
) -> None:
    slide_file, roi_file = files
    scale = model_mpp / slide_mpp
    rows, columns = ceil(HEIGHT / scale), ceil(WIDTH / scale)
    pieced: NDArray[np.uint8] = np.zeros((rows, columns, 3), dtype=np.uint8)

    with open_slide(slide_file) as slide:
        whole = read_block(slide, scale=scale, top=0, left=0, height_px=rows, width_px=columns)
        for top, left in product(range(0, rows, BLOCK), range(0, columns, BLOCK)):
            size = {"height_px": min(BLOCK, rows - top), "width_px": min(BLOCK, columns - left)}
            block = read_block(slide, scale=scale, top=top, left=left, **size)
            pieced[top : top + BLOCK, left : left + BLOCK] = block

    assert np.abs(pieced.astype(int) - whole).max() <= ROUNDED
    as_roi = read_roi(roi_file, roi_mpp=slide_mpp, model_mpp=model_mpp).image
    assert np.abs(pieced.astype(int) - as_roi).mean() <= MEAN_OFF

"""Pyramids: every level of an image as tiles, in one zip of stored entries."""

from io import BytesIO
from pathlib import Path
from zipfile import ZIP_STORED, ZipFile

import numpy as np
import pytest
import pyvips
from PIL import Image

from pantile.domain.class_maps import RgbImage
from pantile.domain.deep_zoom import TileGrid, TilePlace, level_size
from pantile.domain.errors import ImageUnreadable
from pantile_workers.imaging.pyramids import make_pyramid

CLOSE = 3.0
"""Grey values by which a JPEG of quality 80 may be off a smooth picture, on average."""


def _smooth(height_px: int, width_px: int) -> RgbImage:
    rows, columns = np.mgrid[0:height_px, 0:width_px]
    bands = [128 + 100 * np.sin(rows / 90), 128 + 100 * np.cos(columns / 70), 128 + 60 * np.sin((rows + columns) / 110)]
    return np.stack(bands, axis=-1).astype(np.uint8)


def _write(image: Image.Image, path: Path, **options: object) -> Path:
    image.save(path, **options)  # type: ignore[arg-type]  # Pillow types its options as Any
    return path


def _tile(archive: ZipFile, place: TilePlace) -> RgbImage:
    name = f"pyramid/pyramid_files/{place.level}/{place.column}_{place.row}.jpg"
    return np.asarray(Image.open(BytesIO(archive.read(name))))


def test_every_tile_of_every_level_is_there_and_shows_its_place(tmp_path: Path) -> None:
    original = _smooth(1100, 1300)
    image = _write(Image.fromarray(original), tmp_path / "roi.png")

    facts = make_pyramid(image, tmp_path / "pyramid.szi")

    grid = TileGrid(width_px=1300, height_px=1100, tile_px=facts.tile_px, overlap_px=facts.overlap_px)
    assert (facts.width_px, facts.height_px, facts.levels) == (1300, 1100, grid.levels)
    with ZipFile(tmp_path / "pyramid.szi") as archive:
        assert {entry.compress_type for entry in archive.infolist()} == {ZIP_STORED}
        for level in range(facts.levels):
            width_px, height_px = level_size(1300, 1100, level)
            whole = np.asarray(Image.fromarray(original).resize((width_px, height_px), Image.Resampling.BOX), np.int16)
            for row in range(-(-height_px // 510)):
                for column in range(-(-width_px // 510)):
                    place = TilePlace(level=level, column=column, row=row)
                    shown = _tile(archive, place)
                    assert shown.shape[:2] == whole[grid.box(place)].shape[:2]
                    if min(width_px, height_px) > 128:  # below, its waves are as short as JPEG blocks
                        assert np.abs(shown - whole[grid.box(place)]).mean() < CLOSE, place


def test_alpha_is_laid_over_white_and_grey_is_repeated(tmp_path: Path) -> None:
    clear = _write(Image.new("RGBA", (40, 30), (0, 0, 0, 0)), tmp_path / "clear.png")
    grey = _write(Image.new("L", (40, 30), 90), tmp_path / "grey.png")

    for image, expected in ((clear, 255), (grey, 90)):
        make_pyramid(image, tmp_path / "pyramid.szi")

        with ZipFile(tmp_path / "pyramid.szi") as archive:
            shown = _tile(archive, TilePlace(level=6, column=0, row=0))
        assert shown.shape == (30, 40, 3)
        assert np.abs(shown.astype(int) - expected).max() <= 1


def test_colours_are_brought_to_srgb_by_the_images_own_profile(tmp_path: Path) -> None:
    green = pyvips.Image.new_from_array(np.full((30, 40, 3), (60, 200, 80), np.uint8), interpretation="srgb")
    green.icc_transform("p3", input_profile="srgb").pngsave(str(tmp_path / "wide.png"))

    make_pyramid(tmp_path / "wide.png", tmp_path / "pyramid.szi")

    assert tuple(np.asarray(Image.open(tmp_path / "wide.png"))[0, 0]) != (60, 200, 80)
    with ZipFile(tmp_path / "pyramid.szi") as archive:
        data = archive.read("pyramid/pyramid_files/6/0_0.jpg")
    assert np.abs(np.asarray(Image.open(BytesIO(data))).astype(int) - (60, 200, 80)).max() <= 3
    assert "icc_profile" not in Image.open(BytesIO(data)).info


def test_a_damaged_profile_changes_nothing(tmp_path: Path) -> None:
    image = _write(Image.new("RGB", (40, 30), (60, 200, 80)), tmp_path / "roi.png", icc_profile=b"no profile at all")

    make_pyramid(image, tmp_path / "pyramid.szi")

    with ZipFile(tmp_path / "pyramid.szi") as archive:
        shown = _tile(archive, TilePlace(level=6, column=0, row=0))
    assert np.abs(shown.astype(int) - (60, 200, 80)).max() <= 2


def test_an_image_that_is_cut_off_has_no_pyramid(tmp_path: Path) -> None:
    image = _write(Image.fromarray(_smooth(600, 800)), tmp_path / "roi.jpg")
    image.write_bytes(image.read_bytes()[:-5000])

    with pytest.raises(ImageUnreadable):
        make_pyramid(image, tmp_path / "pyramid.szi")

"""Slides have pyramids of about 0.5 mpp and pictures of their tissue, made by real workers from real files."""

from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import pyvips
from PIL import Image

from pantile.catalog import slides
from pantile.catalog.database import Database
from pantile.catalog.slide_pyramids import find_slide_pyramid, find_tiled_slide, want_slide_pyramids
from pantile.catalog.slides import NewSlide
from pantile.coordinator.slides import add_slides
from pantile.domain.class_maps import RgbImage
from pantile.domain.deep_zoom import TilePlace
from pantile.domain.errors import TileNotFound
from pantile.domain.settings_asked import SettingsAsked
from pantile.objects import ObjectStore
from pantile.web.tiles import Tiles

Work = Callable[[], list[str]]
Add = Callable[..., None]

WIDTH, HEIGHT = 3001, 1500
PINK = (220, 130, 190)


@pytest.fixture
def add(database: Database, register: Callable[..., None]) -> Add:
    """Adds a slide to cohort C."""
    register("lung")

    def add(file: Path) -> None:
        new = [NewSlide(name=file.stem, case="A", source=str(file))]
        add_slides(database, "C", new, segmenter_names=[], settings=SettingsAsked(), max_attempts=2, actor="test")

    return add


@pytest.fixture
def slide_file(tmp_path: Path) -> Path:
    """A pyramidal TIFF at 0.25 mpp: glass, and tissue in columns 1000 to 2000 and rows 300 to 900."""
    pixels = np.full((HEIGHT, WIDTH, 3), 243, dtype=np.uint8)
    pixels[300:900, 1000:2000] = PINK
    image = pyvips.Image.new_from_memory(pixels.tobytes(), WIDTH, HEIGHT, 3, "uchar").copy(interpretation="srgb")
    file = tmp_path / "slide.tif"
    image.tiffsave(str(file), tile=True, pyramid=True, compression="deflate", xres=4000, yres=4000)
    return file


def want(database: Database) -> None:
    with database.transaction() as connection:
        want_slide_pyramids(connection, [1])


def tile(database: Database, objects: ObjectStore, level: int, column: int, row: int) -> RgbImage:
    """A tile as the web service serves it."""
    with database.transaction() as connection:
        tiled = find_tiled_slide(connection, 1)
    place = TilePlace(level=level, column=column, row=row)
    content = Tiles(objects, max_bytes=2**20).image_tile(tiled, place)
    return np.asarray(Image.open(BytesIO(content)))


def test_the_pyramid_of_a_slide_is_half_its_resolution_at_40x(
    database: Database, objects: ObjectStore, add: Add, work: Work, slide_file: Path
) -> None:
    add(slide_file)
    work()

    want(database)
    (said,) = work()

    assert said.startswith("12 levels; ")
    with database.transaction() as connection:
        found = find_slide_pyramid(connection, 1)
    assert found is not None
    assert (found["width_px"], found["height_px"], found["downsample"]) == (1501, 750, 2)
    finest = tile(database, objects, 11, 1, 0)
    assert finest.shape == (511, 512, 3)
    # Column 509 of the pyramid is column 1018 of the slide: tissue from row 150 on.
    assert np.abs(finest[160:440, :480].astype(int) - PINK).max() <= 3
    assert finest[:140].min() >= 240
    assert tile(database, objects, 0, 0, 0).shape == (1, 1, 3)


def test_the_picture_of_the_tissue_is_where_the_tissue_is(
    database: Database, objects: ObjectStore, add: Add, work: Work, slide_file: Path
) -> None:
    add(slide_file)
    work()

    with database.transaction() as connection:
        slide = slides.get_slide(connection, 1)

    tissue = np.asarray(Image.open(BytesIO(objects.get(slide["tissue_key"]))))
    assert tissue.shape == (512, 1024)
    rows, columns = np.nonzero(tissue)
    scale = 1024 / WIDTH
    edges = np.array([rows.min(), rows.max() + 1, columns.min(), columns.max() + 1])
    assert np.abs(edges - np.array([300, 900, 1000, 2000]) * scale).max() <= 1
    assert tissue.mean() == pytest.approx(slide["tissue_fraction"], abs=0.005)


def test_a_pyramid_is_asked_for_once_and_of_ready_slides_only(
    database: Database, add: Add, work: Work, slide_file: Path
) -> None:
    add(slide_file)
    want(database)
    assert len(work()) == 1

    want(database)
    want(database)
    assert len(work()) == 1

    want(database)
    assert work() == []


def test_a_pyramid_that_cannot_be_made_says_why_and_is_not_tried_for_ever(
    database: Database, add: Add, work: Work, slide_file: Path
) -> None:
    add(slide_file)
    work()
    slide_file.unlink()

    want(database)
    work()
    want(database)

    assert work() == []
    with database.transaction() as connection:
        found = find_slide_pyramid(connection, 1)
        with pytest.raises(TileNotFound, match="slide 1 has no pyramid"):
            find_tiled_slide(connection, 1)
    assert found is not None
    assert "this worker has no file" in found["error"]


def test_a_slide_of_the_public_test_set_is_tiled_as_it_is(
    database: Database, objects: ObjectStore, add: Add, work: Work, shared: Path
) -> None:
    """One level, 0.499 mpp: its pyramid is as fine as itself."""
    add(shared / "data" / "wsi" / "CMU-1-Small-Region.svs")
    work()
    want(database)
    work()

    with database.transaction() as connection:
        found = find_slide_pyramid(connection, 1)
        slide = slides.get_slide(connection, 1)
    assert found is not None
    assert (found["width_px"], found["height_px"], found["downsample"]) == (2220, 2967, 1)
    overview = Image.open(BytesIO(objects.get(slide["overview_key"])))
    piece = np.asarray(overview.crop((509, 509, 1021, 1021)))
    assert np.abs(tile(database, objects, 12, 1, 1).astype(int) - piece).mean() < 3

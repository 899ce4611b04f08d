"""Slides are looked into and cut into ROIs by real workers; what is wrong with one is a sentence."""

from collections.abc import Callable
from dataclasses import asdict
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import pyvips
from numpy.typing import NDArray
from PIL import Image

from pantile.catalog import rois, slides
from pantile.catalog.database import Database, Row
from pantile.catalog.slides import NewSlide
from pantile.coordinator.slides import add_slides, place_rois
from pantile.domain.errors import RoiConflict, SlideNotReady
from pantile.domain.rois import RoiKey, TissueType
from pantile.domain.segmenters import EngineSettings
from pantile.domain.settings_asked import SettingsAsked
from pantile.domain.slides import Place, Rectangle
from pantile.objects import ObjectStore
from pantile.settings import Settings
from pantile_workers.runtime import Runtime

Work = Callable[[], list[str]]
Add = Callable[..., int]

WIDTH, HEIGHT = 1200, 900


@pytest.fixture(scope="session")
def pixels() -> NDArray[np.uint8]:
    """Glass with one piece of tissue, columns 300 to 700 and rows 200 to 500."""
    image = np.full((HEIGHT, WIDTH, 3), 243, dtype=np.uint8)
    image[200:500, 300:700] = np.random.default_rng(2).integers(90, 220, (300, 400, 3), dtype=np.uint8)
    image[200:500, 300:700, 1] //= 2
    return image


def save(file: Path, pixels: NDArray[np.uint8], *, mpp: float | None = 5.0) -> Path:
    image = pyvips.Image.new_from_memory(pixels.tobytes(), WIDTH, HEIGHT, 3, "uchar").copy(interpretation="srgb")
    per_mm = 1000 / mpp if mpp else 1.0
    image.tiffsave(str(file), tile=True, pyramid=True, compression="deflate", xres=per_mm, yres=per_mm)
    return file


@pytest.fixture
def slide_file(tmp_path: Path, pixels: NDArray[np.uint8]) -> Path:
    """A pyramidal TIFF at 5 mpp, so that an ROI of the study's size has 625 x 500 px."""
    return save(tmp_path / "TCGA-A2-A0D2-01Z-00-DX1.tif", pixels)


@pytest.fixture
def add(database: Database, register: Callable[..., None]) -> Add:
    """Adds slides to cohort C, to be segmented by lung."""
    register("lung")

    def add(*sources: str | Path, mpp: float | None = None) -> int:
        new = [NewSlide(name=Path(each).stem, case="TCGA-A2-A0D2", source=str(each), mpp=mpp) for each in sources]
        asked = SettingsAsked(**asdict(EngineSettings(stride_px=48, margin_px=8)))
        return add_slides(database, "C", new, segmenter_names=[], settings=asked, max_attempts=2, actor="test")[1]

    return add


def only_slide(database: Database) -> Row:
    with database.transaction() as connection:
        return slides.get_slide(connection, 1)


def cut(database: Database, *rectangles: Rectangle, lossless: bool = True) -> None:
    placed = [
        (
            RoiKey(slide="TCGA-A2-A0D2-01Z-00-DX1", tissue_type=TissueType.TUMOR, roi_number=number),
            Place(slide_id=1, rectangle=rectangle, is_lossless=lossless),
        )
        for number, rectangle in enumerate(rectangles, start=1)
    ]
    with database.transaction() as connection:
        place_rois(connection, slides.get_slide(connection, 1), placed, actor="test")


def test_a_slide_is_looked_into_and_its_tissue_found(
    database: Database, objects: ObjectStore, add: Add, work: Work, slide_file: Path
) -> None:
    assert add(slide_file) == 1
    assert work() == ["1200 x 900 px at 5 mpp; 1 places guessed"]

    slide = only_slide(database)
    assert (slide["state"], slide["width_px"], slide["mpp"]) == ("ready", WIDTH, pytest.approx(5.0))
    (guess,) = slide["guesses"]
    assert guess["left_px"] <= 300
    assert guess["left_px"] + guess["width_px"] >= 700
    assert slide["tissue_fraction"] == pytest.approx(300 * 400 / (WIDTH * HEIGHT), abs=0.01)
    overview = Image.open(BytesIO(objects.get(slide["overview_key"])))
    assert overview.size == (WIDTH, HEIGHT)


def test_an_roi_is_cut_out_with_the_slides_pixels_and_segmented(
    database: Database, objects: ObjectStore, add: Add, work: Work, slide_file: Path, pixels: NDArray[np.uint8]
) -> None:
    add(slide_file)
    work()
    rectangle = Rectangle(left_px=250, top_px=150, width_px=400, height_px=300)

    cut(database, rectangle)
    outcomes = work()

    assert outcomes[0] == "stored; 1 jobs"
    (key,) = objects.keys("rois/")
    assert np.array_equal(np.asarray(Image.open(BytesIO(objects.get(key)))), pixels[150:450, 250:650])
    with database.transaction() as connection:
        states = connection.execute("SELECT state FROM jobs").fetchall()
        quality = connection.execute("SELECT quality FROM images").fetchone()
    assert [row["state"] for row in states] == ["succeeded"]
    assert quality is not None
    assert 0.5 < quality["quality"]["tissue"] <= 1


def test_the_same_place_again_adds_nothing_and_another_of_its_number_is_refused(
    database: Database, add: Add, work: Work, slide_file: Path
) -> None:
    add(slide_file)
    work()
    rectangle = Rectangle(left_px=0, top_px=0, width_px=200, height_px=200)
    cut(database, rectangle)
    work()

    cut(database, rectangle)

    assert work() == []
    with pytest.raises(RoiConflict, match="lies elsewhere"):
        cut(database, Rectangle(left_px=1, top_px=0, width_px=200, height_px=200))
    with database.transaction() as connection:
        assert len(slides.list_places(connection, slides.get_slide(connection, 1))) == 1


def test_a_slide_without_mpp_is_refused_until_one_is_given(
    database: Database, add: Add, work: Work, shared: Path
) -> None:
    file = shared / "data" / "wsi" / "TCGA-CR-7395-01A-01-TS1.svs"
    add(file)
    work()
    refused = only_slide(database)

    again = add(file, mpp=0.5)
    work()

    assert (refused["state"], again) == ("refused", 1)
    assert refused["error"] == "The slide cannot be read: it does not say its mpp; give one when it is added"
    ready = only_slide(database)
    assert (ready["state"], ready["mpp"], ready["error"]) == ("ready", 0.5, None)
    assert add(file, mpp=0.5) == 0


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("broken.svs", "The slide cannot be read: it is of no format that is known, or damaged"),
        ("none.svs", "this worker has no file"),
    ],
)
def test_what_cannot_be_read_is_told(
    database: Database, add: Add, work: Work, shared: Path, name: str, sentence: str
) -> None:
    add(shared / "data" / "wsi" / name)
    work()

    slide = only_slide(database)
    assert slide["state"] == "refused"
    assert sentence in slide["error"]
    with pytest.raises(SlideNotReady, match="is refused, "):
        cut(database, Rectangle(left_px=0, top_px=0, width_px=9, height_px=9))


def test_files_outside_the_slide_folder_are_not_read(
    database: Database, runtime: Runtime, add: Add, work: Work, slide_file: Path
) -> None:
    runtime.slides._settings = runtime.settings.model_copy(update={"slide_folder": str(slide_file.parent / "in")})
    (slide_file.parent / "in").mkdir()
    (slide_file.parent / "in" / "link.tif").symlink_to(slide_file)

    add(slide_file.parent / "in" / "link.tif")
    work()

    assert "is not below" in only_slide(database)["error"]


def test_a_slide_in_the_bucket_is_fetched_once_and_let_go_for_room(
    database: Database,
    settings: Settings,
    objects: ObjectStore,
    runtime: Runtime,
    add: Add,
    work: Work,
    slide_file: Path,
) -> None:
    room = 1.5 * slide_file.stat().st_size / 2**30
    runtime.slides._settings = runtime.settings.model_copy(update={"slide_cache_gib": room})
    objects.put("slides/a.tif", slide_file.read_bytes(), media_type="image/tiff")
    objects.put("slides/b.tif", slide_file.read_bytes(), media_type="image/tiff")

    add(f"s3://{settings.s3_bucket}/slides/a.tif", f"s3://{settings.s3_bucket}/slides/b.tif")
    outcomes = work()

    assert outcomes == ["1200 x 900 px at 5 mpp; 1 places guessed"] * 2
    assert len(list(runtime.slides._folder.iterdir())) == 1


def test_an_roi_of_a_withdrawn_slide_is_refused(database: Database, add: Add, work: Work, slide_file: Path) -> None:
    add(slide_file)
    work()
    cut(database, Rectangle(left_px=0, top_px=0, width_px=200, height_px=200))
    with database.transaction() as connection:
        connection.execute("UPDATE slides SET state = 'withdrawn'")

    work()

    with database.transaction() as connection:
        (roi,) = rois.list_refused(connection, 1)
    assert roi["error"] == "The image cannot be fetched from its address: its slide was withdrawn"

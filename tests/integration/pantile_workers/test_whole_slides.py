"""Whole slides are segmented by real workers, block by block, as the same engine segments an ROI of the same region."""

from collections.abc import Callable
from dataclasses import asdict, replace
from io import BytesIO
from pathlib import Path
from uuid import uuid4

import numpy as np
import pytest
import pyvips
from numpy.typing import NDArray
from PIL import ImageSequence, TiffImagePlugin

from pantile.catalog import chores, corrections, galleries, jobs, leases, reviews, slides
from pantile.catalog.database import Database, Row
from pantile.catalog.galleries import GalleryFilter
from pantile.catalog.slides import NewSlide
from pantile.class_map_files import decode_class_map
from pantile.coordinator.slides import add_slides, place_rois, place_whole
from pantile.domain.class_maps import ClassMap
from pantile.domain.errors import ImageUnreadable, LeaseLost, SlideRefused
from pantile.domain.rois import RoiKey, TissueType
from pantile.domain.segmenters import Card, EngineSettings, Mode, Stitching
from pantile.domain.settings_asked import SettingsAsked
from pantile.domain.slides import Place, Rectangle
from pantile.domain.whole_slides import NOT_SEGMENTED
from pantile.objects import ObjectStore
from pantile_workers.imaging.slides import open_slide
from pantile_workers.runtime import Runtime
from pantile_workers.slide_segmenting import SlideRun
from pantile_workers.whole_slides import segment_whole_slide

Work = Callable[[], list[str]]
Add = Callable[..., Row]

SETTINGS = EngineSettings(stride_px=48, margin_px=8)
MPP = 0.5

ALIKE = 0.99
"""Share of pixels: an untrained network hangs on single grey values, and libvips rounds others than Pillow does."""


@pytest.fixture
def region(shared: Path) -> Path:
    """Real tissue, 2220 x 2967 px."""
    return shared / "data" / "wsi" / "CMU-1-Small-Region.svs"


@pytest.fixture
def add(database: Database, register: Callable[..., None], work: Work) -> Add:
    """Adds a slide to cohort C, to be segmented by lung, has it looked into, and gives it."""
    register("lung")

    def add(source: Path, settings: EngineSettings = SETTINGS) -> Row:
        new = NewSlide(name=source.stem, case="case", source=str(source), mpp=MPP)
        asked = SettingsAsked(**asdict(settings))
        add_slides(database, "C", [new], segmenter_names=[], settings=asked, max_attempts=2, actor="test")
        work()
        with database.transaction() as connection:
            return slides.get_slide(connection, 1)

    return add


def submit_whole(database: Database, slide: Row) -> int:
    with database.transaction() as connection:
        return place_whole(connection, slide, actor="test").added


def read_job(database: Database, roi: str) -> Row:
    with database.transaction() as connection:
        (row,) = connection.execute(
            """
            SELECT j.id, j.state, j.error, m.object_key, m.sha256, m.class_pixels, m.map_mpp, m.width_px, m.height_px,
                   m.extent_width_px, m.provenance
            FROM rois r JOIN cohort_jobs cj ON cj.roi_id = r.id JOIN jobs j ON j.id = cj.job_id
            LEFT JOIN class_maps m ON m.job_id = j.id WHERE r.name = %s
            """,
            [roi],
        ).fetchall()
        return row


def read_tiff(data: bytes) -> list[NDArray[np.uint8]]:
    """All levels of a pyramidal TIFF."""
    with TiffImagePlugin.TiffImageFile(BytesIO(data)) as file:
        return [np.array(level) for level in ImageSequence.Iterator(file)]


def agreement(one: ClassMap, other: ClassMap) -> float:
    return float((one == other).mean())


@pytest.mark.parametrize("stitching", Stitching)
def test_a_whole_slide_is_segmented_as_an_roi_of_all_of_it(
    database: Database, objects: ObjectStore, add: Add, work: Work, region: Path, stitching: Stitching
) -> None:
    slide = add(region, replace(SETTINGS, stitching=stitching))
    whole = Rectangle(left_px=0, top_px=0, width_px=slide["width_px"], height_px=slide["height_px"])
    key = RoiKey(slide=slide["name"], tissue_type=TissueType.TUMOR, roi_number=1)
    with database.transaction() as connection:
        place_rois(connection, slide, [(key, Place(slide_id=1, rectangle=whole, is_lossless=True))], actor="test")

    assert submit_whole(database, slide) == 1
    work()

    made = read_job(database, "CMU-1-Small-Region_whole")
    assert (made["state"], made["error"]) == ("succeeded", None)
    class_map, *smaller = read_tiff(objects.get(made["object_key"], sha256=made["sha256"]))
    assert (made["width_px"], made["height_px"], made["map_mpp"]) == (1110, 1484, 1.0)
    assert class_map.shape == (1484, 1110)
    assert [level.shape for level in smaller] == [(742, 555), (371, 277)]
    assert made["extent_width_px"] == 2220
    assert made["class_pixels"] == [int((class_map == index).sum()) for index in range(2)]
    assert made["provenance"]["patches"] > 0
    as_roi = read_job(database, "CMU-1-Small-Region_tumor")
    roi_map = decode_class_map(objects.get(as_roi["object_key"], sha256=as_roi["sha256"]))
    segmented = class_map != NOT_SEGMENTED
    assert 0.5 < segmented.mean() <= 1
    assert agreement(class_map[segmented], roi_map[segmented]) >= ALIKE
    with pytest.raises(ImageUnreadable, match="whole slide's class map"):
        decode_class_map(objects.get(made["object_key"]))


@pytest.mark.parametrize("stitching", Stitching)
def test_blocks_show_no_seams(
    runtime: Runtime, tiny_card: Card, checkpoint: bytes, region: Path, tmp_path: Path, stitching: Stitching
) -> None:
    weights = tmp_path / "tiny.safetensors"
    weights.write_bytes(checkpoint)
    segmenter = runtime.engine.load(tiny_card, lambda: weights)
    settings = replace(SETTINGS, stitching=stitching)

    def segment(block_slide_px: int) -> ClassMap:
        with open_slide(region) as slide:
            run = SlideRun(
                slide,
                scale=2.0,
                card=tiny_card,
                settings=settings,
                engine=runtime.engine,
                block_slide_px=block_slide_px,
            )
            return np.vstack(list(run.bands(segmenter, on_block=lambda: None)))

    assert agreement(segment(400), segment(4000)) == 1.0


def test_glass_is_not_segmented(database: Database, objects: ObjectStore, add: Add, work: Work, tmp_path: Path) -> None:
    glass = np.full((1500, 2000, 3), 243, dtype=np.uint8)
    glass[500:800, 700:1100] = np.random.default_rng(2).integers(90, 220, (300, 400, 3), dtype=np.uint8)
    glass[500:800, 700:1100, 1] //= 2
    file = tmp_path / "glass.tif"
    image = pyvips.Image.new_from_memory(glass.tobytes(), 2000, 1500, 3, "uchar").copy(interpretation="srgb")
    image.tiffsave(str(file), tile=True, pyramid=True, compression="deflate")

    submit_whole(database, add(file))
    work()

    made = read_job(database, "glass_whole")
    assert made["error"] is None
    segmented = read_tiff(objects.get(made["object_key"]))[0] != NOT_SEGMENTED
    assert segmented[250:400, 350:550].all()
    assert not segmented[:200].any()
    assert not segmented[:, :290].any()
    assert sum(made["class_pixels"]) == segmented.sum()


def test_what_needs_an_image_in_the_bucket_passes_whole_slides_over(
    database: Database, add: Add, work: Work, region: Path
) -> None:
    submit_whole(database, add(region))
    work()

    with database.transaction() as connection:
        assert chores.ask_overlays(connection, 1, actor="test") == 0
        assert reviews.ask_comparisons(connection, 1, actor="test") == 0
        assert corrections.hand_out(connection, 1, "lung", actor="test").ready == 0
        assert galleries.list_maps(connection, GalleryFilter(cohort_id=1)) == []
        (result,) = jobs.list_results(connection, 1)
    assert (result["roi"], result["image"]["object_key"]) == ("CMU-1-Small-Region_whole", None)


def test_submitting_again_adds_nothing(database: Database, add: Add, work: Work, region: Path) -> None:
    slide = add(region)
    submit_whole(database, slide)
    work()

    assert submit_whole(database, slide) == 0
    assert work() == []
    with database.transaction() as connection:
        (image,) = connection.execute("SELECT * FROM images").fetchall()
    assert (image["object_key"], image["format"], image["width_px"]) == (None, "slide", 2220)


def test_a_job_whose_worker_was_killed_runs_again_to_the_same_bytes(
    database: Database, objects: ObjectStore, runtime: Runtime, add: Add, work: Work, region: Path
) -> None:
    submit_whole(database, add(region))
    work()
    first = read_job(database, "CMU-1-Small-Region_whole")
    objects.delete(first["object_key"])
    with database.transaction() as connection:
        connection.execute("DELETE FROM class_maps")
        connection.execute("UPDATE jobs SET state = 'waiting', finished_at = NULL")
        claim = jobs.claim_jobs(connection, first["id"], worker="killed", token=uuid4(), lease_s=60)
        connection.execute("UPDATE jobs SET lease_until = now() - interval '1 s'")
    (killed,) = claim.jobs
    assert killed.is_of_whole_slide

    with pytest.raises(LeaseLost):  # what the killed worker would do, were it only slow
        segment_whole_slide(runtime, killed)
    with database.transaction() as connection:
        leases.expire(connection, "jobs")
        connection.execute("UPDATE jobs SET not_before = now()")
    work()

    again = read_job(database, "CMU-1-Small-Region_whole")
    assert again["state"] == "succeeded"
    assert (again["sha256"], again["class_pixels"]) == (first["sha256"], first["class_pixels"])


def test_a_slide_whose_file_is_another_one_now_is_not_segmented(
    database: Database, add: Add, work: Work, region: Path, tmp_path: Path
) -> None:
    file = tmp_path / "copy.svs"
    file.write_bytes(region.read_bytes())
    submit_whole(database, add(file))
    work()
    with database.transaction() as connection:
        connection.execute("DELETE FROM class_maps")
        connection.execute("UPDATE jobs SET state = 'waiting', finished_at = NULL")
    file.write_bytes(region.read_bytes() + b" ")

    work()

    assert "is another file than it was" in read_job(database, "copy_whole")["error"]


def test_settings_that_are_not_for_whole_slides_are_refused(
    database: Database, add: Add, work: Work, region: Path
) -> None:
    slide = add(region, replace(SETTINGS, mode=Mode.EXACT))

    with pytest.raises(SlideRefused, match="C asks it of lung, and whole slides are segmented in fast mode only"):
        submit_whole(database, slide)


def test_settings_that_came_later_fail_their_job_with_the_sentence(
    database: Database, add: Add, work: Work, region: Path
) -> None:
    submit_whole(database, add(region))
    add(region, replace(SETTINGS, confidence=True))
    work()

    with database.transaction() as connection:
        rows = connection.execute("SELECT state, error FROM jobs ORDER BY state DESC").fetchall()
    assert [row["state"] for row in rows] == ["succeeded", "failed"]
    assert "whole slides have no confidence maps" in rows[1]["error"]

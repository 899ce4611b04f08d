"""`pantile export` writes what other tools open, from class maps in the real bucket."""

import json
from collections.abc import Callable
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from uuid import uuid4

import numpy as np
import pytest
import tifffile
import zarr
from highdicom.seg import segread
from numpy.typing import NDArray
from PIL import Image

from pantile.catalog import cohorts, jobs, rois, segmenters
from pantile.catalog.database import Connection, Database
from pantile.catalog.jobs import ClassMapRow, JobFilter
from pantile.catalog.rois import ImageRow, SubmittedRoi
from pantile.cli.app import main
from pantile.domain.class_maps import ClassGroup, ClassScheme, TissueClass
from pantile.domain.cohorts import read_rows
from pantile.domain.segmenters import Card, EngineSettings
from pantile.objects import ObjectStore, StoredObject
from tests.dicom_slides import ORIGIN_MM, SPACING_MM, write_dicom_slide

CLASS_MAP = np.array([[0, 1, 1], [0, 2, 1]], dtype=np.uint8)
GREY = 100

Export = Callable[..., int]


def tissue(index: int, name: str, group: ClassGroup, rgb: tuple[int, int, int]) -> TissueClass:
    return TissueClass(index=index, name=name, group=group, simplified_rgb=rgb, detailed_rgb=rgb)


CARD = Card(
    name="lung",
    version="1",
    title="Lung",
    architecture="Unet",
    encoder="resnet18",
    output_channels=3,
    model_mpp=1.0,
    patch_px=512,
    scheme=ClassScheme(
        (
            tissue(0, "GLASS", ClassGroup.BACKGROUND, (255, 255, 255)),
            tissue(1, "TUMOR", ClassGroup.TUMOR, (0, 0, 255)),
            tissue(2, "OTHER", ClassGroup.OTHER, (128, 128, 128)),
        )
    ),
    licence="Apache-2.0",
    checkpoint_sha256="c" * 64,
)


def encode(pixels: NDArray[np.uint8], form: str) -> bytes:
    content = BytesIO()
    Image.fromarray(pixels).save(content, form)
    return content.getvalue()


@pytest.fixture
def cohort(database: Database, objects: ObjectStore) -> None:
    """Cohort C: one ROI of 12 x 8 grey pixels at 0.25 mpp, segmented by lung and by lymphoma."""
    image = objects.put_named(
        "rois", encode(np.full((8, 12, 3), GREY, dtype=np.uint8), "JPEG"), suffix=".jpg", media_type="image/jpeg"
    )
    class_map = objects.put_named("class-maps", encode(CLASS_MAP, "PNG"), suffix=".png", media_type="image/png")
    rows = read_rows(
        [("line 1", {"path": "TCGA-LUAD-05-4244_0.25_tumor_original.jpg"})], columns=["path"], cohort="C", mpp=None
    )
    with database.transaction() as connection:
        added = [
            segmenters.add_segmenter(
                connection,
                replace(CARD, name=name),
                checkpoint_key="checkpoints/toy",
                checkpoint_bytes=1,
                actor="test",
            ).segmenter.id
            for name in ("lung", "lymphoma")
        ]
        facts = ImageRow(
            sha256=image.sha256, bytes=image.bytes, object_key=image.key, width_px=12, height_px=8, format="jpg"
        )
        rois.keep_image(connection, facts)
        made = cohorts.open_cohort(connection, "C")
        settings_digest = segmenters.keep_settings(connection, EngineSettings())
        cohorts.add_segmenters(connection, made.id, dict.fromkeys(added, settings_digest))
        rois.add_rois(connection, made.id, [SubmittedRoi(row=rows[0], sha256=image.sha256, bytes=image.bytes)])
        jobs.plan_jobs(connection, made.id, max_attempts=3)
        for row in jobs.list_jobs(connection, JobFilter(cohort_id=made.id)):
            finish(connection, row["id"], class_map)


def finish(connection: Connection, job_id: int, class_map: StoredObject) -> None:
    claim = jobs.claim_jobs(connection, job_id, worker="w", token=uuid4(), lease_s=60, alone=False)
    for job in claim.jobs:
        row = ClassMapRow(
            object_key=class_map.key,
            sha256=class_map.sha256,
            bytes=class_map.bytes,
            width_px=3,
            height_px=2,
            map_mpp=1.0,
            extent_width_px=12.0,
            extent_height_px=8.0,
            class_pixels=[2, 3, 1],
            provenance={},
        )
        assert jobs.finish_job(connection, job.lease, row, timings={})


@pytest.fixture
def export(web_url: str, quiet_service: None, cohort: None, tmp_path: Path) -> Export:
    """Runs `pantile export KIND C …` into `tmp_path`, and gives its exit code."""

    def run(kind: str, *arguments: str) -> int:
        with pytest.raises(SystemExit) as ended:
            main(["export", kind, "C", "--out", str(tmp_path), "--api", web_url, *arguments])
        assert isinstance(ended.value.code, int)
        return ended.value.code

    return run


STEM = "TCGA-LUAD-05-4244_tumor"


def test_annotations_are_in_pixels_of_the_image_without_the_background(export: Export, tmp_path: Path) -> None:
    assert export("geojson", "--tolerance", "0") == 0

    features = json.loads((tmp_path / f"{STEM}_lung.geojson").read_text())["features"]
    assert {feature["properties"]["classification"]["name"] for feature in features} == {"TUMOR", "OTHER"}
    corners = [corner for feature in features for corner in feature["geometry"]["coordinates"][0]]
    assert (min(corners), max(x for x, _ in corners), max(y for _, y in corners)) == ([4.0, 0.0], 12.0, 8.0)


def test_annotations_of_an_roi_that_was_cut_out_of_a_slide_lie_on_it(
    export: Export, database: Database, tmp_path: Path
) -> None:
    with database.transaction() as connection:
        connection.execute("UPDATE rois SET source = 'slide://1/1000,2000,12,8'")

    assert export("geojson", "--tolerance", "0") == 0

    features = json.loads((tmp_path / f"{STEM}_lung.geojson").read_text())["features"]
    corners = [corner for feature in features for corner in feature["geometry"]["coordinates"][0]]
    assert min(corners) == [1004.0, 2000.0]


def test_a_pyramid_keeps_indices_and_names(export: Export, tmp_path: Path) -> None:
    assert export("ome-tiff") == 0

    with tifffile.TiffFile(tmp_path / f"{STEM}_lung.ome.tif") as tiff:
        assert np.array_equal(tiff.asarray(), CLASS_MAP)
        assert '<M K="1">TUMOR</M>' in (tiff.ome_metadata or "")


def test_a_label_image_in_zarr_names_and_colours_its_classes(export: Export, tmp_path: Path) -> None:
    assert export("ome-zarr") == 0

    group = zarr.open_group(tmp_path / f"{STEM}_lung.ome.zarr", mode="r")
    assert np.array_equal(np.asarray(group["0"]), CLASS_MAP)
    assert group.attrs["ome"]["image-label"]["properties"][1] == {"label-value": 1, "class": "TUMOR"}  # type: ignore[index,call-overload]  # JSON of any shape


def test_a_dicom_segmentation_lies_on_the_slide_that_its_roi_was_cut_out_of(
    export: Export, database: Database, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    file = write_dicom_slide(tmp_path_factory.mktemp("slide"))
    with database.transaction() as connection:
        connection.execute("UPDATE rois SET source = 'slide://1/1000,200,12,8'")
        connection.execute(
            "INSERT INTO slides (cohort_id, name, case_id, source) SELECT cohort_id, slide, case_id, %s FROM rois",
            [f"/where/workers/see/it/{file.name}"],
        )

    assert export("dicom-seg", "--slides", str(file.parent)) == 0

    found = segread(tmp_path / f"{STEM}_lung.dcm")
    assert np.array_equal(found.get_total_pixel_matrix(combine_segments=True), CLASS_MAP)
    assert found.TotalPixelMatrixOriginSequence[0].XOffsetInSlideCoordinateSystem == pytest.approx(
        ORIGIN_MM[0] - 200 * SPACING_MM
    )


def test_a_segmentation_of_an_roi_without_a_place_is_refused(
    export: Export, capsys: pytest.CaptureFixture[str]
) -> None:
    assert export("dicom-seg") == 1
    assert "the ROI was not cut out of a slide, so its place is not known" in capsys.readouterr().err


def test_the_studys_files_have_its_names_its_size_and_its_black(export: Export, tmp_path: Path) -> None:
    assert export("study") == 0

    stem = tmp_path / "TCGA-LUAD-05-4244_0.25_tumor"
    assert sorted(file.name for file in tmp_path.glob("*_mask.png")) == [
        f"{stem.name}_model3_mask.png",
        f"{stem.name}_model6_mask.png",
    ]
    mask = np.asarray(Image.open(f"{stem}_model3_mask.png"))
    assert np.array_equal(mask, CLASS_MAP.repeat(4, axis=0).repeat(4, axis=1))
    colours = np.asarray(Image.open(f"{stem}_model3_color.png").convert("RGB"))
    assert [tuple(colours[row, column]) for row, column in ((0, 0), (0, 11), (7, 5))] == [
        (0, 0, 0),
        (0, 0, 255),
        (0, 0, 0),
    ]
    overlay = np.asarray(Image.open(f"{stem}_model3_overlay.jpg"))
    assert overlay.shape == (8, 12, 3)
    assert overlay[0, 0, 0] == pytest.approx(0.7 * GREY, abs=12)
    assert overlay[0, 11, 2] == pytest.approx(0.7 * GREY + 0.3 * 255, abs=12)


def test_one_segmenters_files_alone(export: Export, tmp_path: Path) -> None:
    assert export("geojson", "--segmenter", "lymphoma") == 0

    assert [file.name for file in tmp_path.iterdir()] == [f"{STEM}_lymphoma.geojson"]


def test_a_segmenter_that_the_cohort_lacks_is_refused(export: Export, capsys: pytest.CaptureFixture[str]) -> None:
    assert export("geojson", "--segmenter", "bone") == 2
    assert capsys.readouterr().err.strip() == "No such segmenter is registered: bone; C has lung, lymphoma"


def test_what_is_gone_from_the_bucket_is_told_and_the_rest_is_written(
    export: Export, database: Database, objects: ObjectStore, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with database.transaction() as connection:
        connection.execute(
            "UPDATE class_maps SET object_key = 'class-maps/gone.png', sha256 = %s WHERE job_id = 1", ["0" * 64]
        )

    assert export("geojson") == 1

    assert len(list(tmp_path.iterdir())) == 1
    assert "the object store answers 404" in capsys.readouterr().err

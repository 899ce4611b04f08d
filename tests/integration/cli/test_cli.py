"""The command line against the real web service, catalog and bucket; what workers would do is done to the catalog."""

import csv
import hashlib
import json
import os
import struct
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import pytest

from pantile.catalog import chores, jobs, leases, pauses, reviews, rois, workers
from pantile.catalog.cohorts import Cohort, find_cohort
from pantile.catalog.database import Database
from pantile.catalog.jobs import ClassMapRow, ConfidenceRow, JobFilter
from pantile.catalog.workers import WorkerFacts
from pantile.cli.app import main
from pantile.client.api import ApiClient
from pantile.client.uploads import HashedFile, hash_file, upload_images
from pantile.domain.jobs import JobState
from pantile.domain.workers import WorkerKind
from pantile.objects import ObjectStore

MakeCohort = Callable[..., Cohort]

CARD = """
name = "toy"
version = "1"
title = "Toy"
architecture = "Unet"
encoder = "resnet18"
output_channels = 2
model_mpp = 1.0
patch_px = 512
licence = "Apache-2.0"
training_cohorts = ["TCGA-BRCA"]

[[classes]]
index = 0
name = "glass"
group = "background"
simplified_rgb = [255, 255, 255]
detailed_rgb = [255, 255, 255]

[[classes]]
index = 1
name = "tumor"
group = "tumor"
simplified_rgb = [0, 0, 255]
detailed_rgb = [0, 0, 255]
"""


class Pantile:
    """`pantile …` as a user types it."""

    def __init__(self, address: str, capsys: pytest.CaptureFixture[str]) -> None:
        self._address = address
        self._capsys = capsys
        self.out = ""
        self.err = ""

    def __call__(self, *arguments: str) -> int:
        """Runs a command, and gives its exit code."""
        with pytest.raises(SystemExit) as ended:
            main([*arguments, "--api", self._address])
        self.out, self.err = self._capsys.readouterr()
        assert isinstance(ended.value.code, int)
        return ended.value.code


@pytest.fixture
def pantile(web_url: str, quiet_service: None, capsys: pytest.CaptureFixture[str]) -> Pantile:
    return Pantile(web_url, capsys)


@pytest.fixture
def card(tmp_path: Path) -> Path:
    path = tmp_path / "toy.toml"
    path.write_text(CARD, "utf-8")
    return path


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    """A file in the safetensors format whose segmentation head has two channels."""
    head = {"dtype": "F32", "shape": [2, 1, 1, 1], "data_offsets": [0, 8]}
    header = json.dumps({"segmentation_head.0.weight": head}).encode()
    path = tmp_path / "toy.safetensors"
    path.write_bytes(struct.pack("<Q", len(header)) + header + bytes(8))
    return path


@pytest.fixture
def toy(pantile: Pantile, card: Path, checkpoint: Path) -> None:
    """A registered segmenter."""
    assert pantile("segmenters", "add", str(card), "--checkpoint", str(checkpoint)) == 0


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three images as the study names them."""
    images = tmp_path / "images"
    images.mkdir()
    for number in range(1, 4):
        name = f"TCGA-BRCA-A2-A0D{number}_0.25_tumor_original.jpg"
        (images / name).write_bytes(os.urandom(300_000))
    return images


def succeed_all(
    database: Database, objects: ObjectStore, cohort: Cohort, *, confidence: float | None = None
) -> dict[int, bytes]:
    """Gives each waiting job of a cohort a class map; gives their bytes by job id.

    With a `confidence` each has a confidence map of that mean, too.
    """
    contents: dict[int, bytes] = {}
    with database.transaction() as connection:
        for row in jobs.list_jobs(connection, JobFilter(cohort_id=cohort.id, state=JobState.WAITING)):
            claim = jobs.claim_jobs(connection, row["id"], worker="w", token=uuid4(), lease_s=60, alone=False)
            for job in claim.jobs:
                content = f"class map of job {job.lease.row_id}".encode()
                stored = objects.put_named("class-maps", content, suffix=".png", media_type="image/png")
                class_map = ClassMapRow(
                    object_key=stored.key,
                    sha256=stored.sha256,
                    bytes=stored.bytes,
                    width_px=3,
                    height_px=2,
                    map_mpp=1.0,
                    extent_width_px=12.0,
                    extent_height_px=8.0,
                    class_pixels=[2, 4],
                    provenance={"arithmetic": "float32"},
                    confidence=None if confidence is None else keep_confidence(objects, job.job_id, mean=confidence),
                )
                assert jobs.finish_job(connection, job.lease, class_map, timings={"network": 0.1})
                contents[job.lease.row_id] = content
    return contents


def keep_confidence(objects: ObjectStore, job_id: int, *, mean: float) -> ConfidenceRow:
    content = f"confidence of job {job_id}".encode()
    stored = objects.put_named("confidence", content, suffix=".png", media_type="image/png")
    return ConfidenceRow(object_key=stored.key, sha256=stored.sha256, bytes=stored.bytes, mean=mean)


def compare_all(database: Database, disagreements: list[float]) -> None:
    """Knows how far the segmenters of each ROI disagree, as an imaging worker would find out."""
    with database.transaction() as connection:
        found = connection.execute(
            """
            INSERT INTO chores (kind, roi_id, state) SELECT 'compare', id, 'succeeded' FROM rois ORDER BY id
            RETURNING id
            """
        ).fetchall()
        for chore, disagreement in zip(found, disagreements, strict=True):
            roi_id, compared = reviews.read_compared(connection, chore["id"])
            sources = [each.source for each in compared]
            reviews.keep_disagreement(connection, roi_id, disagreement, sources=sources)


def fail_all(database: Database, cohort: Cohort) -> None:
    with database.transaction() as connection:
        for row in jobs.list_jobs(connection, JobFilter(cohort_id=cohort.id)):
            claim = jobs.claim_jobs(connection, row["id"], worker="w", token=uuid4(), lease_s=60, alone=False)
            for job in claim.jobs:
                leases.fail(connection, job.lease, kind="SegmenterBroken", sentence="The segmenter cannot be run.")


def states(database: Database, cohort: str) -> list[str]:
    with database.transaction() as connection:
        cohort_id = find_cohort(connection, cohort).id
        rows = connection.execute("SELECT state FROM rois WHERE cohort_id = %s ORDER BY id", [cohort_id]).fetchall()
    return [row["state"] for row in rows]


def test_a_folder_is_submitted_and_its_images_are_uploaded(
    pantile: Pantile, toy: None, folder: Path, database: Database, objects: ObjectStore
) -> None:
    assert pantile("submit", str(folder)) == 0

    assert "TCGA-BRCA: 3 ROIs added, 3 images to upload; segmenters toy." in pantile.out
    assert states(database, "TCGA-BRCA") == ["arriving"] * 3
    for file in folder.iterdir():
        digest = hash_file(file).sha256
        assert objects.get(f"incoming/{digest}", sha256=digest) == file.read_bytes()


def test_submitting_again_adds_nothing_and_says_so(pantile: Pantile, toy: None, folder: Path) -> None:
    pantile("submit", str(folder))

    assert pantile("submit", str(folder)) == 0
    assert "Nothing added: TCGA-BRCA has all of it (3 ROIs, toy) already." in pantile.out


def test_another_mode_and_stitching_are_submitted_beside_the_first_ones(
    pantile: Pantile, toy: None, folder: Path, database: Database
) -> None:
    pantile("submit", str(folder))

    assert pantile("submit", str(folder), "--mode", "exact", "--stitching", "blend") == 0

    assert "Nothing added" not in pantile.out
    with database.transaction() as connection:
        rows = connection.execute(
            "SELECT document FROM cohort_segmenters JOIN engine_settings ON digest = settings_digest"
        )
        settings = {(row["document"]["mode"], row["document"]["stitching"]) for row in rows}
    assert settings == {("fast", "centre"), ("exact", "blend")}


def test_precision_and_confidence_are_submitted_and_what_runs_in_float32_is_told(
    pantile: Pantile, toy: None, folder: Path, database: Database
) -> None:
    assert pantile("submit", str(folder), "--precision", "mixed", "--confidence") == 0

    assert pantile.out.splitlines()[1] == "toy runs in float32: not tested for mixed precision."
    with database.transaction() as connection:
        rows = connection.execute("SELECT document FROM engine_settings").fetchall()
    assert [(row["document"]["precision"], row["document"]["confidence"]) for row in rows] == [("float32", True)]


def test_an_interrupted_upload_goes_on_with_what_is_missing(
    pantile: Pantile, toy: None, folder: Path, database: Database, objects: ObjectStore
) -> None:
    pantile("submit", str(folder))
    kept, lost, _ = sorted(folder.iterdir())
    with database.transaction() as connection:
        connection.execute("UPDATE rois SET state = 'awaiting'")
    objects.delete(f"incoming/{hash_file(lost).sha256}")
    modified = objects._client.head_object(Bucket=objects.bucket, Key=f"incoming/{hash_file(kept).sha256}")

    assert pantile("submit", str(folder)) == 0

    assert "3 images still to upload" in pantile.out
    assert "TCGA-BRCA: 3 images uploaded." in pantile.out
    assert objects.get(f"incoming/{hash_file(lost).sha256}") == lost.read_bytes()
    again = objects._client.head_object(Bucket=objects.bucket, Key=f"incoming/{hash_file(kept).sha256}")
    assert again["LastModified"] == modified["LastModified"]


def test_an_image_that_cannot_be_uploaded_holds_up_no_other(
    pantile: Pantile, toy: None, folder: Path, web_url: str, api_token: str, database: Database
) -> None:
    pantile("submit", str(folder))
    with database.transaction() as connection:
        connection.execute("UPDATE rois SET state = 'awaiting', expected_bytes = 1")
    files = {hashed.sha256: hashed for hashed in map(hash_file, sorted(folder.iterdir()))}
    changed = next(iter(files.values()))
    files[changed.sha256] = HashedFile(file=changed.file, sha256=changed.sha256, bytes=changed.bytes + 1)

    with ApiClient(web_url, token=api_token) as client:
        outcome = upload_images(client, "TCGA-BRCA", files)

    assert outcome.arrived == 2
    assert list(outcome.failures) == ["TCGA-BRCA-A2-A0D1_tumor"]
    assert "has changed since it was read first" in outcome.failures["TCGA-BRCA-A2-A0D1_tumor"]


def test_an_unknown_segmenter_is_refused_with_the_known_ones(pantile: Pantile, toy: None, folder: Path) -> None:
    assert pantile("submit", str(folder), "--segmenters", "toy,lung") == 2
    assert "No such segmenter is registered: lung; registered are toy" in pantile.err


def test_without_a_segmenter_nothing_can_be_submitted(pantile: Pantile, folder: Path) -> None:
    assert pantile("submit", str(folder)) == 2
    assert "`pantile segmenters add`" in pantile.err


def test_a_segmenter_is_added_once(pantile: Pantile, card: Path, checkpoint: Path) -> None:
    add = ("segmenters", "add", str(card), "--checkpoint", str(checkpoint))

    assert pantile(*add) == 0
    assert "Added toy 1 (glass, tumor)." in pantile.out
    assert pantile(*add) == 0
    assert "Nothing added: toy 1 is registered already." in pantile.out


def test_a_card_with_new_words_brings_the_segmenter_up_to_date(
    pantile: Pantile, toy: None, card: Path, checkpoint: Path
) -> None:
    assert pantile("segmenters", "show", "toy") == 0
    assert "float32: not tested for mixed precision" in pantile.out
    admission = '[admission]\nagreement = 0.999\npixels = 1000\narithmetic = "bfloat16"\ntissue = "3 regions"\n'
    card.write_text(f"{CARD}\n{admission}", "utf-8")

    assert pantile("segmenters", "add", str(card), "--checkpoint", str(checkpoint)) == 0

    assert "toy 1 is registered already; brought up to date: admission." in pantile.out
    assert pantile("segmenters", "show", "toy@1") == 0
    assert "mixed; 99.90 % of 1,000 pixels of 3 regions have the same class in bfloat16" in pantile.out
    assert "#0000ff" in pantile.out


def test_a_segmenter_that_is_not_known_cannot_be_shown(pantile: Pantile) -> None:
    assert pantile("segmenters", "show", "liver") == 2
    assert pantile.err.strip() == ("There is no segmenter liver; known are breast, colon, kidney, lung, prostate.")


def test_a_checkpoint_of_another_digest_is_refused_before_it_is_uploaded(
    pantile: Pantile, card: Path, checkpoint: Path, objects: ObjectStore
) -> None:
    card.write_text(f'{CARD}\n[checkpoint]\nsha256 = "{"a" * 64}"\n', "utf-8")

    assert pantile("segmenters", "add", str(card), "--checkpoint", str(checkpoint)) == 2
    assert "The checkpoint does not fit its card" in pantile.err
    assert list(objects.keys()) == []


def test_a_checkpoint_with_other_channels_names_the_classes_needed(pantile: Pantile, checkpoint: Path) -> None:
    assert pantile("segmenters", "add", "lung", "--checkpoint", str(checkpoint)) == 2
    assert "so the card needs 2 classes with the indices 0 to 1" in pantile.err


def test_shipped_segmenters_are_listed_with_where_their_checkpoint_is_expected(pantile: Pantile, toy: None) -> None:
    assert pantile("segmenters", "list") == 0
    assert "registered" in pantile.out
    assert "expected at checkpoints/lung.safetensors" in pantile.out


def test_watching_ends_with_0_when_all_succeeded(
    pantile: Pantile, make_cohort: MakeCohort, database: Database, objects: ObjectStore
) -> None:
    succeed_all(database, objects, make_cohort("C"))

    assert pantile("watch", "C") == 0
    assert "C (2 of 2 ROIs stored): 4 succeeded; 4 of 4 jobs done; nothing is under way" in pantile.out


def test_watching_ends_with_1_and_the_sentences_when_jobs_failed(
    pantile: Pantile, make_cohort: MakeCohort, database: Database
) -> None:
    fail_all(database, make_cohort("C", images=1))

    assert pantile("watch", "C") == 1
    assert "slide0_tumor x lung: The segmenter cannot be run." in pantile.out


def test_watching_once_shows_each_segmenter(pantile: Pantile, make_cohort: MakeCohort) -> None:
    make_cohort("C")

    assert pantile("watch", "C", "--once") == 0
    assert [line.split() for line in pantile.out.splitlines()[2:5]] == [
        ["breast", "2", "0", "0", "0"],
        ["lung", "2", "0", "0", "0"],
        ["all", "4", "0", "0", "0"],
    ]


def test_progress_as_json_is_the_apis(pantile: Pantile, make_cohort: MakeCohort) -> None:
    make_cohort("C")

    assert pantile("watch", "C", "--once", "--json") == 0
    assert json.loads(pantile.out)["jobs"]["waiting"] == 4


def test_an_unknown_cohort_is_a_sentence(pantile: Pantile) -> None:
    assert pantile("watch", "NONE") == 2
    assert pantile.err.strip() == "There is no such cohort: NONE"


def test_results_are_class_maps_and_tables(
    pantile: Pantile, make_cohort: MakeCohort, database: Database, objects: ObjectStore, tmp_path: Path
) -> None:
    contents = succeed_all(database, objects, make_cohort("C", images=1))

    assert pantile("results", "C", "--out", str(tmp_path / "out"), "--no-overlays") == 0

    files = {file.name: file.read_bytes() for file in (tmp_path / "out").iterdir()}
    assert set(files) == {
        "class_areas.csv",
        "slides.csv",
        "summary.csv",
        "slide0_tumor_breast_class_map.png",
        "slide0_tumor_lung_class_map.png",
    }
    assert sorted(content for name, content in files.items() if name.endswith(".png")) == sorted(contents.values())
    assert len(files["class_areas.csv"].splitlines()) == 1 + 2 * 2
    assert len(files["summary.csv"].splitlines()) == 1 + 2


def test_results_take_confidence_maps_along(
    pantile: Pantile, make_cohort: MakeCohort, database: Database, objects: ObjectStore, tmp_path: Path
) -> None:
    contents = succeed_all(database, objects, make_cohort("C", images=1), confidence=0.75)

    assert pantile("results", "C", "--out", str(tmp_path / "out"), "--no-overlays") == 0

    brought = sorted(file.read_bytes() for file in (tmp_path / "out").glob("slide0_tumor_*_confidence.png"))
    assert brought == sorted(f"confidence of job {job_id}".encode() for job_id in contents)
    summary = csv.DictReader((tmp_path / "out" / "summary.csv").read_text("utf-8").splitlines())
    assert [(row["precision"], row["mean_confidence"]) for row in summary] == [("float32", "0.75")] * 2


def test_rois_are_reviewed_in_the_order_asked_for(
    pantile: Pantile, make_cohort: MakeCohort, database: Database, objects: ObjectStore, tmp_path: Path
) -> None:
    succeed_all(database, objects, make_cohort("C", images=3), confidence=0.75)
    compare_all(database, [0.1, 0.3, 0.2])
    table = tmp_path / "review.csv"

    assert pantile("cohorts", "review", "C", "--limit", "2", "--csv", str(table)) == 0

    assert [line.split() for line in pantile.out.splitlines()[1:3]] == [
        ["slide1_tumor", "0.300", "0.750", "breast,", "lung"],
        ["slide2_tumor", "0.200", "0.750", "breast,", "lung"],
    ]
    assert "2 of 3 ROIs" in pantile.out
    rows = csv.DictReader(table.read_text("utf-8").splitlines())
    assert [row["roi"] for row in rows] == ["slide1_tumor", "slide2_tumor", "slide0_tumor"]
    assert pantile("cohorts", "review", "C", "--order", "confidence") == 0
    assert pantile.out.splitlines()[1].startswith("slide0_tumor")


def test_a_review_that_cannot_be_ordered_says_why(
    pantile: Pantile, make_cohort: MakeCohort, database: Database, objects: ObjectStore
) -> None:
    cohort = make_cohort("C")

    assert pantile("cohorts", "review", "C") == 1
    assert pantile.out.strip() == "No disagreement is known yet; 2 ROIs still to be segmented."
    succeed_all(database, objects, cohort)
    assert pantile("cohorts", "review", "C", "--order", "confidence") == 1
    assert "submit the cohort again with --confidence" in pantile.out


def test_one_segmenter_cannot_disagree(
    pantile: Pantile, make_cohort: MakeCohort, database: Database, objects: ObjectStore
) -> None:
    succeed_all(database, objects, make_cohort("C", segmenter_names=("lung",)))

    assert pantile("cohorts", "review", "C") == 1
    assert pantile.out.strip() == "No disagreement is known, as no ROI has the class maps of two segmenters."


def test_a_job_is_shown_with_its_settings_and_confidence(
    pantile: Pantile, make_cohort: MakeCohort, database: Database, objects: ObjectStore
) -> None:
    (job_id, *_) = succeed_all(database, objects, make_cohort("C", images=1), confidence=0.75)

    assert pantile("jobs", "show", str(job_id)) == 0

    assert "fast mode, centre stitching every 384 px with margins of 64 px, float32 precision" in pantile.out
    assert "mean 0.750, SHA-256" in pantile.out


def test_results_that_are_there_are_not_fetched_again_unless_they_are_damaged(
    pantile: Pantile, make_cohort: MakeCohort, database: Database, objects: ObjectStore, tmp_path: Path
) -> None:
    succeed_all(database, objects, make_cohort("C", images=1))
    fetch = ("results", "C", "--out", str(tmp_path / "out"), "--no-overlays")
    pantile(*fetch)
    whole, damaged = sorted((tmp_path / "out").glob("*.png"))
    content, written_at = damaged.read_bytes(), whole.stat().st_mtime_ns
    damaged.write_bytes(content[:5])

    assert pantile(*fetch) == 0

    assert damaged.read_bytes() == content
    assert whole.stat().st_mtime_ns == written_at


def test_a_class_map_that_is_lost_is_told_and_spares_the_others(
    pantile: Pantile, make_cohort: MakeCohort, database: Database, objects: ObjectStore, tmp_path: Path
) -> None:
    contents = succeed_all(database, objects, make_cohort("C", images=1))
    objects.delete(f"class-maps/{hashlib.sha256(min(contents.values())).hexdigest()}.png")

    assert pantile("results", "C", "--out", str(tmp_path / "out"), "--no-overlays") == 1

    assert "the object store answers 404" in pantile.err
    assert len(list((tmp_path / "out").glob("*.png"))) == 1


def test_overlays_are_brought_once_they_are_drawn(
    pantile: Pantile, make_cohort: MakeCohort, database: Database, objects: ObjectStore, tmp_path: Path
) -> None:
    contents = succeed_all(database, objects, make_cohort("C", images=1))
    for job_id in contents:
        stored = objects.put_named("overlays", f"overlay of {job_id}".encode(), suffix=".jpg", media_type="image/jpeg")
        with database.transaction() as connection:
            chores.keep_overlay(connection, job_id, object_key=stored.key, sha256=stored.sha256, bytes_=stored.bytes)

    assert pantile("results", "C", "--out", str(tmp_path / "out")) == 0

    drawn = sorted(file.read_bytes() for file in (tmp_path / "out").glob("*_overlay.jpg"))
    assert drawn == sorted(f"overlay of {job_id}".encode() for job_id in contents)


def test_a_cohort_without_class_maps_has_no_results_yet(
    pantile: Pantile, make_cohort: MakeCohort, tmp_path: Path
) -> None:
    make_cohort("C")

    assert pantile("results", "C", "--out", str(tmp_path / "out")) == 1
    assert "C has no class map yet" in pantile.out


def test_failed_jobs_are_listed_shown_and_tried_again(
    pantile: Pantile, make_cohort: MakeCohort, database: Database
) -> None:
    cohort = make_cohort("C", images=1)
    fail_all(database, cohort)
    with database.transaction() as connection:
        job_id = jobs.list_jobs(connection, JobFilter(cohort_id=cohort.id))[0]["id"]

    assert pantile("jobs", "list", "--cohort", "C", "--state", "failed") == 0
    assert pantile.out.count("The segmenter cannot be run.") == 2
    assert pantile("jobs", "show", str(job_id)) == 0
    assert f"pantile jobs retry {job_id}" in pantile.out
    assert pantile("jobs", "explain", str(job_id)) == 0
    assert "It failed: The segmenter cannot be run." in pantile.out
    assert "What to do: Look at the segmenter's card" in pantile.out
    assert pantile("jobs", "retry", "--cohort", "C", "--cause", "ImageUnreadable") == 0
    assert "0 jobs will be tried again." in pantile.out
    assert pantile("jobs", "retry", "--cohort", "C", "--cause", "SegmenterBroken") == 0
    assert "2 jobs will be tried again." in pantile.out
    assert pantile("jobs", "retry", str(job_id)) == 1
    assert "Only a failed or cancelled job can be tried again" in pantile.err


def test_jobs_are_cancelled_by_id_or_by_what_they_are(pantile: Pantile, make_cohort: MakeCohort) -> None:
    make_cohort("C", images=2)

    assert pantile("jobs", "cancel", "1") == 0
    assert "1 job cancelled." in pantile.out
    assert pantile("jobs", "cancel", "--segmenter", "breast") == 0
    assert "2 jobs cancelled." in pantile.out
    assert pantile("jobs", "cancel", "1") == 1
    assert "Only a waiting or running job can be cancelled" in pantile.err
    assert pantile("jobs", "cancel") == 2
    assert "say which with --cohort" in pantile.err


def test_a_worker_is_listed_drained_and_let_work_again(pantile: Pantile, database: Database) -> None:
    facts = WorkerFacts(
        name="segment-1@gpu", kind=WorkerKind.SEGMENT, host="gpu", pid=1, queues=(), threads=4, version="1"
    )
    assert pantile("workers", "list") == 0
    assert "There is no worker" in pantile.out
    with database.transaction() as connection:
        workers.tell_worker(connection, facts, device="cuda:0 (H100)", tasks=0, is_consuming=False)

    assert pantile("workers", "drain", "segment-1@gpu") == 0
    assert "segment-1@gpu holds nothing, and may be stopped." in pantile.out
    assert pantile("workers", "list") == 0
    assert ("drained" in pantile.out, "cuda:0 (H100)" in pantile.out) == (True, True)
    assert pantile("workers", "undrain", "segment-1@gpu") == 0
    assert pantile("workers", "drain", "nobody@gpu") == 2
    assert "There is no such worker, or it has ended" in pantile.err


def test_a_cohort_is_listed_and_cancelled(pantile: Pantile, make_cohort: MakeCohort) -> None:
    make_cohort("C")

    assert pantile("cohorts", "cancel", "C") == 0
    assert "C is cancelled: 4 jobs ended." in pantile.out
    assert pantile("cohorts", "list") == 0
    assert "cancelled" in pantile.out


def test_a_paused_cohort_is_told_by_watch_and_resumed(
    pantile: Pantile, make_cohort: MakeCohort, database: Database
) -> None:
    cohort = make_cohort("C")
    with database.transaction() as connection:
        pauses.pause_cohort(connection, cohort, reason="3 of 3 failed", actor="ann")

    assert pantile("watch", "C") == 1
    assert "the cohort is paused, `pantile cohorts resume` lets it go on: 3 of 3 failed" in pantile.out
    assert pantile("cohorts", "resume", "C") == 0
    assert "C goes on: 4 jobs waiting." in pantile.out
    assert pantile("cohorts", "resume", "C") == 2
    assert "Only a paused cohort can be resumed: C is open" in pantile.err


def test_a_cohort_is_paused_by_hand_and_says_why(pantile: Pantile, make_cohort: MakeCohort) -> None:
    make_cohort("C")

    assert pantile("cohorts", "pause", "C", "--reason", " ") == 2
    assert "say why the cohort is to be paused" in pantile.err
    assert pantile("cohorts", "pause", "C", "--reason", "the scanner is looked at") == 0
    assert "C is paused: 4 jobs waiting, 0 jobs running to their end." in pantile.out
    assert pantile("watch", "C") == 1
    assert "the cohort is paused, `pantile cohorts resume` lets it go on: the scanner is looked at" in pantile.out
    assert pantile("cohorts", "pause", "C", "--reason", "again") == 2
    assert "Only an open cohort can be paused: C is paused" in pantile.err
    assert pantile("cohorts", "resume", "C") == 0


def test_refused_rois_are_told_by_watch(pantile: Pantile, toy: None, folder: Path, database: Database) -> None:
    pantile("submit", str(folder))
    with database.transaction() as connection:
        connection.execute("UPDATE rois SET state = 'refused', error_kind = 'x', error = 'The image cannot be read.'")
        assert len(rois.list_refused(connection, find_cohort(connection, "TCGA-BRCA").id)) == 3

    assert pantile("watch", "TCGA-BRCA", "--once") == 1
    assert pantile.out.count("The image cannot be read.") == 3


def test_flagged_rois_are_listed_and_told_by_watch(
    pantile: Pantile, make_cohort: MakeCohort, database: Database
) -> None:
    make_cohort(images=3)
    with database.transaction() as connection:
        connection.execute(
            """
            UPDATE images SET quality = '{"tissue": 0.5, "sharpness": 40.2, "pen": 0.125, "black": 0}'
            WHERE object_key = 'rois/1'
            """
        )

    assert pantile("rois", "TCGA-BRCA", "--flagged") == 0
    assert "50.0%" in pantile.out
    assert "blurred, pen" in pantile.out
    assert "slide0_tumor" not in pantile.out
    assert pantile("rois", "TCGA-BRCA", "--flag", "black") == 0
    assert pantile.out == "There is no such ROI.\n"
    pantile("rois", "TCGA-BRCA", "--limit", "1")
    assert "not measured" in pantile.out
    assert "There are more; --limit 10 shows more of them." in pantile.out
    pantile("watch", "TCGA-BRCA", "--once")
    assert "1 ROI flagged and segmented all the same (1 blurred, 1 pen)" in pantile.out

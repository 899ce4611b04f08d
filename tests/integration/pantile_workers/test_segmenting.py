"""Segmenting: one fetch and decode for an ROI's jobs, each stored by itself, and only by who holds it."""

import json
from collections.abc import Callable
from dataclasses import replace
from io import BytesIO
from uuid import uuid4

import numpy as np
import onnxruntime
import pytest
from PIL import Image

from pantile.catalog import chores, jobs, leases
from pantile.catalog.database import Database, Row
from pantile.catalog.holdings import incoming_key
from pantile.catalog.jobs import JobFilter
from pantile.coordinator.registry import register_segmenter
from pantile.coordinator.submit import Submission
from pantile.domain.messages import IngestRoi, SegmentRoi
from pantile.domain.segmenters import Card, CardFormat, EngineSettings, Mode, Stitching
from pantile.objects import ObjectStore, sha256_of
from pantile_workers.chores import ingest_roi
from pantile_workers.leasing import NotDone
from pantile_workers.runtime import Runtime
from pantile_workers.segmenting import segment_roi

Submit = Callable[..., Submission]
Work = Callable[[], list[str]]
Register = Callable[..., None]
Jpeg = Callable[[int], bytes]


def details(database: Database, submission: Submission) -> list[Row]:
    with database.transaction() as connection:
        rows = jobs.list_jobs(connection, JobFilter(cohort_id=submission.cohort_id))
        return [jobs.get_job(connection, row["id"]) for row in rows]


def test_the_first_message_does_the_rois_siblings_and_the_others_find_nothing(
    database: Database, register: Register, submit: Submit, work: Work, jpeg: Jpeg
) -> None:
    register("breast", "colon", "lung")
    submission = submit({"a.jpg": jpeg(0)})

    said = work()

    assert said[1:] == ["segmented by breast, colon, lung", "nothing to do", "nothing to do"]
    attempts = [job["attempts"][0] for job in details(database, submission)]
    assert [("fetch" in attempt["timings"]) for attempt in attempts] == [True, False, False]


def test_a_class_map_is_named_by_its_digest_and_says_how_it_came_about(
    database: Database, objects: ObjectStore, register: Register, submit: Submit, work: Work, jpeg: Jpeg
) -> None:
    register("lung")
    submission = submit({"a.jpg": jpeg(0)})
    work()

    (job,) = details(database, submission)

    stored = job["class_map"]
    data = objects.get(stored["object_key"])
    class_map = np.asarray(Image.open(BytesIO(data)))
    assert stored["object_key"] == f"class-maps/{sha256_of(data)}.png"
    assert class_map.shape == (stored["height_px"], stored["width_px"]) == (80, 100)
    assert stored["class_pixels"] == np.bincount(class_map.ravel(), minlength=2).tolist()
    assert (stored["extent_width_px"], stored["extent_height_px"]) == (400, 320)
    provenance = stored["provenance"]
    assert provenance["settings"]["stride_px"] == 48
    assert provenance["checkpoint_sha256"] == job["card"]["checkpoint"]["sha256"]
    assert {"torch", "pantile", "pyvips-binary"} <= provenance["libraries"].keys()
    json.dumps(provenance)


def test_a_class_map_tells_the_arithmetic_that_the_network_ran_in(
    database: Database, register: Register, submit: Submit, work: Work, jpeg: Jpeg
) -> None:
    register("lung")
    submission = submit({"a.jpg": jpeg(0)})
    work()

    (job,) = details(database, submission)

    provenance = job["class_map"]["provenance"]
    assert (provenance["settings"]["precision"], provenance["arithmetic"]) == ("float32", "float32")


def test_a_confidence_map_is_kept_beside_the_class_map_where_it_is_asked_for(
    database: Database, objects: ObjectStore, register: Register, submit: Submit, work: Work, jpeg: Jpeg
) -> None:
    register("lung")
    plain = EngineSettings(stride_px=48, margin_px=8)
    submission = submit({"a.jpg": jpeg(0)}, settings=plain)
    submit({"a.jpg": jpeg(0)}, settings=replace(plain, confidence=True))
    work()

    found = [job["class_map"] for job in details(database, submission)]
    kept, without = sorted(found, key=lambda class_map: class_map["confidence_key"] is None)

    assert (without["confidence_key"], without["mean_confidence"]) == (None, None)
    assert without["sha256"] == kept["sha256"]
    assert kept["confidence_key"] == f"confidence/{kept['confidence_sha256']}.png"
    data = objects.get(kept["confidence_key"], sha256=kept["confidence_sha256"])
    picture = Image.open(BytesIO(data))
    assert (picture.mode, picture.size, len(data)) == ("L", (100, 80), kept["confidence_bytes"])
    tissue = np.asarray(Image.open(BytesIO(objects.get(kept["object_key"])))) == 1
    assert kept["mean_confidence"] == pytest.approx(np.asarray(picture)[tissue].mean() / 255)


def test_a_segmenter_that_cannot_run_fails_its_job_and_not_its_siblings(
    database: Database, runtime: Runtime, register: Register, submit: Submit, work: Work, jpeg: Jpeg
) -> None:
    register("broken", "lung")
    submission = submit({"a.jpg": jpeg(0)})
    with database.transaction() as connection:
        connection.execute(
            "UPDATE segmenters SET card = jsonb_set(card, '{encoder}', '\"no-such-encoder\"') WHERE name = 'broken'"
        )

    work()

    broken, lung = details(database, submission)
    assert (broken["state"], broken["error_kind"]) == ("failed", "SegmenterBroken")
    assert "no-such-encoder" in broken["error"]
    assert lung["state"] == "succeeded"


def test_a_corrupt_image_in_the_bucket_is_tried_again_and_then_fails(
    database: Database,
    objects: ObjectStore,
    runtime: Runtime,
    register: Register,
    submit: Submit,
    work: Work,
    jpeg: Jpeg,
) -> None:
    register("lung")
    submission = submit({"a.jpg": jpeg(0)})
    ingest_all(database, runtime)
    objects.put(f"rois/{sha256_of(jpeg(0))}.jpg", b"other bytes", media_type="image/jpeg")
    (job,) = details(database, submission)

    for attempt in (1, 2):
        with pytest.raises(NotDone, match="not those that were stored"):
            segment_roi(runtime, SegmentRoi(job_id=job["id"]))
        make_due(database)
        (job,) = details(database, submission)
        assert job["state"] == ("waiting" if attempt == 1 else "failed")

    assert [attempt["outcome"] for attempt in job["attempts"]] == ["returned", "returned"]


def test_a_job_whose_lease_was_lost_stores_nothing_and_leaves_the_row_alone(
    database: Database, runtime: Runtime, register: Register, submit: Submit, work: Work, jpeg: Jpeg
) -> None:
    register("lung")
    submission = submit({"a.jpg": jpeg(0)})
    ingest_all(database, runtime)
    (job,) = details(database, submission)
    with database.transaction() as connection:
        (other,) = jobs.claim_jobs(connection, job["id"], worker="other", token=uuid4(), lease_s=60).jobs

    assert segment_roi(runtime, SegmentRoi(job_id=job["id"])) == "nothing to do"

    (job,) = details(database, submission)
    assert (job["state"], job["lease_owner"]) == ("running", "other")
    with database.transaction() as connection:
        assert leases.release(connection, "jobs", [other.lease.token]) == 1


def test_the_same_roi_at_two_resolutions_of_segmenters_is_fetched_once(
    database: Database, runtime: Runtime, register: Register, submit: Submit, work: Work, jpeg: Jpeg
) -> None:
    register("fine", "coarse")
    with database.transaction() as connection:
        connection.execute("UPDATE segmenters SET card = jsonb_set(card, '{model_mpp}', '2.0') WHERE name = 'coarse'")
    submission = submit({"a.jpg": jpeg(0)})

    work()

    shapes = {job["segmenter"]: job["class_map"]["width_px"] for job in details(database, submission)}
    assert shapes == {"fine": 100, "coarse": 50}


@pytest.mark.parametrize("stitching", list(Stitching))
def test_exact_mode_adds_its_class_maps_beside_the_fast_ones(
    database: Database,
    objects: ObjectStore,
    register: Register,
    submit: Submit,
    work: Work,
    jpeg: Jpeg,
    stitching: Stitching,
) -> None:
    register("breast", "lung")
    fast = EngineSettings(stride_px=48, margin_px=8)
    exact = replace(fast, mode=Mode.EXACT, stitching=stitching)
    submission = submit({"a.jpg": jpeg(0)}, settings=fast)
    again = submit({"a.jpg": jpeg(0)}, settings=exact)

    said = work()

    assert (again.cohort_id, again.segmenters_added) == (submission.cohort_id, 2)
    assert "segmented by breast, breast, lung, lung" in said
    found = details(database, submission)
    # Each way of reading is read once, for the first of its segmenters.
    assert [
        (job["segmenter"], "decode" in job["attempts"][0]["timings"])
        for settings in (fast, exact)
        for job in found
        if job["class_map"]["provenance"]["settings"] == settings.document()
    ] == [("breast", True), ("lung", False)] * 2
    for job in found:
        kept = job["class_map"]
        assert (kept["width_px"], kept["height_px"], kept["map_mpp"]) == (100, 80, 1.0)
        assert (kept["extent_width_px"], kept["extent_height_px"]) == (400, 320)
        assert objects.get(kept["object_key"], sha256=kept["sha256"])


def test_the_extent_of_an_exact_class_map_is_where_the_network_saw_it(
    database: Database, register: Register, submit: Submit, work: Work, jpeg: Jpeg
) -> None:
    register("lung")
    exact = EngineSettings(mode=Mode.EXACT, stride_px=48, margin_px=8)
    submission = submit({"a.jpg": jpeg(0)}, settings=exact, mpp=0.253)

    work()

    (job,) = details(database, submission)
    kept = job["class_map"]
    # Patches of int(64 / 0.253) = 252 px, strides of int(0.75 * 252) = 189 px for 48 px of the class map.
    assert (kept["width_px"], kept["extent_width_px"]) == (102, 102 * 189 / 48)
    assert kept["map_mpp"] == pytest.approx(0.253 * 189 / 48)


def test_an_overlay_is_drawn_once_when_asked_for(
    database: Database, objects: ObjectStore, register: Register, submit: Submit, work: Work, jpeg: Jpeg
) -> None:
    register("lung")
    submission = submit({"a.jpg": jpeg(0)})
    work()
    with database.transaction() as connection:
        asked = chores.ask_overlays(connection, submission.cohort_id, actor="test")
    work()

    with database.transaction() as connection:
        again = chores.ask_overlays(connection, submission.cohort_id, actor="test")
    (job,) = details(database, submission)

    assert (asked, again) == (1, 0)
    picture = Image.open(BytesIO(objects.get(job["overlay"]["object_key"], sha256=job["overlay"]["sha256"])))
    assert (picture.format, picture.size) == ("JPEG", (400, 320))


def ingest_all(database: Database, runtime: Runtime) -> None:
    with database.transaction() as connection:
        waiting = connection.execute("SELECT id FROM chores").fetchall()
    for chore in waiting:
        ingest_roi(runtime, IngestRoi(chore_id=chore["id"]))


def make_due(database: Database) -> None:
    with database.transaction() as connection:
        connection.execute("UPDATE jobs SET not_before = now() WHERE state = 'waiting'")


def test_an_onnx_network_is_registered_fetched_and_run(
    database: Database,
    objects: ObjectStore,
    submit: Submit,
    work: Work,
    tiny_card: Card,
    write_onnx: Callable[..., bytes],
) -> None:
    content = write_onnx()
    objects.put(incoming_key(sha256_of(content)), content, media_type="application/octet-stream")
    card = replace(tiny_card, format=CardFormat.ONNX, architecture="one convolution", encoder="", decoder_channels=())
    register_segmenter(database, objects, card, sha256=sha256_of(content), actor="test")
    pixels = np.zeros((400, 320, 3), dtype=np.uint8)
    pixels[:, :160] = 250
    image = BytesIO()
    Image.fromarray(pixels).save(image, "PNG")

    submission = submit({"a.png": image.getvalue()})
    said = work()

    (job,) = details(database, submission)
    class_map = np.asarray(Image.open(BytesIO(objects.get(job["class_map"]["object_key"]))))
    assert said[1:] == ["segmented by tiny"]
    assert (class_map == (np.arange(80) < 40)).all()
    assert job["class_map"]["provenance"]["arithmetic"] == "float32"
    assert job["class_map"]["provenance"]["libraries"]["onnxruntime"] == onnxruntime.__version__

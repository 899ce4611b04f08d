"""Images come in checked, hashed and stored; a bad one fails its own jobs and no others."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import urlsplit

import pytest

from pantile.catalog import cohorts, jobs, outbox, rois
from pantile.catalog.database import Connection, Database
from pantile.catalog.holdings import incoming_key
from pantile.catalog.jobs import JobFilter
from pantile.coordinator.submit import Submission, submit_cohort
from pantile.domain.cohorts import read_rows
from pantile.domain.errors import RoiConflict
from pantile.domain.messages import IngestRoi
from pantile.domain.settings_asked import SettingsAsked
from pantile.objects import ObjectStore, sha256_of
from pantile.settings import Settings
from pantile_workers.chores import ingest_roi
from pantile_workers.runtime import Runtime
from tests.faults.proxies import Mode, Proxy

Submit = Callable[..., Submission]
Work = Callable[[], list[str]]
Register = Callable[..., None]
Jpeg = Callable[[int], bytes]


def states(database: Database, submission: Submission) -> list[tuple[str, str, str, str | None]]:
    with database.transaction() as connection:
        rows = jobs.list_jobs(connection, JobFilter(cohort_id=submission.cohort_id))
    return [(row["roi"], row["segmenter"], row["state"], row["error"]) for row in rows]


def test_an_image_is_stored_under_its_digest_and_gets_its_jobs(
    database: Database, objects: ObjectStore, register: Register, submit: Submit, work: Work, jpeg: Jpeg
) -> None:
    register("breast", "lung")
    image = jpeg(0)
    submission = submit({"a.jpg": image})

    assert work()[0] == "stored; 2 jobs"

    assert objects.get(f"rois/{sha256_of(image)}.jpg") == image
    assert list(objects.keys("incoming/")) == []
    assert [(segmenter, state) for _, segmenter, state, _ in states(database, submission)] == [
        ("breast", "succeeded"),
        ("lung", "succeeded"),
    ]


def test_a_bad_image_fails_its_own_jobs_and_no_others(
    database: Database, register: Register, submit: Submit, work: Work, jpeg: Jpeg
) -> None:
    register("lung")
    good = jpeg(0)
    images = {"good.jpg": good, "cut.jpg": good[: len(good) // 2], "text.jpg": b"no image at all", "empty.jpg": b""}
    submission = submit(images)

    work()

    found = {roi: (state, error or "") for roi, _, state, error in states(database, submission)}
    assert found["good_tumor"] == ("succeeded", "")
    for bad in ("cut_tumor", "text_tumor", "empty_tumor"):
        assert found[bad][0] == "failed"
        assert found[bad][1].startswith("The image cannot be read: ")
    with database.transaction() as connection:
        assert [cohort.state for cohort in cohorts.close_cohorts(connection)] == ["complete"]


def test_an_image_over_the_pixel_limit_fails_saying_so(
    database: Database, runtime: object, register: Register, submit: Submit, work: Work, jpeg: Jpeg
) -> None:
    runtime.settings = runtime.settings.model_copy(update={"max_megapixels": 0.1})  # type: ignore[attr-defined]
    register("lung")
    submission = submit({"a.jpg": jpeg(0)})

    work()

    ((_, _, state, error),) = states(database, submission)
    assert state == "failed"
    assert "The image is larger than the limit: 400 x 320 pixels are" in str(error)


def test_an_upload_that_is_not_what_was_announced_is_awaited_again(
    database: Database, objects: ObjectStore, register: Register, submit: Submit, work: Work, jpeg: Jpeg
) -> None:
    register("lung")
    image = jpeg(0)
    submission = submit({"a.jpg": image[:-7]}, announced=sha256_of(image))
    work()
    with database.transaction() as connection:
        (awaited,) = rois.list_awaited(connection, submission.cohort_id)

    objects.put(incoming_key(sha256_of(image)), image, media_type="image/jpeg")
    with database.transaction() as connection:
        rois.mark_uploaded(connection, submission.cohort_id, [awaited["id"]], actor="test")
    work()

    assert "send it again" in awaited["error"]
    assert [state for _, _, state, _ in states(database, submission)] == ["succeeded"]


def test_a_mended_image_takes_the_place_of_a_refused_one(
    database: Database, register: Register, submit: Submit, work: Work, jpeg: Jpeg
) -> None:
    register("lung")
    submit({"a.jpg": jpeg(0)[:300]})
    work()

    submission = submit({"a.jpg": jpeg(0)})
    work()

    assert submission.rois.replaced == 1
    assert [state for _, _, state, _ in states(database, submission)] == ["succeeded"]


def test_another_image_for_a_stored_roi_is_refused_and_nothing_is_added(
    database: Database, register: Register, submit: Submit, work: Work, jpeg: Jpeg
) -> None:
    register("lung")
    submission = submit({"a.jpg": jpeg(0)})
    work()

    with pytest.raises(RoiConflict, match=r"a_tumor .*needs another roi_number"):
        submit({"b.jpg": jpeg(1), "a.jpg": jpeg(2)})

    assert len(states(database, submission)) == 1


def test_the_same_submission_again_adds_nothing(register: Register, submit: Submit, work: Work, jpeg: Jpeg) -> None:
    register("lung", "breast")
    images = {"a.jpg": jpeg(0), "b.jpg": jpeg(1)}
    first = submit(images)
    work()

    again = submit(images)

    assert (first.rois.added, first.added_nothing) == (2, False)
    assert (again.rois.present, again.jobs_added, again.uploads_awaited, again.added_nothing) == (2, 0, 0, True)


def test_two_rois_with_the_same_image_share_their_jobs(
    database: Database, register: Register, submit: Submit, work: Work, jpeg: Jpeg
) -> None:
    register("lung")

    submission = submit({"a.jpg": jpeg(0), "b.jpg": jpeg(0)})
    work()
    again = submit({"a.jpg": jpeg(0), "b.jpg": jpeg(0)})

    assert [state for _, _, state, _ in states(database, submission)] == ["succeeded"]
    assert again.added_nothing


def test_an_image_that_another_cohort_stored_is_not_awaited(
    register: Register, submit: Submit, work: Work, jpeg: Jpeg
) -> None:
    register("lung")
    submit({"a.jpg": jpeg(0)}, cohort="ONE")
    work()

    other = submit({"copy.jpg": jpeg(0)}, cohort="OTHER")

    assert (other.uploads_awaited, other.jobs_added) == (0, 1)


def test_images_are_fetched_from_http_and_s3_and_a_missing_one_is_refused(
    database: Database, objects: ObjectStore, register: Register, work: Work, jpeg: Jpeg, tmp_path: Path
) -> None:
    register("lung")
    (tmp_path / "web.jpg").write_bytes(jpeg(1))
    objects.put("elsewhere/s3.jpg", jpeg(2), media_type="image/jpeg")
    with ThreadingHTTPServer(
        ("127.0.0.1", 0), lambda *args: SimpleHTTPRequestHandler(*args, directory=str(tmp_path))
    ) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        site = f"http://127.0.0.1:{server.server_port}"
        paths = [f"{site}/web.jpg", f"s3://{objects.bucket}/elsewhere/s3.jpg", f"{site}/missing.jpg"]
        rows = read_rows([(path, {"path": path}) for path in paths], columns=["path"], cohort="C", mpp=0.25)
        submission = submit_cohort(
            database,
            "C",
            [rois.SubmittedRoi(row=row) for row in rows],
            segmenter_names=["lung"],
            settings=SettingsAsked(stride_px=48, margin_px=8),
            max_attempts=2,
            actor="test",
        )
        work()
        server.shutdown()

    assert {roi: state for roi, _, state, _ in states(database, submission)} == {
        "web_tumor": "succeeded",
        "s3_tumor": "succeeded",
    }
    with database.transaction() as connection:
        (refused,) = rois.list_refused(connection, submission.cohort_id)
    assert refused["name"] == "missing_tumor"
    assert "answered 404" in refused["error"]


def test_an_upload_that_another_roi_has_used_up_is_not_asked_for_again(
    settings: Settings, database: Database, runtime: Runtime, register: Register, submit: Submit, jpeg: Jpeg
) -> None:
    register("lung")
    first, second = submit({"a.jpg": jpeg(0)}, cohort="FIRST"), submit({"a.jpg": jpeg(0)}, cohort="SECOND")
    with database.transaction() as connection:
        chore, other = outbox.due_chores(connection, limit=2)
    assert isinstance(chore, IngestRoi)
    assert isinstance(other, IngestRoi)
    store = Proxy(lambda: urlsplit(settings.s3_endpoint).port or 0)
    slow = settings.model_copy(update={"s3_endpoint": f"http://127.0.0.1:{store.port}"})
    with Runtime(slow, kind="slow") as slow_runtime, ThreadPoolExecutor(1) as thread:
        store.set(Mode.SILENT)
        said = thread.submit(ingest_roi, slow_runtime, chore)
        while not store.is_asked():
            time.sleep(0.02)
        ingest_roi(runtime, other)
        store.set(Mode.PASS)

        assert said.result().startswith("stored")
    store.close()

    with database.transaction() as connection:
        assert [rois_in(connection, submission) for submission in (first, second)] == [{"stored": 1}] * 2


def rois_in(connection: Connection, submission: Submission) -> dict[str, int]:
    return cohorts.count_rois(connection, submission.cohort_id)

from collections.abc import Callable
from uuid import uuid4

import httpx
import pytest
from fastapi.testclient import TestClient

from pantile.catalog import jobs, leases
from pantile.catalog.cohorts import Cohort
from pantile.catalog.database import Database
from pantile.catalog.jobs import ClassMapRow, ConfidenceRow
from pantile.objects import ObjectStore

MakeCohort = Callable[..., Cohort]


def _segment(database: Database, objects: ObjectStore, job_id: int) -> None:
    stored = objects.put_named("class-maps", b"png", suffix=".png", media_type="image/png")
    class_map = ClassMapRow(
        object_key=stored.key,
        sha256=stored.sha256,
        bytes=stored.bytes,
        width_px=100,
        height_px=100,
        map_mpp=1.0,
        extent_width_px=400.0,
        extent_height_px=400.0,
        class_pixels=[7500, 2500],
        provenance={"arithmetic": "bfloat16"},
        confidence=ConfidenceRow(object_key="confidence/c.png", sha256="c" * 64, bytes=1, mean=0.75),
    )
    with database.transaction() as connection:
        claim = jobs.claim_jobs(connection, job_id, worker="gpu-0", token=uuid4(), lease_s=60, siblings=0)
        assert jobs.finish_job(connection, claim.jobs[0].lease, class_map, timings={"network": 1.5})


def _fail(database: Database, job_id: int) -> None:
    with database.transaction() as connection:
        claim = jobs.claim_jobs(connection, job_id, worker="gpu-0", token=uuid4(), lease_s=60, siblings=0)
        assert leases.fail(connection, claim.jobs[0].lease, kind="SegmenterBroken", sentence="It cannot be run.")


def _refuse_image(database: Database) -> None:
    with database.transaction() as connection:
        connection.execute("UPDATE images SET object_key = NULL, refusal_kind = 'ImageUnreadable', refusal = 'Bad.'")


def test_jobs_are_paged_by_id_without_gap_or_repeat(client: TestClient, make_cohort: MakeCohort) -> None:
    make_cohort(images=5)
    seen: list[int] = []
    after: int | None = 0

    while after is not None:
        page = client.get("/v1/jobs", params={"after": after, "limit": 3}).json()
        seen += [job["id"] for job in page["jobs"]]
        after = page["next"]

    assert len(seen) == 10
    assert seen == sorted(set(seen))


@pytest.mark.parametrize(
    ("wanted", "count"),
    [
        ({}, 4),
        ({"segmenter": "lung"}, 2),
        ({"state": "failed"}, 1),
        ({"state": "failed", "segmenter": "nobody"}, 0),
        ({"roi": "slide0_tumor"}, 2),
        ({"cohort": "small"}, 2),
        ({"cohort": "small", "roi": "slide1_tumor"}, 0),
        ({"cause": "SegmenterBroken"}, 1),
        ({"cause": "ImageUnreadable"}, 0),
    ],
)
def test_jobs_are_filtered(
    client: TestClient, database: Database, make_cohort: MakeCohort, wanted: dict[str, str], count: int
) -> None:
    make_cohort("large", images=2)
    make_cohort("small", images=1)
    _fail(database, 1)

    found = client.get("/v1/jobs", params=wanted).json()["jobs"]

    assert len(found) == count


def test_a_limit_beyond_a_thousand_is_refused(client: TestClient) -> None:
    answer = client.get("/v1/jobs", params={"limit": 1001})

    assert answer.status_code == 422
    assert answer.json()["detail"] == "limit: input should be less than or equal to 1000."


def test_a_succeeded_job_shows_its_class_map(
    client: TestClient, database: Database, objects: ObjectStore, make_cohort: MakeCohort
) -> None:
    make_cohort(images=1)
    _segment(database, objects, 1)

    job = client.get("/v1/jobs/1").json()

    assert (job["state"], job["roi"], job["cohorts"]) == ("succeeded", "slide0_tumor", ["TCGA-BRCA"])
    (attempt,) = job["attempts"]
    assert (attempt["worker"], attempt["outcome"], attempt["timings"]) == ("gpu-0", "succeeded", {"network": 1.5})
    areas = {area["name"]: area for area in job["class_map"]["areas"]}
    assert areas["tumor"]["fraction"] == 0.25
    assert areas["tumor"]["area_mm2"] == pytest.approx(0.0025)
    assert job["class_map"]["tumor_stroma_ratio"] == 0.0
    assert job["class_map"]["arithmetic"] == "bfloat16"
    assert (job["class_map"]["confidence"]["sha256"], job["class_map"]["confidence"]["mean"]) == ("c" * 64, 0.75)
    assert httpx.get(job["class_map"]["url"]).content == b"png"
    assert job["links"] == {"self": "/v1/jobs/1", "cohort": "/v1/cohorts/TCGA-BRCA"}


def test_a_job_shows_its_engine_settings(client: TestClient, make_cohort: MakeCohort) -> None:
    make_cohort(images=1)

    assert client.get("/v1/jobs/1").json()["settings"] == {
        "mode": "fast",
        "stitching": "centre",
        "precision": "float32",
        "confidence": False,
        "stride_px": 384,
        "margin_px": 64,
    }


def test_a_failed_job_shows_its_sentence_and_the_way_to_try_again(
    client: TestClient, database: Database, make_cohort: MakeCohort
) -> None:
    make_cohort("a cohort", images=1)
    _fail(database, 1)

    job = client.get("/v1/jobs/1").json()

    assert (job["error_kind"], job["error"]) == ("SegmenterBroken", "It cannot be run.")
    assert job["remedy"].startswith("Look at the segmenter's card and checkpoint")
    assert job["links"]["retry"] == "/v1/jobs/1/retry"
    assert client.get(job["links"]["cohort"]).json()["name"] == "a cohort"


def test_a_retried_job_waits_with_nothing_charged(
    client: TestClient, database: Database, make_cohort: MakeCohort
) -> None:
    make_cohort(images=1)
    _fail(database, 1)

    job = client.post("/v1/jobs/1/retry").json()

    assert (job["state"], job["attempt"], job["charged_attempts"], job["error"]) == ("waiting", 1, 0, None)
    with database.transaction() as connection:
        audit = connection.execute("SELECT actor, action, subject FROM audit WHERE action = 'retry'").fetchall()
    assert [tuple(line.values()) for line in audit] == [("token 1 (embedded stack)", "retry", "job 1")]


def test_a_waiting_job_cannot_be_retried(client: TestClient, make_cohort: MakeCohort) -> None:
    make_cohort(images=1)

    answer = client.post("/v1/jobs/1/retry")

    assert answer.status_code == 409
    assert answer.json()["detail"] == "Only a failed or cancelled job can be tried again: job 1 is waiting"
    assert "retry" not in client.get("/v1/jobs/1").json()["links"]


def test_a_job_whose_image_was_refused_cannot_be_retried(
    client: TestClient, database: Database, make_cohort: MakeCohort
) -> None:
    make_cohort(images=1)
    _fail(database, 1)
    _refuse_image(database)

    answer = client.post("/v1/jobs/1/retry")

    assert answer.status_code == 409
    assert "submit a mended image" in answer.json()["detail"]
    assert "retry" not in client.get("/v1/jobs/1").json()["links"]


def test_failed_jobs_are_retried_by_cause(client: TestClient, database: Database, make_cohort: MakeCohort) -> None:
    cohort = make_cohort(images=2)
    _fail(database, 1)
    _fail(database, 3)

    answer = client.post("/v1/jobs/retry", json={"cohort": cohort.name, "cause": "SegmenterBroken"})

    assert answer.json() == {"jobs": 2}
    assert client.get("/v1/jobs", params={"state": "failed"}).json()["jobs"] == []


def test_a_cancelled_job_can_be_retried(client: TestClient, make_cohort: MakeCohort) -> None:
    make_cohort(images=1)
    assert client.get("/v1/jobs/1").json()["links"]["cancel"] == "/v1/jobs/1/cancel"

    cancelled = client.post("/v1/jobs/1/cancel").json()
    again = client.post("/v1/jobs/1/cancel")

    assert cancelled["state"] == "cancelled"
    assert (again.status_code, again.json()["detail"]) == (
        409,
        "Only a waiting or running job can be cancelled: job 1 is cancelled",
    )
    assert client.post(cancelled["links"]["retry"]).json()["state"] == "waiting"


def test_open_jobs_are_cancelled_by_segmenter(client: TestClient, make_cohort: MakeCohort) -> None:
    make_cohort(images=2)

    assert client.post("/v1/jobs/cancel", json={"segmenter": "lung"}).json() == {"jobs": 2}
    assert len(client.get("/v1/jobs", params={"state": "waiting"}).json()["jobs"]) == 2


@pytest.mark.parametrize("change", ["retry", "cancel"])
def test_which_jobs_to_change_has_to_be_said(client: TestClient, change: str) -> None:
    answer = client.post(f"/v1/jobs/{change}", json={})

    assert answer.status_code == 422
    assert "say which jobs" in answer.json()["detail"]
    assert client.post(f"/v1/jobs/{change}", json={"cohort": "nobody"}).status_code == 404


@pytest.mark.parametrize("job_id", ["0", str(10**30)])
def test_what_is_no_id_is_refused(client: TestClient, job_id: str) -> None:
    answer = client.get(f"/v1/jobs/{job_id}")

    assert answer.status_code == 422
    assert answer.json()["detail"].startswith("job_id: ")


@pytest.mark.parametrize("job_id", ["-1", "x"])
def test_there_is_nothing_at_what_is_no_number(client: TestClient, job_id: str) -> None:
    answer = client.get(f"/v1/jobs/{job_id}")

    assert answer.status_code == 404
    assert answer.json()["detail"] == f"There is nothing at /v1/jobs/{job_id}."


@pytest.mark.parametrize("change", ["retry", "cancel"])
def test_a_change_of_many_jobs_is_asked_for_by_post_only(client: TestClient, change: str) -> None:
    answer = client.get(f"/v1/jobs/{change}")

    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")


def test_an_unknown_job_is_not_found(client: TestClient) -> None:
    for answer in (client.get("/v1/jobs/7"), client.post("/v1/jobs/7/retry")):
        assert answer.status_code == 404
        assert answer.json()["detail"] == "There is no such job: 7"


def test_results_are_paged_by_roi_and_job(
    client: TestClient, database: Database, objects: ObjectStore, make_cohort: MakeCohort
) -> None:
    cohort = make_cohort(images=2)
    for job_id in range(1, 5):
        _segment(database, objects, job_id)

    first = client.get(f"/v1/cohorts/{cohort.id}/results", params={"limit": 3}).json()
    second = client.get(f"/v1/cohorts/{cohort.id}/results", params={"limit": 3, "after": first["next"]}).json()

    pairs = [(result["roi"], result["segmenter"]) for result in first["results"] + second["results"]]
    assert sorted(pairs) == [(f"slide{roi}_tumor", name) for roi in range(2) for name in ("breast", "lung")]
    assert second["next"] is None
    assert {result["overlay"] for result in first["results"]} == {"none"}


def test_a_cursor_that_is_none_is_refused(client: TestClient, make_cohort: MakeCohort) -> None:
    cohort = make_cohort()

    answer = client.get(f"/v1/cohorts/{cohort.id}/results", params={"after": "1"})

    assert answer.status_code == 422
    assert answer.json()["detail"].startswith("after: ")


def test_overlays_are_asked_for_once(
    client: TestClient, database: Database, objects: ObjectStore, make_cohort: MakeCohort
) -> None:
    cohort = make_cohort(images=1)
    _segment(database, objects, 1)

    first = client.post(f"/v1/cohorts/{cohort.id}/overlays")
    second = client.post(f"/v1/cohorts/{cohort.id}/overlays")

    assert (first.status_code, first.json(), second.json()) == (202, {"asked": 1}, {"asked": 0})
    (result,) = client.get(f"/v1/cohorts/{cohort.id}/results").json()["results"]
    assert (result["overlay"], result["overlay_url"]) == ("waiting", None)

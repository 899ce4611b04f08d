"""The readers' review: ROIs by disagreement or confidence, and what is not known said as it is."""

import csv
from collections.abc import Callable, Sequence
from uuid import uuid4

import pytest
from fastapi.testclient import TestClient

from pantile.catalog import cohorts, jobs, leases, reviews, segmenters
from pantile.catalog.cohorts import Cohort
from pantile.catalog.database import Database
from pantile.catalog.jobs import ClassMapRow, ConfidenceRow, JobFilter
from pantile.domain.jobs import JobState
from pantile.domain.segmenters import EngineSettings, Mode

MakeCohort = Callable[..., Cohort]


def _segment(database: Database, roi: int, *, breast: float | None = None, lung: float | None = None) -> None:
    """Gives an ROI's waiting jobs their class maps, with a confidence map where a mean is given."""
    with database.transaction() as connection:
        for row in jobs.list_jobs(connection, JobFilter(roi=f"slide{roi}_tumor", state=JobState.WAITING)):
            claim = jobs.claim_jobs(connection, row["id"], worker="w", token=uuid4(), lease_s=60, siblings=0)
            class_map = _class_map(f"{row['id']:064x}", mean={"breast": breast, "lung": lung}[row["segmenter"]])
            assert jobs.finish_job(connection, claim.jobs[0].lease, class_map, timings={})


def _class_map(sha256: str, *, mean: float | None) -> ClassMapRow:
    return ClassMapRow(
        object_key=f"class-maps/{sha256}.png",
        sha256=sha256,
        bytes=1,
        width_px=4,
        height_px=4,
        map_mpp=1.0,
        extent_width_px=16.0,
        extent_height_px=16.0,
        class_pixels=[8, 8],
        provenance={},
        confidence=ConfidenceRow(object_key="confidence/x.png", sha256=sha256, bytes=1, mean=mean) if mean else None,
    )


def _compare(database: Database, disagreements: Sequence[float]) -> None:
    """Ends the comparisons that were asked for, by ascending ROI."""
    with database.transaction() as connection:
        chores = connection.execute("SELECT id FROM chores WHERE kind = 'compare' ORDER BY roi_id").fetchall()
        for chore, found in zip(chores, disagreements, strict=True):
            roi_id, compared = reviews.read_compared(connection, chore["id"])
            reviews.keep_disagreement(connection, roi_id, found, sources=[each.source for each in compared])
        connection.execute("UPDATE chores SET state = 'succeeded' WHERE kind = 'compare'")


def _order(client: TestClient, order: str, *, limit: int = 200) -> list[str]:
    found: list[str] = []
    query: dict[str, str | int] = {"order": order, "limit": limit}
    while True:
        page = client.get("/v1/cohorts/C/review", params=query).json()
        found += [roi["roi"] for roi in page["rois"]]
        if page["next"] is None:
            return found
        query["after"] = page["next"]


def test_the_most_disagreement_comes_first_and_what_is_not_known_last(
    client: TestClient, database: Database, make_cohort: MakeCohort
) -> None:
    make_cohort("C", images=5)
    for roi in range(4):
        _segment(database, roi)

    asked = client.post("/v1/cohorts/C/comparisons")
    _compare(database, [0.1, 1 / 3, 0.0, 1 / 3])

    assert (asked.status_code, asked.json()) == (202, {"asked": 4})
    expected = ["slide1_tumor", "slide3_tumor", "slide0_tumor", "slide2_tumor", "slide4_tumor"]
    assert _order(client, "disagreement") == expected
    assert _order(client, "disagreement", limit=1) == expected


def test_the_least_confidence_comes_first(client: TestClient, database: Database, make_cohort: MakeCohort) -> None:
    make_cohort("C", images=4)
    for roi, (breast, lung) in enumerate([(0.9, 0.8), (0.7, None), (None, None), (0.9, 0.7)]):
        _segment(database, roi, breast=breast, lung=lung)

    page = client.get("/v1/cohorts/C/review", params={"order": "confidence"}).json()

    assert [roi["mean_confidence"] for roi in page["rois"]] == pytest.approx([0.7, 0.8, 0.85, None])
    assert [roi["roi"] for roi in page["rois"]] == ["slide1_tumor", "slide3_tumor", "slide0_tumor", "slide2_tumor"]
    assert page["rois_with_confidence"] == 3


def test_why_a_disagreement_is_not_known_is_said(
    client: TestClient, database: Database, make_cohort: MakeCohort
) -> None:
    make_cohort("C", images=5)
    for roi in range(4):
        _segment(database, roi)
    client.post("/v1/cohorts/C/comparisons")
    with database.transaction() as connection:
        connection.execute("DELETE FROM chores WHERE roi_id = (SELECT id FROM rois WHERE name = 'slide0_tumor')")
        connection.execute(
            "UPDATE chores SET state = 'failed', error = 'It broke.' "
            "WHERE roi_id = (SELECT id FROM rois WHERE name = 'slide1_tumor')"
        )
        connection.execute(
            "DELETE FROM class_maps WHERE job_id = (SELECT min(job_id) FROM cohort_jobs JOIN rois ON id = roi_id "
            "WHERE name = 'slide3_tumor')"
        )
        connection.execute("DELETE FROM chores WHERE roi_id = (SELECT id FROM rois WHERE name = 'slide3_tumor')")

    page = client.get("/v1/cohorts/C/review").json()

    assert {roi["roi"]: (roi["comparison"], roi["error"]) for roi in page["rois"]} == {
        "slide0_tumor": ("not_asked", None),
        "slide1_tumor": ("failed", "It broke."),
        "slide2_tumor": ("comparing", None),
        "slide3_tumor": ("too_few", None),
        "slide4_tumor": ("segmenting", None),
    }
    assert page["comparisons"] == {"not_asked": 1, "failed": 1, "comparing": 1, "too_few": 1, "segmenting": 1}


def test_what_was_compared_is_not_compared_again(
    client: TestClient, database: Database, make_cohort: MakeCohort
) -> None:
    make_cohort("C", images=2)
    for roi in range(2):
        _segment(database, roi)
    client.post("/v1/cohorts/C/comparisons")
    under_way = client.post("/v1/cohorts/C/comparisons").json()
    _compare(database, [0.5, 0.5])

    done = client.post("/v1/cohorts/C/comparisons").json()

    assert (under_way, done) == ({"asked": 0}, {"asked": 0})


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE class_maps SET sha256 = 'new' WHERE job_id = 1",
        "UPDATE segmenters SET card = jsonb_set(card, '{classes,1,group}', '\"necrosis\"')",
    ],
    ids=["another class map", "another group of a class"],
)
def test_what_has_changed_is_compared_again(
    client: TestClient, database: Database, make_cohort: MakeCohort, change: str
) -> None:
    make_cohort("C", images=1)
    _segment(database, 0)
    client.post("/v1/cohorts/C/comparisons")
    _compare(database, [0.5])

    with database.transaction() as connection:
        connection.execute(change)
    (before,) = client.get("/v1/cohorts/C/review").json()["rois"]
    asked = client.post("/v1/cohorts/C/comparisons").json()

    assert (before["comparison"], before["disagreement"]) == ("not_asked", None)
    assert asked == {"asked": 1}


def test_a_comparison_that_failed_is_tried_again_when_asked(
    client: TestClient, database: Database, make_cohort: MakeCohort
) -> None:
    make_cohort("C", images=1)
    _segment(database, 0)
    client.post("/v1/cohorts/C/comparisons")
    with database.transaction() as connection:
        connection.execute("UPDATE chores SET state = 'failed', error = 'It broke.'")

    assert client.post("/v1/cohorts/C/comparisons").json() == {"asked": 1}
    assert client.get("/v1/cohorts/C/review").json()["rois"][0]["comparison"] == "comparing"


def test_rois_whose_jobs_failed_are_too_few_to_be_compared(
    client: TestClient, database: Database, make_cohort: MakeCohort
) -> None:
    make_cohort("C", images=1)
    with database.transaction() as connection:
        for job in jobs.claim_jobs(connection, 1, worker="w", token=uuid4(), lease_s=60).jobs:
            leases.fail(connection, job.lease, kind="SegmenterBroken", sentence="It cannot be run.")

    assert client.post("/v1/cohorts/C/comparisons").json() == {"asked": 0}
    assert client.get("/v1/cohorts/C/review").json()["rois"][0]["comparison"] == "too_few"


def test_of_each_segmenter_the_newest_class_map_counts(
    client: TestClient, database: Database, make_cohort: MakeCohort
) -> None:
    cohort = make_cohort("C", images=1)
    _segment(database, 0, breast=0.9, lung=0.9)
    with database.transaction() as connection:
        exact = segmenters.keep_settings(connection, EngineSettings(mode=Mode.EXACT))
        asked = cohorts.list_segmenters(connection, cohort.id)
        ids = [each.segmenter_id for each in asked if each.name == "lung"]
        cohorts.add_segmenters(connection, cohort.id, dict.fromkeys(ids, exact))
        jobs.plan_jobs(connection, cohort.id, max_attempts=3)
    _segment(database, 0, lung=0.5)

    (roi,) = client.get("/v1/cohorts/C/review").json()["rois"]

    assert roi["segmenters"] == ["breast", "lung"]
    assert roi["mean_confidence"] == pytest.approx(0.7)


def test_the_table_has_all_rois_in_their_order(client: TestClient, database: Database, make_cohort: MakeCohort) -> None:
    make_cohort("C", images=3)
    for roi in range(2):
        _segment(database, roi, breast=0.25, lung=0.75)
    client.post("/v1/cohorts/C/comparisons")
    _compare(database, [0.125, 0.5])

    answer = client.get("/v1/cohorts/C/review.csv")

    assert answer.headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(answer.text.splitlines()))
    assert [(row["roi"], row["disagreement"], row["mean_confidence"], row["segmenters"]) for row in rows] == [
        ("slide1_tumor", "0.5", "0.5", "breast lung"),
        ("slide0_tumor", "0.125", "0.5", "breast lung"),
        ("slide2_tumor", "", "", ""),
    ]
    assert rows[2]["comparison"] == "segmenting"


def test_an_unknown_cohort_has_no_review(client: TestClient) -> None:
    answers = [
        client.get("/v1/cohorts/C/review"),
        client.get("/v1/cohorts/C/review.csv"),
        client.post("/v1/cohorts/C/comparisons"),
    ]

    assert [answer.status_code for answer in answers] == [404, 404, 404]


@pytest.mark.parametrize("after", ["", "1", "1:x", "nan:1", "1e999999:1", "0.5:1; DROP TABLE rois", ":1"])
def test_a_cursor_that_is_none_of_ours_is_refused(client: TestClient, make_cohort: MakeCohort, after: str) -> None:
    make_cohort("C")

    assert client.get("/v1/cohorts/C/review", params={"after": after}).status_code == 422


def test_an_order_that_is_not_known_is_refused(client: TestClient, make_cohort: MakeCohort) -> None:
    make_cohort("C")

    answer = client.get("/v1/cohorts/C/review", params={"order": "name"})

    assert answer.json()["detail"] == "order: input should be 'disagreement' or 'confidence'."

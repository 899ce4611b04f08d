import hashlib

import httpx
import pytest
from fastapi.testclient import TestClient

from pantile.catalog.database import Database

IMAGES = {f"scan{number}.jpg": f"image {number}".encode() for number in range(3)}


@pytest.fixture
def pilot(client: TestClient, lung: str) -> str:
    """A cohort that awaits three uploads."""
    rois = [
        {"path": path, "mpp": 0.5, "sha256": hashlib.sha256(image).hexdigest(), "bytes": len(image)}
        for path, image in IMAGES.items()
    ]
    client.post("/v1/cohorts", json={"cohort": "pilot", "segmenters": [lung], "rois": rois})
    return "pilot"


def test_awaited_uploads_have_addresses_that_take_them(client: TestClient, pilot: str) -> None:
    uploads = client.get(f"/v1/cohorts/{pilot}/uploads").json()["uploads"]
    for upload in uploads:
        httpx.put(upload["url"], content=IMAGES[upload["source"]]).raise_for_status()

    again = client.get(f"/v1/cohorts/{pilot}/uploads").json()["uploads"]

    assert [upload["source"] for upload in uploads] == list(IMAGES)
    assert [upload["url"] for upload in again] == [None, None, None]


def test_an_upload_of_another_size_is_asked_for_again(client: TestClient, pilot: str) -> None:
    first = client.get(f"/v1/cohorts/{pilot}/uploads").json()["uploads"][0]
    httpx.put(first["url"], content=b"half").raise_for_status()

    again = client.get(f"/v1/cohorts/{pilot}/uploads").json()["uploads"][0]

    assert again["url"] is not None


def test_uploads_are_paged_by_roi(client: TestClient, pilot: str) -> None:
    first = client.get(f"/v1/cohorts/{pilot}/uploads", params={"limit": 2}).json()
    second = client.get(f"/v1/cohorts/{pilot}/uploads", params={"limit": 2, "after": first["next"]}).json()

    assert [upload["source"] for upload in first["uploads"] + second["uploads"]] == list(IMAGES)
    assert second["next"] is None


def test_uploads_said_to_be_there_are_taken_once(client: TestClient, database: Database, pilot: str) -> None:
    ids = [upload["roi_id"] for upload in client.get(f"/v1/cohorts/{pilot}/uploads").json()["uploads"]]

    first = client.post(f"/v1/cohorts/{pilot}/uploads", json={"roi_ids": ids[:2]})
    second = client.post(f"/v1/cohorts/{pilot}/uploads", json={"roi_ids": [*ids[:2], 999]})

    assert (first.json(), second.json()) == ({"taken": 2}, {"taken": 0})
    with database.transaction() as connection:
        chores = connection.execute("SELECT roi_id FROM chores WHERE kind = 'ingest' ORDER BY roi_id").fetchall()
    assert [chore["roi_id"] for chore in chores] == ids[:2]


def test_no_roi_has_a_number_beyond_what_the_catalog_counts(client: TestClient, pilot: str) -> None:
    answer = client.post(f"/v1/cohorts/{pilot}/uploads", json={"roi_ids": [10**30]})

    assert answer.status_code in {200, 422}

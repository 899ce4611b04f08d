"""ROIs are listed with the quality of their images, and found by it."""

from collections.abc import Callable
from dataclasses import asdict

import pytest
from fastapi.testclient import TestClient
from psycopg.types.json import Jsonb

from pantile.catalog.cohorts import Cohort
from pantile.catalog.database import Database
from pantile.domain.quality import LEAST_SHARPNESS, LEAST_TISSUE, MOST_BLACK, MOST_PEN, Quality

MakeCohort = Callable[..., Cohort]

FINE = Quality(tissue=LEAST_TISSUE, sharpness=LEAST_SHARPNESS, pen=MOST_PEN, black=MOST_BLACK)
MEASURED = (
    FINE,
    Quality(tissue=0.8, sharpness=90.0, pen=0.02, black=0.0),
    Quality(tissue=0.0, sharpness=None, pen=0.0, black=0.9),
    Quality(tissue=0.19, sharpness=900.0, pen=0.0, black=0.0),
)


@pytest.fixture
def measured(database: Database, make_cohort: MakeCohort) -> Cohort:
    """A cohort of five ROIs, whose first four images have the quality `MEASURED`, and the last none."""
    cohort = make_cohort(images=len(MEASURED) + 1)
    with database.transaction() as connection:
        for number, quality in enumerate(MEASURED):
            connection.execute(
                "UPDATE images SET quality = %s WHERE object_key = %s", [Jsonb(asdict(quality)), f"rois/{number}"]
            )
    return cohort


def test_rois_are_listed_with_their_quality(client: TestClient, measured: Cohort) -> None:
    listed = client.get(f"/v1/cohorts/{measured.name}/rois").json()["rois"]

    assert [roi["roi"] for roi in listed] == [f"slide{number}_tumor" for number in range(5)]
    assert listed[1]["quality"] == {**asdict(MEASURED[1]), "flags": ["blurred", "pen"]}
    assert listed[4]["quality"] is None
    assert (listed[0]["state"], listed[0]["width_px"], listed[0]["mpp"]) == ("stored", 9, 0.25)


@pytest.mark.parametrize(
    ("wanted", "numbers"),
    [
        ({}, [0, 1, 2, 3, 4]),
        ({"flagged": True}, [1, 2, 3]),
        ({"flag": "blurred"}, [1]),
        ({"flag": "pen"}, [1]),
        ({"flag": "black"}, [2]),
        ({"flag": "little tissue"}, [2, 3]),
        ({"flag": "little tissue", "state": "refused"}, []),
    ],
)
def test_rois_are_found_by_flag_as_quality_itself_flags(
    client: TestClient, measured: Cohort, wanted: dict[str, str], numbers: list[int]
) -> None:
    found = client.get(f"/v1/cohorts/{measured.name}/rois", params=wanted).json()["rois"]

    assert [roi["roi"] for roi in found] == [f"slide{number}_tumor" for number in numbers]
    for roi, number in zip(found, numbers, strict=True):
        assert roi["quality"] is None or roi["quality"]["flags"] == MEASURED[number].flags


def test_rois_are_paged_by_id(client: TestClient, measured: Cohort) -> None:
    path = f"/v1/cohorts/{measured.name}/rois"

    first = client.get(path, params={"limit": 2, "flagged": True}).json()
    second = client.get(path, params={"limit": 2, "flagged": True, "after": first["next"]}).json()

    assert [len(page["rois"]) for page in (first, second)] == [2, 1]
    assert second["next"] is None


def test_a_cohort_counts_its_flagged_rois(client: TestClient, measured: Cohort) -> None:
    counted = client.get(f"/v1/cohorts/{measured.name}").json()

    assert counted["rois_flagged"] == 3
    assert counted["flags"] == {"little tissue": 2, "blurred": 1, "pen": 1, "black": 1}


def test_rois_of_no_cohort_are_not_found(client: TestClient) -> None:
    assert client.get("/v1/cohorts/none/rois").status_code == 404

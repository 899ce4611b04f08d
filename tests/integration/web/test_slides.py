"""Slides over HTTP: who may add which, and what is wrong is a sentence."""

from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient

from pantile.catalog import slides
from pantile.catalog.database import Database
from pantile.catalog.slides import Inspected
from pantile.domain.access import Scope
from pantile.domain.slides import Rectangle, SlideFacts

ROI = {"left_px": 100, "top_px": 200, "width_px": 3000, "height_px": 2000}


def add(client: TestClient, *sources: str, **changes: Any) -> Any:
    body = {"slides": [{"source": source} for source in sources]} | changes
    return client.post("/v1/cohorts/C/slides", json=body)


def make_ready(database: Database, slide_id: int = 1) -> None:
    """What an imaging worker would find."""
    found = Inspected(
        facts=SlideFacts(width_px=9000, height_px=8000, levels=3, vendor="aperio", mpp=0.25),
        mpp=0.25,
        overview_key="overviews/x.jpg",
        overview_sha256="0" * 64,
        tissue_key="overviews/x.png",
        tissue_sha256="1" * 64,
        tissue_fraction=0.5,
        guesses=[Rectangle(left_px=1, top_px=2, width_px=3, height_px=4)],
    )
    with database.transaction() as connection:
        slides.keep_inspected(connection, slide_id, found)


def test_slides_are_named_by_their_files_and_added_once(client: TestClient, lung: str) -> None:
    sources = ("s3://slides/TCGA-A2-A0D2-01Z-00-DX1.svs", "https://example.org/a%20b.ndpi?x=1")

    first, again = (add(client, *sources) for _ in range(2))

    assert (first.status_code, first.json()["added"], first.json()["present"]) == (201, 2, 0)
    assert (again.json()["added"], again.json()["present"]) == (0, 2)
    listed = client.get("/v1/cohorts/C/slides").json()["slides"]
    assert [(each["name"], each["case"], each["state"]) for each in listed] == [
        ("TCGA-A2-A0D2-01Z-00-DX1", "TCGA-A2-A0D2", "waiting"),
        ("a b", "a b", "waiting"),
    ]
    page = client.get("/v1/cohorts/C/slides", params={"limit": 1}).json()
    assert (len(page["slides"]), page["next"]) == (1, 1)


def test_paths_of_the_workers_own_disks_take_the_scope_operate(
    client: TestClient, stranger: TestClient, make_token: Callable[..., str], lung: str
) -> None:
    stranger.headers["Authorization"] = f"Bearer {make_token(Scope.SUBMIT)}"

    refused, taken = (add(each, "/data/slides/x.svs") for each in (stranger, client))

    assert (refused.status_code, refused.json()["detail"]) == (
        403,
        "This is not allowed: slides on the workers' own disks take the scope operate",
    )
    assert taken.status_code == 201
    assert add(stranger, "s3://slides/x.svs").status_code == 201


@pytest.mark.parametrize(
    ("sources", "sentence"),
    [
        (("file:///etc/passwd",), "is no s3://, http:// or https:// address"),
        (("s3://a/x.svs", "s3://b/x.svs"), "two of them have one name"),
        (("s3://a/",), "its name cannot be shown"),
        (("s3://a/x\u202ey.svs",), "its name cannot be shown"),
    ],
)
def test_what_is_no_slide_is_refused_and_nothing_added(
    client: TestClient, lung: str, sources: tuple[str, ...], sentence: str
) -> None:
    answer = add(client, *sources)

    assert answer.status_code == 422
    assert sentence in answer.json()["detail"]


def test_rois_are_cut_at_places_and_shown_there(client: TestClient, database: Database, lung: str) -> None:
    add(client, "s3://slides/TCGA-A2-A0D2-01Z-00-DX1.svs")
    make_ready(database)
    places = {"rois": [ROI, {**ROI, "left_px": -50, "tissue_type": "normal"}]}

    first, again = (client.post("/v1/slides/1/rois", json=places) for _ in range(2))

    assert (first.status_code, first.json()) == (201, {"added": 2, "present": 0})
    assert again.json() == {"added": 0, "present": 2}
    shown = client.get("/v1/slides/1").json()
    assert [(roi["roi"], roi["place"]["left_px"], roi["state"]) for roi in shown["rois"]] == [
        ("TCGA-A2-A0D2-01Z-00-DX1_tumor", 100, "arriving"),
        ("TCGA-A2-A0D2-01Z-00-DX1_normal", -50, "arriving"),
    ]
    assert shown["guesses"] == [{"left_px": 1, "top_px": 2, "width_px": 3, "height_px": 4}]
    assert "overviews/x.jpg" in shown["overview_url"]
    assert client.get("/v1/cohorts/C").json()["rois"]["arriving"] == 2


def test_a_moved_roi_needs_another_number(client: TestClient, database: Database, lung: str) -> None:
    add(client, "s3://slides/x.svs")
    make_ready(database)
    client.post("/v1/slides/1/rois", json={"rois": [ROI]})
    moved = {**ROI, "left_px": 101}

    refused = client.post("/v1/slides/1/rois", json={"rois": [moved]})
    taken = client.post("/v1/slides/1/rois", json={"rois": [{**moved, "roi_number": 2}]})

    assert refused.status_code == 409
    assert "x_tumor lies elsewhere" in refused.json()["detail"]
    assert taken.status_code == 201


def test_slides_that_are_not_ready_have_no_rois(client: TestClient, lung: str) -> None:
    add(client, "s3://slides/x.svs")

    answer = client.post("/v1/slides/1/rois", json={"rois": [ROI]})

    assert (answer.status_code, answer.json()["detail"]) == (409, "The slide is not ready for this: x is waiting")
    assert client.get("/v1/slides/7").status_code == 404
    assert client.post("/v1/slides/1/rois", json={"rois": [ROI, ROI]}).status_code == 422


def test_adding_and_placing_are_audited(client: TestClient, database: Database, lung: str) -> None:
    add(client, "s3://slides/x.svs")
    make_ready(database)
    client.post("/v1/slides/1/rois", json={"rois": [ROI]})

    actions = {(line["action"], line["subject"]) for line in client.get("/v1/audit").json()["actions"]}
    assert {("add slides", "cohort 1"), ("place rois", "slide 1")} <= actions


def test_a_whole_slide_becomes_an_roi_once(client: TestClient, database: Database, lung: str) -> None:
    add(client, "s3://slides/x.svs")
    early = client.post("/v1/slides/1/whole")
    make_ready(database)

    first, again = (client.post("/v1/slides/1/whole") for _ in range(2))

    assert (early.status_code, early.json()["detail"]) == (409, "The slide is not ready for this: x is waiting")
    assert (first.status_code, first.json()) == (201, {"added": 1, "present": 0})
    assert again.json() == {"added": 0, "present": 1}
    (roi,) = client.get("/v1/cohorts/C/rois").json()["rois"]
    assert (roi["roi"], roi["roi_number"], roi["source"]) == ("x_whole", 0, "slide://1/0,0,9000,8000,whole")
    assert client.post("/v1/slides/9/whole").status_code == 404
    actions = [line["action"] for line in client.get("/v1/audit").json()["actions"]]
    assert actions.count("place rois") == 2


def test_a_cohort_that_asks_for_exact_mode_takes_no_whole_slides(
    client: TestClient, database: Database, lung: str
) -> None:
    add(client, "s3://slides/x.svs", settings={"mode": "exact"})
    make_ready(database)

    answer = client.post("/v1/slides/1/whole")

    assert answer.status_code == 422
    assert "fast mode only" in answer.json()["detail"]

"""Rectangles are placed on slides by version, cut out once, and every change leaves a line."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from fastapi.testclient import TestClient

from pantile.catalog.database import Database
from pantile.catalog.pyramids import Pyramid
from pantile.catalog.slide_pyramids import keep_slide_pyramid
from pantile.domain.access import Role, Scope
from pantile.objects import ObjectStore
from tests.integration.web.test_slide_pages import add, look_into

MakeAccount = Callable[..., int]
MakeToken = Callable[..., str]

TUMOR = {"tissue_type": "tumor", "left_px": 100, "top_px": 200, "width_px": 3000, "height_px": 2000}
NORMAL = {**TUMOR, "tissue_type": "normal", "left_px": -50}
PATH = "/v1/slides/1/placing"


@pytest.fixture
def slide(client: TestClient, database: Database, objects: ObjectStore, lung: str) -> int:
    """The first of three slides, each with two guesses."""
    add(client, "a", "b", "c")
    for number in (1, 2, 3):
        look_into(database, objects, number)
    return 1


def save(client: TestClient, *rectangles: dict[str, Any], version: int = 0, path: str = PATH) -> Any:
    return client.put(path, json={"rectangles": list(rectangles)}, headers={"If-Match": f'"v{version}"'})


def cut(client: TestClient, version: int) -> Any:
    return client.post(f"{PATH}/cut", headers={"If-Match": f'"v{version}"'})


def test_a_slide_without_placing_shows_its_guess_and_asks_for_tiles(
    client: TestClient, database: Database, slide: int
) -> None:
    answer = client.get(PATH)

    page = answer.json()
    assert answer.headers["etag"] == '"v0"'
    assert page["placing"] == {"version": 0, "rectangles": [], "is_cut": False, "placed_by": None, "placed_at": None}
    assert [(each["tissue_type"], each["left_px"]) for each in page["guesses"]] == [("tumor", 0), ("normal", 10)]
    assert page["study_size"] == {"width_px": 12_500, "height_px": 10_000}
    assert (page["tiles"], page["tiles_state"], page["next"]) == (None, "making", 2)
    with database.transaction() as connection:
        asked = connection.execute("SELECT slide_id FROM chores WHERE kind = 'slide-pyramid' ORDER BY 1").fetchall()
    assert [row["slide_id"] for row in asked] == [1, 2]


def test_tiles_are_told_once_they_are_made(client: TestClient, database: Database, slide: int) -> None:
    pyramid = Pyramid(
        object_key="pyramids/x.szi",
        sha256="0" * 64,
        bytes=1,
        tile_px=510,
        overlap_px=1,
        width_px=4500,
        height_px=3000,
        levels=14,
    )
    with database.transaction() as connection:
        keep_slide_pyramid(connection, slide, pyramid, downsample=2)

    page = client.get(PATH).json()

    assert (page["tiles_state"], page["downsample"]) == ("ready", 2)
    assert page["tiles"] == {
        "url": "/slides/1/tiles",
        "format": "jpg",
        "tile_px": 510,
        "overlap": 1,
        "width_px": 4500,
        "height_px": 3000,
        "levels": 14,
    }


def test_rectangles_are_saved_whole_and_by_version(client: TestClient, slide: int) -> None:
    first = save(client, TUMOR, NORMAL)
    same = save(client, TUMOR, NORMAL, version=1)
    fewer = save(client, NORMAL, version=1)

    assert (first.status_code, first.headers["etag"]) == (200, '"v1"')
    assert same.json()["version"] == 1
    assert fewer.json()["version"] == 2
    placing = client.get(PATH).json()["placing"]
    assert [each["tissue_type"] for each in placing["rectangles"]] == ["normal"]
    assert placing["placed_by"] == "token 1 (embedded stack)"


def test_who_saw_an_older_version_is_told_the_newer_one(client: TestClient, slide: int) -> None:
    save(client, TUMOR)

    refused = save(client, NORMAL)

    assert refused.status_code == 412
    problem = refused.json()
    assert problem["detail"] == "The rectangles on the slide were changed meanwhile: they are at version 1 now"
    assert problem["current"]["rectangles"] == [TUMOR]
    assert cut(client, 0).status_code == 412


def test_of_two_who_save_at_once_one_is_told(client: TestClient, slide: int) -> None:
    with ThreadPoolExecutor(2) as both:
        answers = list(both.map(lambda placed: save(client, placed), (TUMOR, NORMAL)))

    assert sorted(answer.status_code for answer in answers) == [200, 412]


def test_what_is_placed_is_cut_out_once(client: TestClient, slide: int) -> None:
    save(client, TUMOR, NORMAL)

    first, again = cut(client, 1), cut(client, 1)

    assert (first.status_code, first.json()["added"], first.json()["present"]) == (201, 2, 0)
    assert (again.json()["added"], again.json()["present"]) == (0, 2)
    shown = client.get(PATH).json()
    assert shown["placing"]["is_cut"] is True
    assert [(roi["roi"], roi["place"]["left_px"], roi["state"]) for roi in shown["rois"]] == [
        ("a_tumor", 100, "arriving"),
        ("a_normal", -50, "arriving"),
    ]


def test_a_rectangle_that_was_moved_becomes_a_further_roi(client: TestClient, slide: int) -> None:
    save(client, TUMOR, NORMAL)
    cut(client, 1)
    save(client, {**TUMOR, "left_px": 101}, NORMAL, version=1)
    is_cut = client.get(PATH).json()["placing"]["is_cut"]

    answer = cut(client, 2)

    assert is_cut is False
    assert (answer.json()["added"], answer.json()["present"]) == (1, 1)
    numbers = [(roi["tissue_type"], roi["roi_number"], roi["place"]["left_px"]) for roi in answer.json()["rois"]]
    assert numbers == [("tumor", 1, 100), ("normal", 1, -50), ("tumor", 2, 101)]


def test_a_place_that_was_refused_is_cut_out_anew(client: TestClient, database: Database, slide: int) -> None:
    save(client, TUMOR)
    cut(client, 1)
    with database.transaction() as connection:
        connection.execute("UPDATE rois SET state = 'refused', error = 'x'")

    answer = cut(client, 1)

    assert (answer.json()["added"], answer.json()["rois"][-1]["roi_number"]) == (1, 2)


def test_nothing_cannot_be_cut_out(client: TestClient, slide: int) -> None:
    save(client)

    answer = cut(client, 1)

    assert (answer.status_code, answer.json()["detail"]) == (
        409,
        "There is no rectangle on the slide to be cut out: a",
    )


@pytest.mark.parametrize(
    "rectangles",
    [
        [TUMOR, {**TUMOR, "left_px": 5}],
        [{**TUMOR, "width_px": 0}],
        [{**TUMOR, "left_px": 1.5}],
        [{**TUMOR, "tissue_type": "benign"}],
        [TUMOR, NORMAL, NORMAL],
    ],
)
def test_what_is_no_placing_is_refused(client: TestClient, slide: int, rectangles: list[dict[str, Any]]) -> None:
    assert save(client, *rectangles).status_code == 422
    assert client.put(PATH, json={"rectangles": [TUMOR]}).status_code == 422


def test_nothing_is_placed_on_slides_that_are_not_there_or_not_ready(
    client: TestClient, database: Database, slide: int
) -> None:
    with database.transaction() as connection:
        connection.execute("UPDATE slides SET state = 'withdrawn'")

    for answer in (save(client, TUMOR), cut(client, 0), client.post("/v1/slides/1/pyramid")):
        assert (answer.status_code, answer.json()["detail"]) == (
            409,
            "The slide is not ready for this: a is withdrawn",
        )
    assert save(client, TUMOR, path="/v1/slides/7/placing").status_code == 404
    assert client.get("/v1/slides/7/placing").status_code == 404


def test_the_list_knows_how_far_each_slide_is_and_the_next_without_rectangles_is_found(
    client: TestClient, slide: int
) -> None:
    save(client, TUMOR)
    save(client, NORMAL, path="/v1/slides/2/placing")
    cut(client, 1)

    assert client.get(PATH).json()["next"] == 3
    assert client.get("/v1/slides/3/placing").json()["next"] is None
    for state, name in (("cut out", "a"), ("placed", "b"), ("guessed", "c")):
        page = client.get("/cohorts/C/slides", params={"state": state}).text
        assert page.count('<li class="card">') == 1
        assert f">{name}</a></h2>" in page
    save(client, version=1)
    assert ">a</a></h2>" in client.get("/cohorts/C/slides", params={"state": "cut out"}).text


def test_every_change_leaves_a_line(client: TestClient, slide: int) -> None:
    save(client, TUMOR)
    cut(client, 1)
    client.post("/v1/slides/1/pyramid")

    lines = client.get("/v1/audit", params={"limit": 3}).json()["actions"]

    assert [(line["action"], line["subject"]) for line in lines] == [
        ("ask pyramid", "slide 1"),
        ("place rois", "slide 1"),
        ("place rectangles", "slide 1"),
    ]
    assert lines[2]["details"] == {"version": 1, "rectangles": [TUMOR]}


def test_a_pyramid_that_failed_is_made_when_it_is_asked_for(client: TestClient, database: Database, slide: int) -> None:
    client.get(PATH)
    with database.transaction() as connection:
        connection.execute(
            "UPDATE chores SET state = 'failed', error = 'no disk', finished_at = now() WHERE kind = 'slide-pyramid'"
        )
    failed = client.get(PATH).json()

    asked = client.post("/v1/slides/1/pyramid")

    assert (failed["tiles_state"], failed["tiles_error"]) == ("failed", "no disk")
    assert asked.status_code == 204
    assert client.get(PATH).json()["tiles_state"] == "making"


def test_who_may_only_read_looks_and_does_not_place(
    client: TestClient, stranger: TestClient, make_account: MakeAccount, make_token: MakeToken, slide: int
) -> None:
    stranger.headers["Authorization"] = f"Bearer {make_token(Scope.READ, account_id=make_account(Role.VIEWER))}"

    assert stranger.get(PATH).json()["may_place"] is False
    assert save(stranger, TUMOR).status_code == 403
    assert cut(stranger, 0).status_code == 403
    assert client.get(PATH).json()["may_place"] is True


def test_the_page_of_a_slide_is_a_shell_with_nothing_inline(client: TestClient, slide: int) -> None:
    page = client.get("/slides/1")

    assert page.headers["content-security-policy"].startswith("default-src 'self'; ")
    assert '<body data-slide="1">' in page.text
    assert "style=" not in page.text
    assert client.get("/slides/x").status_code == 422

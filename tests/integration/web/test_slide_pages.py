"""Pages of slides and the pictures on them: who sees them, and what they say."""

from collections.abc import Callable
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image

from pantile.catalog import slides
from pantile.catalog.database import Database
from pantile.catalog.slides import Inspected
from pantile.domain.access import Role, Scope
from pantile.domain.slides import Rectangle, SlideFacts
from pantile.objects import ObjectStore

MakeAccount = Callable[..., int]
MakeToken = Callable[..., str]
WIDTH, HEIGHT = 9000, 6000


def add(client: TestClient, *names: str) -> None:
    body = {"slides": [{"source": f"s3://slides/{name}.svs"} for name in names]}
    assert client.post("/v1/cohorts/C/slides", json=body).status_code == 201


def look_into(database: Database, objects: ObjectStore, slide_id: int = 1, *, guesses: int = 2) -> None:
    """What an imaging worker would find: an overview with tissue in the middle."""
    overview = np.full((600, 900, 3), 243, dtype=np.uint8)
    overview[200:400, 300:600] = (220, 130, 190)
    files: list[Any] = []
    for pixels, kind in ((overview, "jpeg"), (overview[..., 1] < 200, "png")):
        file = BytesIO()
        Image.fromarray(pixels).save(file, kind)
        files.append(objects.put_named("overviews", file.getvalue(), suffix=f".{kind}", media_type=f"image/{kind}"))
    found = Inspected(
        facts=SlideFacts(width_px=WIDTH, height_px=HEIGHT, levels=3, vendor="aperio", mpp=0.25),
        mpp=0.25,
        overview_key=files[0].key,
        overview_sha256=files[0].sha256,
        tissue_key=files[1].key,
        tissue_sha256=files[1].sha256,
        tissue_fraction=1 / 9,
        guesses=[Rectangle(left_px=10 * n, top_px=20, width_px=3000, height_px=2000) for n in range(guesses)],
    )
    with database.transaction() as connection:
        slides.keep_inspected(connection, slide_id, found)


def test_cohorts_with_slides_are_listed_with_their_states(
    client: TestClient, database: Database, objects: ObjectStore, lung: str
) -> None:
    empty = client.get("/slides")
    add(client, "a", "b", "c")
    look_into(database, objects, 1)
    look_into(database, objects, 2, guesses=0)

    page = client.get("/slides").text

    assert "There are no slides yet." in empty.text
    for state in ("guessed", "no rectangles", "waiting"):
        assert f'href="/cohorts/C/slides?state={state.replace(" ", "%20")}"' in page
    assert "refused" not in page


def test_a_cohorts_slides_are_shown_with_picture_and_guess(
    client: TestClient, database: Database, objects: ObjectStore, lung: str
) -> None:
    add(client, "a", "b")
    look_into(database, objects, 1)

    page = client.get("/cohorts/C/slides").text
    waiting = client.get("/cohorts/C/slides", params={"state": "waiting"}).text
    none = client.get("/cohorts/C/slides", params={"q": "z"}).text

    assert '<img src="/slides/1/thumbnail.jpg"' in page
    assert '<rect class="normal" x="10" y="20" width="3000" height="2000"/>' in page
    assert "9,000 × 6,000 px at 0.25 µm, 11% tissue" in page
    assert "Not looked into yet" in page
    assert "/slides/1/thumbnail.jpg" not in waiting
    assert "No slide is like that." in none


def test_many_slides_come_page_by_page(client: TestClient, lung: str) -> None:
    add(client, *(f"s{number:02}" for number in range(30)))

    first = client.get("/cohorts/C/slides", params={"q": "s"}).text
    second = client.get("/cohorts/C/slides", params={"q": "s", "after": 24}).text

    assert 'href="/cohorts/C/slides?q=s&amp;after=24"' in first
    assert "<h2>s23</h2>" in first
    assert "<h2>s24</h2>" in second
    assert "Further slides" not in second


def test_pictures_are_given_once_and_again_only_when_they_changed(
    client: TestClient, database: Database, objects: ObjectStore, lung: str
) -> None:
    add(client, "a")
    look_into(database, objects)

    for name, size in (("overview.jpg", (900, 600)), ("thumbnail.jpg", (480, 320)), ("tissue.png", (900, 600))):
        answer = client.get(f"/slides/1/{name}")
        assert (answer.status_code, answer.headers["cache-control"]) == (200, "private, no-cache")
        assert Image.open(BytesIO(answer.content)).size == size
        again = client.get(f"/slides/1/{name}", headers={"If-None-Match": answer.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")


def test_what_has_no_picture_says_so(client: TestClient, database: Database, objects: ObjectStore, lung: str) -> None:
    add(client, "a", "b")
    look_into(database, objects, 2)
    with database.transaction() as connection:
        connection.execute("UPDATE slides SET state = 'withdrawn' WHERE id = 2")

    waiting = client.get("/slides/1/overview.jpg")

    assert waiting.status_code == 409
    assert "a is waiting, and has no such picture" in waiting.json()["detail"]
    for name in ("overview.jpg", "thumbnail.jpg", "tissue.png"):
        assert client.get(f"/slides/2/{name}").status_code == 409
    assert client.get("/slides/1/tiles/3/0_0.jpg").status_code == 404
    assert client.get("/slides/7/tissue.png").status_code == 404
    assert client.get("/slides/7/tiles/3/0_0.jpg").status_code == 404


@pytest.mark.parametrize(
    "path", ["/slides", "/cohorts/C/slides", "/slides/1/overview.jpg", "/slides/1/tiles/3/0_0.jpg"]
)
def test_slides_are_for_those_who_may_read(
    client: TestClient, stranger: TestClient, make_account: MakeAccount, make_token: MakeToken, lung: str, path: str
) -> None:
    """Raters are blinded: slides name cases."""
    add(client, "a")
    rater = make_token(Scope.READ, account_id=make_account(Role.RATER))

    assert stranger.get(path).status_code == 401
    assert stranger.get(path, headers={"Authorization": f"Bearer {rater}"}).status_code == 403

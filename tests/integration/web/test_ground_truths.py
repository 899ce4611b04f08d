"""Ground truth through the API: announced, uploaded, found its ROI, checked, replaced, removed."""

import hashlib
from collections.abc import Callable
from io import BytesIO
from typing import Any

import httpx
import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image

from pantile.catalog.cohorts import Cohort
from pantile.catalog.database import Database
from pantile.objects import ObjectStore

MakeCohort = Callable[..., Cohort]
Add = Callable[..., Any]

SCHEME = {
    "name": "protocol",
    "is_open": True,
    "classes": [{"index": index, "name": str(index), "article": index, "published_code": index} for index in (0, 1, 2)],
}


def _png(*, size: tuple[int, int] = (9, 9), value: int = 1, mode: str = "L") -> bytes:
    file = BytesIO()
    Image.fromarray(np.full((size[1], size[0]), value, dtype=np.uint8)).convert(mode).save(file, "PNG")
    return file.getvalue()


def _upload(client: TestClient, *files: bytes) -> list[str | None]:
    asked = [{"sha256": hashlib.sha256(file).hexdigest(), "bytes": len(file)} for file in files]
    uploads = client.post("/v1/cohorts/C/ground-truth-uploads", json={"files": asked}).json()["uploads"]
    for upload, file in zip(uploads, files, strict=True):
        if upload["url"]:
            httpx.put(upload["url"], content=file).raise_for_status()
    return [upload["url"] for upload in uploads]


@pytest.fixture
def add(client: TestClient, make_cohort: MakeCohort) -> Add:
    """Uploads files by name and adds them: `add({"slide0_tumor.png": data}, replace=False)`; gives the answer."""
    make_cohort("C")

    def add(files: dict[str, bytes], *, replace: bool = False) -> Any:
        _upload(client, *files.values())
        maps = [{"file": name, "sha256": hashlib.sha256(data).hexdigest()} for name, data in files.items()]
        body = {"maps": maps, "scheme": SCHEME, "replace": replace}
        return client.post("/v1/cohorts/C/ground-truth", json=body)

    return add


def test_ground_truth_finds_its_roi_by_either_name(client: TestClient, add: Add, objects: ObjectStore) -> None:
    files = {"slide0_tumor.png": _png(), "slide1_class_map_ground_truth_roi_1.png": _png(value=2), "other.png": _png()}

    answer = add(files)

    assert (answer.status_code, answer.json()) == (
        200,
        {
            "added": ["slide0_tumor", "slide1_tumor"],
            "replaced": [],
            "unchanged": [],
            "other": [],
            "unknown": ["other.png"],
        },
    )
    page = client.get("/v1/cohorts/C/ground-truth").json()["ground_truth"]
    assert [(each["roi"], each["scheme"], each["width_px"], each["evaluated"]) for each in page] == [
        ("slide0_tumor", "protocol", 9, 0),
        ("slide1_tumor", "protocol", 9, 0),
    ]
    assert objects.get(f"ground-truth/{page[0]['sha256']}.png") == files["slide0_tumor.png"]
    assert not list(objects.keys("incoming/"))


def test_what_is_kept_is_not_uploaded_again(client: TestClient, add: Add) -> None:
    add({"slide0_tumor.png": _png()})

    urls = _upload(client, _png(), _png(value=2))
    again = add({"slide0_tumor.png": _png()}).json()

    assert urls[0] is None
    assert urls[1] is not None
    assert (again["added"], again["unchanged"]) == ([], ["slide0_tumor"])


def test_other_ground_truth_is_replaced_only_when_asked(client: TestClient, add: Add) -> None:
    add({"slide0_tumor.png": _png()})
    other = {"slide0_tumor_mask.png": _png(value=2)}

    kept = add(other).json()
    replaced = add(other, replace=True).json()

    assert (kept["other"], replaced["replaced"]) == (["slide0_tumor"], ["slide0_tumor"])
    (now,) = client.get("/v1/cohorts/C/ground-truth").json()["ground_truth"]
    assert now["file"] == "slide0_tumor_mask.png"


def test_ground_truth_is_removed_by_the_name_of_its_roi(client: TestClient, add: Add, database: Database) -> None:
    add({"slide0_tumor.png": _png()})

    gone = client.delete("/v1/cohorts/C/ground-truth/slide0_tumor")
    twice = client.delete("/v1/cohorts/C/ground-truth/slide0_tumor")

    assert (gone.status_code, twice.status_code) == (200, 404)
    assert client.get("/v1/cohorts/C/ground-truth").json()["ground_truth"] == []
    with database.transaction() as connection:
        actions = connection.execute(
            "SELECT action FROM audit WHERE action LIKE '%ground truth' ORDER BY id"
        ).fetchall()
    assert [row["action"] for row in actions] == ["announce ground truth", "add ground truth", "remove ground truth"]


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        ({"slide0_tumor.png": b"no png at all, but long enough"}, "slide0_tumor.png is no PNG of one 8-bit band"),
        ({"slide0_tumor.png": _png(mode="RGB")}, "slide0_tumor.png is no PNG of one 8-bit band"),
        ({"slide0_tumor.png": _png(mode="1")}, "slide0_tumor.png is no PNG of one 8-bit band"),
        ({"slide0_tumor.png": _png(size=(9, 6))}, "it is 9 x 6 px, which is not the shape of its ROI of 9 x 9"),
        (
            {"slide0_tumor.png": _png(), "slide0_tumor_mask.png": _png(value=2)},
            "slide0_tumor.png and slide0_tumor_mask.png are both named after slide0_tumor",
        ),
    ],
    ids=["no PNG", "colours", "one bit", "another shape", "two files"],
)
def test_what_cannot_be_ground_truth_is_refused(add: Add, files: dict[str, bytes], sentence: str) -> None:
    answer = add(files)

    assert answer.status_code == 422
    assert sentence in answer.json()["detail"]


def test_an_upload_that_is_not_what_was_announced_is_refused(client: TestClient, add: Add) -> None:
    announced = hashlib.sha256(_png()).hexdigest()
    asked = {"files": [{"sha256": announced, "bytes": 1}]}
    (upload,) = client.post("/v1/cohorts/C/ground-truth-uploads", json=asked).json()["uploads"]
    httpx.put(upload["url"], content=_png(value=2)).raise_for_status()
    body = {"maps": [{"file": "slide0_tumor.png", "sha256": announced}], "scheme": SCHEME}

    wrong, missing = (client.post("/v1/cohorts/C/ground-truth", json=body) for _ in range(2))

    assert (wrong.status_code, missing.status_code) == (422, 409)
    assert "the upload has the digest" in wrong.json()["detail"]


@pytest.mark.parametrize(
    "change",
    [
        {"classes": []},
        {"classes": [{"index": 1, "name": "a", "article": 7, "published_code": 1}]},
        {"classes": SCHEME["classes"] + SCHEME["classes"]},  # type: ignore[operator]  # lists both
        {"name": "  "},
    ],
    ids=["no class", "no such target", "an index twice", "no name"],
)
def test_a_scheme_that_cannot_be_is_refused(client: TestClient, add: Add, change: dict[str, Any]) -> None:
    body = {"maps": [{"file": "slide0_tumor.png", "sha256": "a" * 64}], "scheme": SCHEME | change}

    assert client.post("/v1/cohorts/C/ground-truth", json=body).status_code == 422


def test_an_unknown_cohort_has_no_ground_truth(client: TestClient) -> None:
    body = {"maps": [{"file": "a.png", "sha256": "a" * 64}], "scheme": SCHEME}
    answers = [
        client.get("/v1/cohorts/C/ground-truth"),
        client.post("/v1/cohorts/C/ground-truth", json=body),
        client.post("/v1/cohorts/C/ground-truth-uploads", json={"files": [{"sha256": "a" * 64, "bytes": 1}]}),
        client.delete("/v1/cohorts/C/ground-truth/a"),
        client.get("/v1/cohorts/C/evaluations"),
        client.get("/v1/cohorts/C/evaluations.csv"),
    ]

    assert {answer.status_code for answer in answers} == {404}

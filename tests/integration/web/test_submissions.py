from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from fastapi.testclient import TestClient
from psycopg.types.json import Jsonb

from pantile.catalog.cohorts import Cohort
from pantile.catalog.database import Database

MakeCohort = Callable[..., Cohort]

SHA = "a" * 64
REMOTE = "s3://study/TCGA-BRCA-A2-A0D2-01Z_0.25_tumor_original.jpg"


def _roi(path: str = "TCGA-BRCA-A2-A0D2-01Z_0.25_tumor_original.jpg", **parts: Any) -> dict[str, Any]:
    return {"path": path, "sha256": SHA, "bytes": 10, **parts}


def _problem(answer: Any, status: int) -> str:
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == status
    return str(answer.json()["detail"])


def test_submission_adds_rois_and_says_so(client: TestClient, lung: str) -> None:
    answer = client.post("/v1/cohorts", json={"rois": [_roi()]})

    assert answer.status_code == 201
    (cohort,) = answer.json()["cohorts"]
    assert cohort["cohort"] == "TCGA-BRCA"
    assert cohort["segmenters"] == [lung]
    assert (cohort["rois_added"], cohort["segmenters_added"], cohort["uploads_awaited"]) == (1, 1, 1)
    assert not cohort["added_nothing"]


def test_the_same_submission_again_adds_nothing(client: TestClient, lung: str) -> None:
    body = {"rois": [_roi()], "segmenters": [lung]}
    client.post("/v1/cohorts", json=body)

    answer = client.post("/v1/cohorts", json=body)

    assert answer.status_code == 200
    assert answer.json()["cohorts"][0]["added_nothing"]
    assert answer.json()["cohorts"][0]["rois_present"] == 1


def _settings(database: Database) -> list[tuple[str, str]]:
    with database.transaction() as connection:
        rows = connection.execute(
            "SELECT document FROM cohort_segmenters JOIN engine_settings ON digest = settings_digest ORDER BY document"
        ).fetchall()
    return sorted((row["document"]["mode"], row["document"]["stitching"]) for row in rows)


@pytest.mark.usefixtures("lung")
def test_other_settings_are_added_beside_the_first_ones(client: TestClient, database: Database) -> None:
    client.post("/v1/cohorts", json={"rois": [_roi()]})
    body = {"rois": [_roi()], "settings": {"mode": "exact", "stitching": "blend"}}

    answers = [client.post("/v1/cohorts", json=body) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [201, 200]
    assert answers[0].json()["cohorts"][0]["segmenters_added"] == 1
    assert _settings(database) == [("exact", "blend"), ("fast", "centre")]


@pytest.mark.usefixtures("lung")
def test_a_csv_is_submitted_with_settings_in_the_query(client: TestClient, database: Database) -> None:
    answer = client.post(
        "/v1/cohorts?mode=exact&stitching=blend",
        content=f"path\n{REMOTE}\n",
        headers={"Content-Type": "text/csv"},
    )

    assert answer.status_code == 201
    assert _settings(database) == [("exact", "blend")]


def _admit(database: Database, name: str, *, agreement: float) -> None:
    """Writes an admission into a registered card."""
    admission = {"agreement": agreement, "pixels": 1000, "arithmetic": "bfloat16", "tissue": "generated tissue"}
    with database.transaction() as connection:
        connection.execute(
            "UPDATE segmenters SET card = jsonb_set(card, '{admission}', %s) WHERE name = %s",
            [Jsonb(admission), name],
        )


def _precisions(database: Database) -> list[tuple[str, str]]:
    with database.transaction() as connection:
        rows = connection.execute(
            """
            SELECT s.name, e.document FROM cohort_segmenters cs
            JOIN segmenters s ON s.id = segmenter_id JOIN engine_settings e ON e.digest = settings_digest
            """
        ).fetchall()
    return sorted((row["name"], row["document"]["precision"]) for row in rows)


@pytest.fixture
def three(
    client: TestClient,
    database: Database,
    put_checkpoint: Callable[[bytes], str],
    write_card: Callable[..., str],
    write_checkpoint: Callable[..., bytes],
) -> None:
    """Three segmenters: colon refused to mixed precision, kidney not tested, lung admitted."""
    sha256 = put_checkpoint(write_checkpoint(channels=2))
    for name in ("colon", "kidney", "lung"):
        body = {"card": write_card(name, channels=2), "checkpoint_sha256": sha256}
        assert client.post("/v1/segmenters", json=body).status_code == 201
    _admit(database, "colon", agreement=0.9912)
    _admit(database, "lung", agreement=0.9987)


@pytest.mark.usefixtures("three")
def test_each_segmenter_gets_the_precision_that_it_is_admitted_to(client: TestClient, database: Database) -> None:
    answer = client.post("/v1/cohorts", json={"rois": [_roi()]})

    assert _precisions(database) == [("colon", "float32"), ("kidney", "float32"), ("lung", "mixed")]
    assert answer.json()["cohorts"][0]["in_float32"] == {
        "colon": "agreement 99.1 %, below 99.5 %",
        "kidney": "not tested for mixed precision",
    }


@pytest.mark.usefixtures("three")
@pytest.mark.parametrize("wanted", [{"mode": "exact"}, {"precision": "float32"}])
def test_float32_that_was_to_be_expected_needs_no_reason(
    client: TestClient, database: Database, wanted: dict[str, str]
) -> None:
    answer = client.post("/v1/cohorts", json={"rois": [_roi()], "settings": wanted})

    assert {precision for _, precision in _precisions(database)} == {"float32"}
    assert answer.json()["cohorts"][0]["in_float32"] == {}


@pytest.mark.usefixtures("three")
def test_an_admission_that_comes_later_adds_nothing_to_a_cohort_unless_asked(
    client: TestClient, database: Database
) -> None:
    body = {"rois": [_roi()], "segmenters": ["kidney"]}
    client.post("/v1/cohorts", json=body)
    _admit(database, "kidney", agreement=0.9999)

    again = client.post("/v1/cohorts", json=body)
    asked = client.post("/v1/cohorts", json={**body, "settings": {"precision": "mixed"}})

    assert (again.status_code, again.json()["cohorts"][0]["added_nothing"]) == (200, True)
    assert again.json()["cohorts"][0]["in_float32"] == {"kidney": "as in this cohort before"}
    assert asked.status_code == 201
    assert _precisions(database) == [("kidney", "float32"), ("kidney", "mixed")]


@pytest.mark.usefixtures("lung")
def test_a_csv_is_submitted_with_precision_and_confidence_in_the_query(client: TestClient, database: Database) -> None:
    answer = client.post(
        "/v1/cohorts?precision=float32&confidence=true",
        content=f"path\n{REMOTE}\n",
        headers={"Content-Type": "text/csv"},
    )

    with database.transaction() as connection:
        kept = connection.execute("SELECT document FROM engine_settings").fetchall()
    assert answer.status_code == 201
    assert [(row["document"]["precision"], row["document"]["confidence"]) for row in kept] == [("float32", True)]


@pytest.mark.usefixtures("lung")
def test_settings_that_are_not_known_are_refused(client: TestClient) -> None:
    answers = [
        client.post("/v1/cohorts", json={"rois": [_roi()], "settings": settings})
        for settings in ({"mode": "slow"}, {"device": "cpu"}, {"precision": "bfloat16"}, {"confidence": "much"})
    ]

    for answer in answers:
        _problem(answer, 422)


@pytest.mark.usefixtures("lung")
def test_one_submission_may_fill_several_cohorts(client: TestClient) -> None:
    rois = [_roi(), _roi(cohort="pilot"), _roi("other.jpg", mpp=0.5, cohort="pilot", sha256="b" * 64)]

    answer = client.post("/v1/cohorts", json={"rois": rois})

    assert {each["cohort"]: each["rois_added"] for each in answer.json()["cohorts"]} == {"TCGA-BRCA": 1, "pilot": 2}


@pytest.mark.usefixtures("lung")
def test_another_image_for_a_stored_roi_is_a_conflict(client: TestClient) -> None:
    client.post("/v1/cohorts", json={"rois": [_roi(REMOTE, sha256=None, bytes=None)]})

    answer = client.post("/v1/cohorts", json={"rois": [_roi(REMOTE, sha256=None, bytes=None, mpp=0.5)]})

    detail = _problem(answer, 409)
    assert "mpp 0.25, now 0.5" in detail
    assert answer.json()["type"] == "urn:pantile:roi-conflict"


@pytest.mark.usefixtures("lung")
def test_wrong_rows_are_all_named_by_line_and_nothing_is_added(client: TestClient) -> None:
    rois = [_roi(), _roi("scan.jpg", cohort="x"), _roi(), _roi("scan.jpg", mpp=0.5)]

    detail = _problem(client.post("/v1/cohorts", json={"rois": rois}), 422)

    assert detail.startswith("The manifest cannot be taken: line 2: The image has no mpp")
    assert "line 3: ROI TCGA-BRCA-A2-A0D2-01Z_tumor of cohort TCGA-BRCA is there already, line 1" in detail
    assert "line 4: no cohort is named" in detail
    assert client.get("/v1/cohorts").json()["cohorts"] == []


def test_a_file_without_its_digest_is_refused(client: TestClient, lung: str) -> None:
    rois = [_roi(REMOTE, sha256=None, bytes=None), _roi("scan.jpg", sha256=None, cohort="x", mpp=0.25)]

    detail = _problem(client.post("/v1/cohorts", json={"rois": rois, "segmenters": [lung]}), 422)

    assert "line 2: scan.jpg is a file to be uploaded, so its sha256 must be given" in detail


@pytest.mark.parametrize("path", ["/\x00.jpg", "s3://bucket/\x00.jpg"])
def test_nul_is_refused_before_it_meets_the_catalog(client: TestClient, path: str) -> None:
    detail = _problem(client.post("/v1/cohorts", json={"rois": [_roi(path, mpp=1, cohort="x")]}), 422)

    assert detail.endswith("line 1: the path has a character that cannot be shown")


def test_a_field_that_cannot_be_is_named(client: TestClient) -> None:
    detail = _problem(client.post("/v1/cohorts", json={"rois": [_roi(), _roi(mpp=9)]}), 422)

    assert detail == "rois[1].mpp: input should be less than or equal to 5."


@pytest.mark.parametrize("body", [b"{", b'{"rois": [NaN}', b"\xff"])
def test_a_body_that_is_no_json_is_refused(client: TestClient, body: bytes) -> None:
    answer = client.post("/v1/cohorts", content=body, headers={"content-type": "application/json"})

    assert "The body is not valid JSON" in _problem(answer, 422)


def test_other_media_types_are_refused(client: TestClient) -> None:
    answer = client.post("/v1/cohorts", content=b"x", headers={"content-type": "application/pdf"})

    assert _problem(answer, 415) == "A manifest is application/json or text/csv, not application/pdf."


def test_an_unknown_segmenter_is_refused_with_those_that_are_known(client: TestClient, lung: str) -> None:
    detail = _problem(client.post("/v1/cohorts", json={"rois": [_roi()], "segmenters": ["liver"]}), 422)

    assert detail == f"No such segmenter is registered: liver; registered are {lung}"


def test_submission_without_any_segmenter_is_refused(client: TestClient) -> None:
    assert "none is registered yet" in _problem(client.post("/v1/cohorts", json={"rois": [_roi()]}), 422)


def test_cohorts_of_the_same_images_can_be_submitted_at_once(client: TestClient, make_cohort: MakeCohort) -> None:
    make_cohort("stored before", images=400)
    images = [{"path": f"{number}.jpg", "mpp": 0.25, "sha256": f"{number:064x}"} for number in range(400)]
    bodies = [{"cohort": f"cohort {turn}", "rois": images[:: (-1) ** turn]} for turn in range(4)]

    with ThreadPoolExecutor(len(bodies)) as threads:
        answers = list(threads.map(lambda body: client.post("/v1/cohorts", json=body), bodies))

    assert [answer.status_code for answer in answers] == [201, 201, 201, 201]
    assert {answer.json()["cohorts"][0]["jobs_added"] for answer in answers} == {800}


def _post_csv(client: TestClient, text: str, **query: str) -> Any:
    return client.post("/v1/cohorts", params=query, content=text.encode(), headers={"content-type": "text/csv"})


def test_csv_of_addresses_is_taken(client: TestClient, database: Database, lung: str) -> None:
    text = f"\ufeffPath,case\n{REMOTE},C1\nhttps://example.org/a.jpg,\n"

    answer = _post_csv(client, text, cohort="pilot", mpp="0.5", segmenters=f"{lung},")

    assert answer.status_code == 201
    assert {each["cohort"]: each["rois_added"] for each in answer.json()["cohorts"]} == {"pilot": 2}
    with database.transaction() as connection:
        rows = connection.execute("SELECT case_id, mpp, state FROM rois ORDER BY id").fetchall()
    assert [tuple(row.values()) for row in rows] == [("C1", 0.25, "arriving"), ("a", 0.5, "arriving")]


def test_csv_may_name_addresses_only(client: TestClient) -> None:
    detail = _problem(_post_csv(client, f"path\n{REMOTE}\nscan_0.25_tumor_original.jpg\n", cohort="pilot"), 422)

    assert "line 3: scan_0.25_tumor_original.jpg is no s3:// or http(s):// address" in detail


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("file\nx\n", "the column 'path' is missing; there are file"),
        ("", "the column 'path' is missing; there are no columns"),
        ("path,colour\nx,red\n", "unknown columns colour"),
        ("path\na,b\n", "line 2: 2 cells under 1 columns"),
        ("path\n", "it names no image"),
        ('path\n"a', "the body is not CSV in UTF-8"),
    ],
)
def test_csv_that_cannot_be_read_is_refused(client: TestClient, text: str, sentence: str) -> None:
    assert sentence in _problem(_post_csv(client, text), 422)

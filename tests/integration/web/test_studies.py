"""Studies over HTTP: made, changed, taken through their states, and closed to whoever is not in them."""

from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient

from pantile.catalog.database import Database
from pantile.domain.access import Role
from pantile.domain.studies import Study, StudyRole
from tests.integration.conftest import segment_cohort

PASSWORD = "correct horse battery"
STUDY = "/v1/studies/pan-cancer"
CONFIRMED = {"password": PASSWORD}

MakeStudy = Callable[..., Study]
ActAs = Callable[..., TestClient]

WANTED = {"name": "second", "title": "Second", "cohorts": ["TCGA-SKCM"], "segmenters": ["lung", "breast"]}


def test_a_study_pins_the_newest_class_map_of_each_segmenter(client: TestClient, make_study: MakeStudy) -> None:
    make_study(rois=12, missing=2, publish=False)

    study = client.get(STUDY).json()

    assert (study["state"], study["rois"], study["outputs"], study["outputs_missing"]) == ("draft", 12, 58, 2)
    assert [each["name"] for each in study["segmenters"]] == ["breast", "colon", "lung", "kidney", "prostate"]
    assert study["anchors"]["8"] == "excellent"
    assert [each["kind"] for each in study["questions"]] == ["score"]


def test_a_study_is_made_and_listed(client: TestClient, make_study: MakeStudy) -> None:
    make_study()

    made = client.post("/v1/studies", json={**WANTED, "tissue_types": ["tumor"], "seed": 3})

    assert made.status_code == 201, made.text
    assert (made.json()["rois"], made.json()["seed"]) == (6, 3)
    assert [each["name"] for each in client.get("/v1/studies").json()["studies"]] == ["second", "pan-cancer"]


@pytest.mark.parametrize(
    ("change", "status", "said"),
    [
        ({"name": "pan-cancer"}, 409, "There is a study of this name already: pan-cancer"),
        ({"name": "Pan Cancer"}, 422, "name"),
        ({"cohorts": ["TCGA-X"]}, 404, "There is no such cohort: TCGA-X"),
        ({"segmenters": ["heart"]}, 422, "heart"),
        ({"segmenters": ["lung", "lung"]}, 422, "the segmenter 'lung' is named twice"),
        ({"segmenters": ["lung", "lung@1"]}, 422, "it names a cohort or a segmenter twice"),
        ({"title": " "}, 422, "its title has to have 1 to 200 characters"),
        ({"questions": [{"kind": "choice", "prompt": "Which?"}]}, 422, "question 1: it has 0 options"),
        ({"questions": [{"kind": "score", "prompt": "A"}] * 2}, 422, "are asked for 2 scores"),
        ({"anchors": {"11": "more than ideal"}}, 422, "anchors"),
    ],
)
def test_a_study_that_cannot_be_is_refused_with_a_sentence(
    client: TestClient, make_study: MakeStudy, change: dict[str, object], status: int, said: str
) -> None:
    make_study()

    answer = client.post("/v1/studies", json={**WANTED, **change})

    assert (answer.status_code, said in answer.json()["detail"]) == (status, True), answer.text


def test_a_draft_changes_and_a_published_study_keeps_all_but_its_words(
    client: TestClient, make_study: MakeStudy
) -> None:
    make_study(publish=False)
    question = {"kind": "choice", "prompt": "Which structure?", "options": ["gland", "duct"], "tissue_type": "normal"}

    changed = client.patch(STUDY, json={"segmenters": ["lung"], "questions": [question], "adjudication_delta": 2})
    client.post(f"{STUDY}/publish").raise_for_status()
    late = client.patch(STUDY, json={"segmenters": ["breast"]})
    renamed = client.patch(STUDY, json={"title": "Another title"})

    assert (changed.json()["outputs"], changed.json()["adjudication_delta"]) == (12, 2)
    assert changed.json()["questions"][0]["options"] == ["gland", "duct"]
    assert late.status_code == 409
    assert "it is published" in late.json()["detail"]
    assert (renamed.json()["title"], renamed.json()["segmenters"][0]["name"]) == ("Another title", "lung")


def test_a_study_without_class_maps_is_not_published(client: TestClient, make_cohort: Callable[..., object]) -> None:
    make_cohort("TCGA-SKCM")
    client.post("/v1/studies", json=WANTED).raise_for_status()

    answer = client.post("/v1/studies/second/publish")

    assert answer.status_code == 409
    assert "wait for them, then refresh it" in answer.json()["detail"]


def test_what_comes_later_is_added_and_what_is_pinned_stays(
    client: TestClient, database: Database, make_study: MakeStudy
) -> None:
    make_study(rois=4, missing=1)
    with database.transaction() as connection:
        before = connection.execute("SELECT id, key, sha256 FROM outputs WHERE sha256 IS NOT NULL").fetchall()
        connection.execute("UPDATE jobs SET state = 'waiting', error = NULL WHERE state = 'failed'")
        segment_cohort(connection, "TCGA-SKCM", rois=8)

    told = client.post(f"{STUDY}/refresh").json()

    assert told == {"rois_added": 2, "outputs_added": 10, "outputs_filled": 11, "outputs_missing": 0}
    with database.transaction() as connection:
        after = connection.execute("SELECT id, key, sha256 FROM outputs").fetchall()
    assert all(row in after for row in before)
    assert client.post(f"{STUDY}/refresh").json()["rois_added"] == 0


def test_names_are_shown_only_after_the_lock_and_with_the_password(
    client: TestClient, make_study: MakeStudy, join: ActAs
) -> None:
    make_study()
    admin, rater = join("boss", StudyRole.ADMIN), join("r1")

    early = admin.post(f"{STUDY}/unblind", json=CONFIRMED)
    guessed = admin.post(f"{STUDY}/lock", json={"password": "wrong horse"})
    locked = admin.post(f"{STUDY}/lock", json=CONFIRMED)
    blinded = rater.get(STUDY).json()
    unblinded = admin.post(f"{STUDY}/unblind", json=CONFIRMED)

    assert (early.status_code, "only a locked study can be unblinded" in early.json()["detail"]) == (409, True)
    assert (guessed.status_code, "the password is not the account's" in guessed.json()["detail"]) == (403, True)
    assert (locked.json()["state"], unblinded.json()["state"]) == ("locked", "unblinded")
    assert (blinded["segmenters"], blinded["seed"]) == (None, None)
    assert rater.get(STUDY).json()["segmenters"][0]["name"] == "breast"
    assert client.post(f"{STUDY}/refresh").status_code == 409


def test_a_locked_study_is_unlocked_and_an_unblinded_one_never(client: TestClient, make_study: MakeStudy) -> None:
    make_study()

    states = [
        client.post(f"{STUDY}/{change}", json={}).json().get("state", 409)
        for change in ("lock", "unlock", "lock", "unblind", "unlock")
    ]

    assert states == ["locked", "published", "locked", "unblinded", 409]


def test_guessing_the_password_ends_after_five_attempts(make_study: MakeStudy, join: ActAs) -> None:
    make_study()
    admin = join("boss", StudyRole.ADMIN)

    told = [admin.post(f"{STUDY}/lock", json={"password": "wrong"}).status_code for _ in range(5)]

    assert told == [403] * 5
    assert admin.post(f"{STUDY}/lock", json=CONFIRMED).status_code == 429


ADMIN_ROUTES = {
    "PATCH ": {"title": "x"},
    "POST /publish": None,
    "POST /lock": {},
    "POST /unlock": {},
    "POST /unblind": {},
    "GET /rois": None,
    "POST /refresh": None,
    "POST /calibration": {"rois": ["5d4e4a28-6d58-4f6b-9d2e-0d9f9f6a5b11"]},
    "GET /members": None,
    "POST /assign": {"rater": "r1"},
    "POST /reassign": {"from": "r1", "to": "r1"},
    "POST /release": {"rater": "r1"},
    "GET /progress": None,
    "GET /plan": None,
    "POST /verify": None,
    "POST /adjudications": None,
    "PUT /members/r1": {"role": "admin"},
    "DELETE /members/r1": None,
}


@pytest.mark.parametrize("role", [StudyRole.RATER, StudyRole.VIEWER, StudyRole.ADJUDICATOR])
def test_raters_viewers_and_adjudicators_cannot_call_what_admins_do(
    make_study: MakeStudy, join: ActAs, role: StudyRole
) -> None:
    """Check 31."""
    make_study()
    member = join("r1", role)

    told = {
        name: member.request(name.partition(" ")[0], STUDY + name.partition(" ")[2], json=body)
        for name, body in ADMIN_ROUTES.items()
    }

    assert {name: answer.status_code for name, answer in told.items()} == dict.fromkeys(ADMIN_ROUTES, 403)
    assert all(f"and yours is {role}" in answer.json()["detail"] for answer in told.values())
    assert member.post("/v1/studies", json=WANTED).status_code == 403


def test_who_is_not_in_a_study_is_not_even_told_that_it_is_there(make_study: MakeStudy, act_as: ActAs) -> None:
    make_study()
    stranger = act_as("someone", Role.VIEWER)

    answers = [stranger.get(STUDY), stranger.get("/v1/studies/no-such-study"), stranger.get(f"{STUDY}/rois")]

    assert [answer.status_code for answer in answers] == [404, 404, 404]
    assert stranger.get("/v1/studies").json() == {"studies": []}


def test_operators_are_admins_of_every_study(make_study: MakeStudy, act_as: ActAs) -> None:
    make_study()

    assert act_as("ops", Role.OPERATOR).get(STUDY).json()["role"] == "admin"


def test_members_come_change_and_go(client: TestClient, make_study: MakeStudy, join: ActAs) -> None:
    make_study()
    rater = join("r1")

    client.put(f"{STUDY}/members/r1", json={"role": "adjudicator"}).raise_for_status()
    promoted = rater.get(STUDY).json()["role"]
    left = client.delete(f"{STUDY}/members/r1").json()

    assert (promoted, left) == ("adjudicator", {"members": []})
    assert rater.get(STUDY).status_code == 404
    assert client.put(f"{STUDY}/members/nobody", json={"role": "rater"}).status_code == 404
    assert client.delete(f"{STUDY}/members/r1").status_code == 404


def test_the_rois_are_paged_with_what_is_missing(client: TestClient, make_study: MakeStudy) -> None:
    make_study(rois=5, missing=1)

    first = client.get(f"{STUDY}/rois", params={"limit": 3}).json()
    second = client.get(f"{STUDY}/rois", params={"limit": 3, "after": first["next"]}).json()

    found = first["rois"] + second["rois"]
    assert (len(found), second["next"]) == (5, None)
    assert sum(len(each["missing"]) for each in found) == 1


def test_calibration_images_are_chosen(client: TestClient, make_study: MakeStudy) -> None:
    make_study()
    keys = [each["key"] for each in client.get(f"{STUDY}/rois").json()["rois"][:2]]

    assert client.post(f"{STUDY}/calibration", json={"rois": keys}).json() == {"changed": 2}
    assert client.post(f"{STUDY}/calibration", json={"rois": keys[:1], "is_calibration": False}).json()["changed"] == 1
    assert [each["is_calibration"] for each in client.get(f"{STUDY}/rois").json()["rois"]].count(True) == 1

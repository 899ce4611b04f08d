"""Adjudication over HTTP: opened by difference or flag, claimed, signed with the password, and blind to names."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
from fastapi.testclient import TestClient

from pantile.catalog.database import Database
from pantile.domain.studies import Study, StudyRole
from tests.integration.web.scoring import score_cases

PASSWORD = "correct horse battery"
STUDY = "/v1/studies/pan-cancer"
QUEUE = f"{STUDY}/adjudications"

MakeStudy = Callable[..., Study]
ActAs = Callable[..., TestClient]


@dataclass(frozen=True)
class People:
    """Two raters with the same two cases, and an adjudicator."""

    first: TestClient
    second: TestClient
    adjudicator: TestClient


@pytest.fixture
def people(client: TestClient, make_study: MakeStudy, join: ActAs) -> People:
    """A study of two ROIs and three segmenters, assigned to two raters."""
    make_study(rois=2, segmenter_names=("breast", "colon", "lung"), missing=0)
    people = People(join("r1"), join("r2"), join("judge", StudyRole.ADJUDICATOR))
    for rater, purpose in (("r1", "primary"), ("r2", "second")):
        client.post(f"{STUDY}/assign", json={"rater": rater, "purpose": purpose}).raise_for_status()
    return people


@pytest.fixture
def numbers(database: Database) -> dict[str, int]:
    """The segmenter's number of each output, by its key."""
    with database.transaction() as connection:
        rows = connection.execute("SELECT key, number FROM outputs").fetchall()
    return {str(row["key"]): row["number"] for row in rows}


@pytest.fixture
def disputed(people: People, numbers: dict[str, int]) -> dict[str, Any]:
    """An open adjudication, of one of the two outputs that got 8 and 4."""
    score_cases(people.first, "pan-cancer", lambda output: 8 if numbers[output] == 1 else 6)
    score_cases(people.second, "pan-cancer", dict.fromkeys(numbers, 4).get)
    listed: dict[str, Any] = people.adjudicator.get(QUEUE).json()["adjudications"][0]
    return listed


def _scores(database: Database) -> list[dict[str, Any]]:
    with database.transaction() as connection:
        return connection.execute("SELECT * FROM scores ORDER BY assignment_id, output_id").fetchall()


def test_a_difference_opens_one_adjudication_once_both_readings_are_complete(
    people: People, numbers: dict[str, int]
) -> None:
    """Check 38."""
    score_cases(people.first, "pan-cancer", lambda output: {1: 8, 2: 6, 3: 5}[numbers[output]])
    early = people.adjudicator.get(QUEUE).json()
    score_cases(people.second, "pan-cancer", lambda output: {1: 5, 2: 4, 3: 5}[numbers[output]])
    found = people.adjudicator.get(QUEUE).json()

    assert (early["adjudications"], early["open"]) == ([], 0)
    assert (found["open"], {each["reason"] for each in found["adjudications"]}) == (2, {"difference"})
    shown = [people.adjudicator.get(f"{QUEUE}/{each['key']}").json() for each in found["adjudications"]]
    assert {numbers[each["output"]] for each in shown} == {1}
    assert all((each["first"]["value"], each["second"]["value"]) == (8, 5) for each in shown)


def test_a_flag_opens_one_adjudication_and_a_second_reason_no_other(
    client: TestClient, people: People, numbers: dict[str, int]
) -> None:
    """Check 38."""
    key = people.first.get(f"{STUDY}/queue").json()["cases"][0]["key"]
    output = people.first.get(f"/v1/assignments/{key}").json()["panes"][0]["output"]
    flag = {"kind": "difficult", "output": output, "note": "necrosis?"}

    people.first.put(f"/v1/assignments/{key}/flags", json=flag).raise_for_status()
    flagged = people.adjudicator.get(QUEUE).json()["adjudications"]
    people.first.put(f"/v1/assignments/{key}/flags", json={**flag, "kind": "other"}).raise_for_status()
    score_cases(people.first, "pan-cancer", lambda each: 9 if each == output else 5)
    score_cases(people.second, "pan-cancer", dict.fromkeys(numbers, 5).get)

    found = people.adjudicator.get(QUEUE).json()["adjudications"]
    assert [(each["reason"], each["key"]) for each in found] == [("flag", flagged[0]["key"])]
    shown = people.adjudicator.get(f"{QUEUE}/{found[0]['key']}").json()
    assert shown["first"]["flags"][0] == {"kind": "difficult", "note": "necrosis?"}
    assert client.post(QUEUE).json() == {"opened": 0}


def test_a_flag_on_a_case_opens_one_for_each_of_its_outputs(people: People) -> None:
    key = people.first.get(f"{STUDY}/queue").json()["cases"][0]["key"]

    people.first.put(f"/v1/assignments/{key}/flags", json={"kind": "difficult"}).raise_for_status()

    found = people.adjudicator.get(QUEUE).json()["adjudications"]
    assert len(found) == 3
    assert people.adjudicator.get(f"{QUEUE}/{found[0]['key']}").json()["second"]["value"] is None


def test_an_adjudicator_sees_no_names(people: People, disputed: dict[str, Any]) -> None:
    """Checks 28 and 38."""
    texts = [people.adjudicator.get(QUEUE).text, people.adjudicator.get(f"{QUEUE}/{disputed['key']}").text]

    for text in texts:
        for name in ("breast", "colon", "lung", "Toy", "r1", "r2", "TCGA-SKCM-D3", "TCGA-LUAD-D3", "original"):
            assert name not in text


def test_the_case_of_an_adjudication_shows_the_roi_and_nobodys_scores(
    people: People, disputed: dict[str, Any], numbers: dict[str, int]
) -> None:
    shown = people.adjudicator.get(f"{QUEUE}/{disputed['key']}").json()

    case = shown["case"]
    assert (len(case["panes"]), case["key"]) == (3, disputed["key"])
    assert {pane["score"]["value"] for pane in case["panes"]} == {None}
    assert next(pane["pane"] for pane in case["panes"] if pane["output"] == shown["output"]) == shown["pane"]


def test_a_consensus_is_signed_with_the_password_and_no_score_changes(
    database: Database, people: People, disputed: dict[str, Any]
) -> None:
    """Check 38."""
    before = _scores(database)
    path, judge = f"{QUEUE}/{disputed['key']}", people.adjudicator
    consensus = {"value": 6, "rationale": "stroma is right, the tumor's edge is not", "password": PASSWORD}

    unclaimed = judge.post(f"{path}/sign", json=consensus)
    judge.post(f"{path}/claim").raise_for_status()
    guessed = judge.post(f"{path}/sign", json={**consensus, "password": "wrong horse"})
    wordless = judge.post(f"{path}/sign", json={**consensus, "rationale": " "})
    signed = judge.post(f"{path}/sign", json=consensus)
    again = judge.post(f"{path}/sign", json=consensus)

    assert [answer.status_code for answer in (unclaimed, guessed, wordless, signed, again)] == [409, 403, 422, 200, 409]
    assert "claim it first" in unclaimed.json()["detail"]
    assert "it is signed already" in again.json()["detail"]
    told = signed.json()
    assert (told["value"], told["state"], told["signed_by"]) == (6, "signed", "judge")
    assert [step["action"] for step in told["history"]] == ["open", "claim", "sign"]
    assert _scores(database) == before


def test_a_claim_keeps_others_away_until_it_expires_by_the_databases_clock(
    database: Database, people: People, join: ActAs, disputed: dict[str, Any]
) -> None:
    """Check 38."""
    other = join("judge2", StudyRole.ADJUDICATOR)
    path = f"{QUEUE}/{disputed['key']}"

    people.adjudicator.post(f"{path}/claim").raise_for_status()
    renewed = people.adjudicator.post(f"{path}/claim")
    taken = other.post(f"{path}/claim")
    released = other.post(f"{path}/release")
    with database.transaction() as connection:
        connection.execute("UPDATE adjudications SET claimed_until = clock_timestamp() - interval '1 s'")
    expired = other.post(f"{path}/claim")
    late = people.adjudicator.post(f"{path}/sign", json={"value": 5, "rationale": "x", "password": PASSWORD})

    assert [answer.status_code for answer in (renewed, taken, released, expired, late)] == [200, 409, 409, 200, 409]
    assert "somebody else has it until" in taken.json()["detail"]
    assert other.post(f"{path}/release").json()["is_claimed"] is False


def test_an_admin_opens_a_signed_one_again_and_its_history_stays(
    client: TestClient, people: People, disputed: dict[str, Any]
) -> None:
    path = f"{QUEUE}/{disputed['key']}"
    people.adjudicator.post(f"{path}/claim").raise_for_status()
    consensus = {"value": 6, "rationale": "so", "password": PASSWORD}
    people.adjudicator.post(f"{path}/sign", json=consensus).raise_for_status()

    refused = people.adjudicator.post(f"{path}/reopen", json={"reason": "a slip"})
    reopened = client.post(f"{path}/reopen", json={"reason": "a slip"}).json()

    assert refused.status_code == 403
    assert (reopened["state"], reopened["value"]) == ("open", None)
    assert reopened["history"][-1]["details"]["value"] == 6


def test_raters_and_viewers_do_not_adjudicate_and_tokens_sign_nothing(
    client: TestClient, people: People, join: ActAs, disputed: dict[str, Any]
) -> None:
    """Check 31."""
    path = f"{QUEUE}/{disputed['key']}"

    for member in (people.first, join("look", StudyRole.VIEWER)):
        refused = [
            member.get(QUEUE),
            member.get(path),
            member.post(f"{path}/claim"),
            member.post(f"{path}/sign", json={"value": 1, "rationale": "x"}),
        ]
        assert [answer.status_code for answer in refused] == [403] * 4
    assert client.post(f"{path}/claim").status_code == 403


def test_a_locked_study_is_not_adjudicated(client: TestClient, people: People, disputed: dict[str, Any]) -> None:
    client.post(f"{STUDY}/lock", json={}).raise_for_status()

    assert people.adjudicator.post(f"{QUEUE}/{disputed['key']}/claim").status_code == 409
    assert people.adjudicator.get(f"{QUEUE}/{UUID(int=0)}").status_code == 404


def test_what_is_done_in_an_adjudication_is_audited(
    client: TestClient, people: People, disputed: dict[str, Any]
) -> None:
    path, judge = f"{QUEUE}/{disputed['key']}", people.adjudicator
    judge.post(f"{path}/claim").raise_for_status()
    judge.post(f"{path}/release").raise_for_status()
    judge.post(f"{path}/claim").raise_for_status()
    judge.post(f"{path}/sign", json={"value": 6, "rationale": "so", "password": PASSWORD}).raise_for_status()
    client.post(f"{path}/reopen", json={"reason": "a slip"}).raise_for_status()

    lines = client.get("/v1/audit", params={"limit": 5}).json()["actions"]

    assert [line["action"].removesuffix(" adjudication") for line in lines] == [
        "reopen", "sign", "claim", "release", "claim",
    ]  # fmt: skip
    assert {line["details"]["adjudication"] for line in lines} == {disputed["key"]}

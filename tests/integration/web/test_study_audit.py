"""The audit log of studies: every change leaves a line with who made it."""

from collections.abc import Callable
from typing import Any

from fastapi.testclient import TestClient

from pantile.domain.access import Role
from pantile.domain.studies import Study
from pantile.domain.study_csv import STUDY_COLUMNS
from pantile.web.access import PERMISSIONS

STUDY = "/v1/studies/pan-cancer"
SUBJECT = "study pan-cancer"
ACTOR = "token 1 (embedded stack)"


def _last(client: TestClient) -> tuple[str, str, str]:
    line = client.get("/v1/audit", params={"limit": 1}).json()["actions"][0]
    return line["actor"], line["action"], line["subject"]


def test_every_change_of_a_study_leaves_a_line(
    client: TestClient, make_study: Callable[..., Study], make_account: Callable[..., int]
) -> None:
    make_study(publish=False)
    make_account(Role.RATER, name="r1")
    make_account(Role.RATER, name="r2")
    client.put(f"{STUDY}/members/r2", json={"role": "rater"}).raise_for_status()
    made = {"name": "second", "title": "Second", "cohorts": ["TCGA-SKCM"], "segmenters": ["lung"]}
    key = client.get(f"{STUDY}/rois").json()["rois"][0]["key"]
    changes: dict[str, tuple[str, Any, str]] = {
        "PATCH /v1/studies/{study}": (STUDY, {"title": "x"}, "change"),
        "PUT /v1/studies/{study}/members/{account}": (f"{STUDY}/members/r1", {"role": "rater"}, "set member"),
        "POST /v1/studies/{study}/calibration": (f"{STUDY}/calibration", {"rois": [key]}, "mark calibration"),
        "POST /v1/studies/{study}/refresh": (f"{STUDY}/refresh", None, "refresh"),
        "POST /v1/studies/{study}/publish": (f"{STUDY}/publish", None, "publish"),
        "POST /v1/studies/{study}/assign": (f"{STUDY}/assign", {"rater": "r1"}, "assign"),
        "POST /v1/studies/{study}/reassign": (f"{STUDY}/reassign", {"from": "r1", "to": "r2"}, "reassign"),
        "POST /v1/studies/{study}/release": (f"{STUDY}/release", {"rater": "r2"}, "release"),
        "DELETE /v1/studies/{study}/members/{account}": (f"{STUDY}/members/r1", None, "remove member"),
        "POST /v1/studies/{study}/verify": (f"{STUDY}/verify", None, "verify"),
        "POST /v1/studies/{study}/report": (f"{STUDY}/report", None, "ask report"),
        "POST /v1/studies/{study}/adjudications": (f"{STUDY}/adjudications", None, "open adjudications"),
        "POST /v1/studies/{study}/lock": (f"{STUDY}/lock", {}, "lock"),
        "POST /v1/studies/{study}/unlock": (f"{STUDY}/unlock", {}, "unlock"),
    }
    line = "TCGA-SKCM-D3-0000_0.253_tumor_model1.jpg,TCGA-SKCM,TCGA-D3-0000,,,0.253,tumor,model1,7,"
    scores = f"{','.join(STUDY_COLUMNS)}\n{line}\n"
    last: dict[str, tuple[str, Any, str]] = {"POST /v1/studies/{study}/unblind": (f"{STUDY}/unblind", {}, "unblind")}

    assert {*changes, *last, "POST /v1/studies", "POST /v1/studies/{study}/import"} == {
        name
        for name in PERMISSIONS
        if "/v1/studies" in name and not name.startswith("GET ") and "{adjudication}" not in name
    }
    client.post("/v1/studies", json=made).raise_for_status()
    assert _last(client) == (ACTOR, "create", "study second")
    for name, (path, body, action) in changes.items():
        answer = client.request(name.partition(" ")[0], path, json=body)
        assert answer.is_success, (name, answer.text)
        assert _last(client) == (ACTOR, action, SUBJECT), name
    client.put(f"{STUDY}/members/r1", json={"role": "rater"}).raise_for_status()
    client.post(
        f"{STUDY}/import", params={"rater": "r1"}, content=scores, headers={"Content-Type": "text/csv"}
    ).raise_for_status()
    assert _last(client) == (ACTOR, "import", SUBJECT)
    client.get(f"{STUDY}/export").raise_for_status()
    assert _last(client) == (ACTOR, "export", SUBJECT)
    client.post(f"{STUDY}/lock", json={}).raise_for_status()
    client.post(f"{STUDY}/unblind", json={}).raise_for_status()
    assert _last(client) == (ACTOR, "unblind", SUBJECT)

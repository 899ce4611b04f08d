"""The audit log: every change of the API leaves a line with who made it, and no line ever goes."""

import hashlib
import logging
import tomllib
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from fastapi.testclient import TestClient

from pantile.catalog.cohorts import Cohort
from pantile.catalog.database import Database
from pantile.domain.access import Role
from pantile.web.access import PERMISSIONS

MakeCohort = Callable[..., Cohort]
MakeAccount = Callable[..., int]
PutCheckpoint = Callable[[bytes], str]

ACTOR = "token 1 (embedded stack)"
IMAGE = {
    "path": "a.jpg",
    "mpp": 0.25,
    "cohort": "C",
    "sha256": hashlib.sha256(b"image").hexdigest(),
    "bytes": 5,
}

IN_SESSIONS = {"POST /auth/login", "POST /auth/logout", "POST /auth/sessions/{session_id}/end"}
"""What only people do, in test_sessions.py."""

ON_PAGES = {name for name in PERMISSIONS if name.startswith("POST /") and "/v1/" not in name} - IN_SESSIONS
"""Forms that call what the API calls; test_study_pages.py and test_operating_pages.py look at their lines."""

IN_STUDIES = {name for name in PERMISSIONS if "/v1/studies" in name}
"""What is done in studies, in test_study_audit.py."""

BY_RATERS = {name for name in PERMISSIONS if "/v1/assignments/" in name or "/v1/me/" in name}
"""What raters do, in test_readings.py: each change of a case is an event of it, its end and reopening a line too."""


WITH_FILES = {
    name
    for name in PERMISSIONS
    if any(
        word in name
        for word in ("/ground-truth", "/class-maps", "/imported", "slides", "/preannotations", "/corrections")
    )
}
"""What comes with files of its own, in test_ground_truths.py, test_import_study.py, test_slides.py and
test_corrections.py."""


def _training(card: str) -> dict[str, Any]:
    tissue = {"folder": "/tissue", "images": "*.png", "class_maps": "{stem}.png", "case": r"\d", "mpp": 1.0}
    return {
        "card": tomllib.loads(card.replace('"other"', '"tumor"')),
        "tissue": tissue,
        "split": {"validation_cases": ["1"]},
    }


def _last(client: TestClient) -> tuple[str, str, str]:
    line = client.get("/v1/audit", params={"limit": 1}).json()["actions"][0]
    return line["actor"], line["action"], line["subject"]


def test_every_change_leaves_a_line(
    client: TestClient,
    database: Database,
    make_cohort: MakeCohort,
    make_account: MakeAccount,
    write_card: Callable[..., str],
    write_checkpoint: Callable[..., bytes],
    put_checkpoint: PutCheckpoint,
) -> None:
    make_cohort()
    account = make_account(Role.VIEWER)
    with database.transaction() as connection:
        connection.execute("UPDATE jobs SET state = 'failed', error = 'x', finished_at = now() WHERE id = 1")
        connection.execute(
            """
            INSERT INTO workers (name, kind, host, pid, queues, threads, version)
            VALUES ('segment-1@gpu', 'segment', 'gpu', 1, '{}', 1, '1')
            """
        )
        connection.execute(
            """
            INSERT INTO sessions (sha256, account_id, address, browser, expires_at)
            VALUES ('x', %s, '', '', now() + interval '1 h')
            """,
            [account],
        )
    sha256 = put_checkpoint(write_checkpoint(channels=2))
    card = write_card("new", channels=2)
    changes: dict[str, tuple[str, Any, str, str]] = {
        "POST /v1/cohorts/{cohort}/pause": ("/v1/cohorts/1/pause", {"reason": "x"}, "pause", "cohort 1"),
        "POST /v1/cohorts/{cohort}/resume": ("/v1/cohorts/1/resume", None, "resume", "cohort 1"),
        "POST /v1/jobs/{job_id:int}/retry": ("/v1/jobs/1/retry", None, "retry", "job 1"),
        "POST /v1/jobs/{job_id:int}/cancel": ("/v1/jobs/1/cancel", None, "cancel", "job 1"),
        "POST /v1/jobs/retry": ("/v1/jobs/retry", {"segmenter": "lung"}, "retry", "jobs"),
        "POST /v1/jobs/cancel": ("/v1/jobs/cancel", {"cohort": "TCGA-BRCA"}, "cancel", "jobs"),
        "POST /v1/workers/{worker}/drain": ("/v1/workers/segment-1@gpu/drain", None, "drain", "worker segment-1@gpu"),
        "POST /v1/workers/{worker}/undrain": (
            "/v1/workers/segment-1@gpu/undrain",
            None,
            "undrain",
            "worker segment-1@gpu",
        ),
        "POST /v1/cohorts/{cohort}/overlays": ("/v1/cohorts/1/overlays", None, "ask overlays", "cohort 1"),
        "POST /v1/cohorts/{cohort}/comparisons": ("/v1/cohorts/1/comparisons", None, "ask comparisons", "cohort 1"),
        "POST /v1/cohorts/{cohort}/cancel": ("/v1/cohorts/1/cancel", None, "cancel", "cohort 1"),
        "POST /v1/cohorts": ("/v1/cohorts", {"rois": [IMAGE]}, "submit", "cohort 2"),
        "POST /v1/cohorts/{cohort}/uploads": ("/v1/cohorts/2/uploads", {"roi_ids": [1]}, "upload", "cohort 2"),
        "POST /v1/trainings": ("/v1/trainings", {"document": _training(card)}, "train", "training 1"),
        "POST /v1/trainings/{training_id}/cancel": ("/v1/trainings/1/cancel", None, "cancel", "training 1"),
        "POST /v1/checkpoints": (
            "/v1/checkpoints",
            {"sha256": "a" * 64, "bytes": 1},
            "announce",
            f"checkpoint {'a' * 64}",
        ),
        "POST /v1/segmenters": (
            "/v1/segmenters",
            {"card": card, "checkpoint_sha256": sha256},
            "register",
            "segmenter new@1",
        ),
        "POST /v1/tokens": ("/v1/tokens", {"name": "t", "scopes": ["read"]}, "create", "token 2"),
        "DELETE /v1/tokens/{token_id}": ("/v1/tokens/2", None, "revoke", "token 2"),
        "POST /v1/accounts": (
            "/v1/accounts",
            {"name": "ann", "role": "rater", "password": "x" * 12},
            "create",
            "account ann",
        ),
        "PATCH /v1/accounts/{account}": ("/v1/accounts/ann", {"role": "viewer"}, "set role", "account ann"),
        "PUT /v1/accounts/{account}/password": (
            "/v1/accounts/ann/password",
            {"password": "y" * 12},
            "set password",
            "account ann",
        ),
        "PUT /submit/files": ("/submit/files", None, "upload", f"file {hashlib.sha256().hexdigest()}"),
        "DELETE /v1/sessions/{session_id}": ("/v1/sessions/1", None, "end", "session 1"),
        "POST /v1/withdrawals": ("/v1/withdrawals", {"name": "slide0", "reason": "x"}, "withdraw", "slide0"),
    }

    others = IN_SESSIONS | IN_STUDIES | BY_RATERS | ON_PAGES | WITH_FILES
    assert changes.keys() == {name for name in PERMISSIONS if not name.startswith("GET ")} - others
    for name, (path, body, action, subject) in changes.items():
        answer = client.request(name.partition(" ")[0], path, json=body)
        assert answer.is_success, (name, answer.text)
        assert _last(client) == (ACTOR, action, subject), name


def test_the_log_is_paged_newest_first_and_by_actor(client: TestClient) -> None:
    for number in range(5):
        client.post("/v1/tokens", json={"name": f"t{number}", "scopes": ["read"]})
    first = client.get("/v1/audit", params={"limit": 3, "actor": ACTOR}).json()
    second = client.get("/v1/audit", params={"limit": 3, "actor": ACTOR, "after": first["next"]}).json()

    ids = [line["id"] for page in (first, second) for line in page["actions"]]
    assert ids == sorted(ids, reverse=True)
    assert len(ids) == 5
    assert second["next"] is None
    assert client.get("/v1/audit", params={"actor": "nobody"}).json()["actions"] == []


@pytest.mark.parametrize("change", ["UPDATE audit SET actor = 'x'", "DELETE FROM audit", "TRUNCATE audit"])
def test_the_log_can_only_grow(database: Database, change: str) -> None:
    with pytest.raises(psycopg.errors.RaiseException, match="can only grow"), database.transaction() as connection:
        connection.execute(change)


def test_neither_answers_nor_logs_show_secrets(
    client: TestClient, stranger: TestClient, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    with caplog.at_level(logging.DEBUG):
        made = client.post("/v1/tokens", json={"name": "nightly", "scopes": ["read"]}).json()["token"]
        client.post("/v1/accounts", json={"name": "ann", "role": "rater", "password": "hunter2 hunter2"})
        client.post("/v1/accounts", json={"name": "ann", "role": "boss", "password": "hunter2 hunter2"})
        stranger.get("/v1/cohorts", headers={"Authorization": f"Bearer {made}"})
        stranger.get("/v1/cohorts", headers={"Authorization": f"Bearer {made[:-1]}"})
        client.get(f"/v1/jobs?cohort={made}")
    # The client is part of this process; its own log is its own affair.
    logged = "".join(record.getMessage() for record in caplog.records if not record.name.startswith("httpx"))
    said = logged + "".join(capfd.readouterr()) + client.get("/v1/audit").text

    assert "token 1 (embedded stack)" in said
    assert made[:-1] not in said
    assert "hunter2" not in said

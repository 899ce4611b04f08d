"""Who is let in by a token, and what the others are told; sessions are in test_sessions.py."""

import re
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from fastapi import WebSocketDisconnect
from fastapi.testclient import TestClient

from pantile.catalog import tokens
from pantile.catalog.cohorts import Cohort
from pantile.catalog.database import Database
from pantile.domain.access import Role, Scope, digest_of
from pantile.domain.errors import NotSignedIn
from pantile.objects import ObjectStore
from pantile.web import events
from pantile.web.access import PERMISSIONS, Door

MakeCohort = Callable[..., Cohort]
MakeAccount = Callable[..., int]
MakeToken = Callable[..., str]

SCOPED = {name: permission for name, permission in PERMISSIONS.items() if isinstance(permission, Scope)}


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def _ask(client: TestClient, name: str, headers: dict[str, str] | None = None) -> Any:
    """Asks for a route of the table, with 1 in each place of its path that is open."""
    method, _, path = name.partition(" ")
    filled = re.sub(r"\{[^}]+\}", "1", path)
    return client.request(method, filled, headers=headers)


def test_a_stranger_is_let_through_no_door_but_the_open_ones(stranger: TestClient) -> None:
    closed = [name for name, permission in PERMISSIONS.items() if permission is not Door.OPEN]

    answers = {name: _ask(stranger, name) for name in closed}

    assert {name: answer.status_code for name, answer in answers.items()} == dict.fromkeys(closed, 401)
    for answer in answers.values():
        assert answer.headers["www-authenticate"] == 'Bearer realm="pantile"'
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["detail"] == "This needs an API token, or a sign-in."


@pytest.mark.parametrize("wanted", Scope)
def test_a_token_is_let_in_with_the_scope_and_told_which_it_lacks(
    stranger: TestClient, make_token: MakeToken, make_account: MakeAccount, wanted: Scope
) -> None:
    routes = [name for name, scope in SCOPED.items() if scope is wanted]
    others = {
        Scope.READ: lambda: make_token(Scope.READ, account_id=make_account(Role.RATER)),
        Scope.SUBMIT: lambda: make_token(Scope.OPERATE),
        Scope.OPERATE: lambda: make_token(Scope.SUBMIT),
        Scope.ADMIN: lambda: make_token(Scope.SUBMIT, Scope.OPERATE),
    }
    right, wrong = _bearer(make_token(wanted)), _bearer(others[wanted]())

    refused = {name: _ask(stranger, name, wrong) for name in routes}
    taken = {name: _ask(stranger, name, right).status_code for name in routes}

    assert {name: answer.status_code for name, answer in refused.items()} == dict.fromkeys(routes, 403)
    for answer in refused.values():
        assert f"it takes the scope {wanted}, and the token has" in answer.json()["detail"]
    assert routes
    assert not {name: status for name, status in taken.items() if status in {401, 403}}


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ("Basic amFuZTpwYXNz", "Authorization has to be: Bearer ptl_…"),
        ("Bearer", "Authorization has to be: Bearer ptl_…"),
        ("Bearer ptl_short", "Authorization has to be: Bearer ptl_…"),
        (f"Bearer ptl_{'A' * 43}", "the token that was sent is not known here"),
    ],
)
def test_what_is_no_token_is_refused_with_a_sentence(stranger: TestClient, header: str, said: str) -> None:
    answer = stranger.get("/v1/cohorts", headers={"Authorization": header})

    assert answer.status_code == 401
    assert said in answer.json()["detail"]


def test_an_ended_token_is_refused_and_told_why(
    stranger: TestClient, database: Database, make_token: MakeToken
) -> None:
    expired, revoked = make_token(Scope.READ), make_token(Scope.READ)
    with database.transaction() as connection:
        connection.execute("UPDATE api_tokens SET expires_at = now() WHERE sha256 = %s", [digest_of(expired)])
        connection.execute("UPDATE api_tokens SET revoked_at = now() WHERE sha256 = %s", [digest_of(revoked)])

    told = [stranger.get("/v1/cohorts", headers=_bearer(each)) for each in (expired, revoked)]

    assert [answer.status_code for answer in told] == [401, 401]
    assert "the token that was sent expired on " in told[0].json()["detail"]
    assert "the token that was sent was revoked on " in told[1].json()["detail"]


def test_only_a_digest_of_a_token_is_kept(client: TestClient, database: Database) -> None:
    made = client.post("/v1/tokens", json={"name": "nightly", "scopes": ["submit"], "days": 7}).json()

    with database.transaction() as connection:
        kept = connection.execute("SELECT * FROM api_tokens WHERE id = %s", [made["id"]]).fetchone()
    listed = client.get("/v1/tokens").json()["tokens"][-1]

    assert made["token"].startswith(made["hint"])
    assert made["token"] not in str(kept)
    assert made["token"] not in str(listed)
    assert (listed["name"], listed["scopes"], listed["last_used_at"]) == ("nightly", ["submit"], None)


@pytest.mark.parametrize(
    "wanted",
    [{"scopes": []}, {"scopes": ["boss"]}, {"days": 0}, {"name": "a\x00"}, {"account": "\x00"}, {"colour": "red"}],
)
def test_a_token_that_cannot_be_is_refused(client: TestClient, wanted: dict[str, Any]) -> None:
    assert client.post("/v1/tokens", json={"name": "t", "scopes": ["read"], **wanted}).status_code == 422


def test_a_token_that_is_revoked_stays_in_the_list_and_opens_nothing(client: TestClient, stranger: TestClient) -> None:
    made = client.post("/v1/tokens", json={"name": "nightly", "scopes": ["read"]}).json()
    before = stranger.get("/v1/jobs", headers=_bearer(made["token"])).status_code

    revoked = client.delete(f"/v1/tokens/{made['id']}").json()

    assert (before, stranger.get("/v1/jobs", headers=_bearer(made["token"])).status_code) == (200, 401)
    assert revoked["revoked_at"] is not None
    assert revoked["id"] in [each["id"] for each in client.get("/v1/tokens").json()["tokens"]]
    assert client.delete("/v1/tokens/999").status_code == 404


def test_the_use_of_a_token_is_noted_once_a_minute(database: Database, make_token: MakeToken) -> None:
    token = make_token(Scope.READ)
    noted = []
    for _ in range(2):
        with database.transaction() as connection:
            tokens.admit_token(connection, token)
            noted.append(tokens.list_tokens(connection)[-1].last_used_at)
    with database.transaction() as connection:
        connection.execute("UPDATE api_tokens SET last_used_at = now() - interval '61 s'")
        tokens.admit_token(connection, token)
        later = tokens.list_tokens(connection)[-1].last_used_at

    assert noted[0] is not None
    assert noted[0] == noted[1]
    assert later is not None
    assert later > noted[0]


def test_a_token_allows_no_more_than_its_account_does(
    client: TestClient, stranger: TestClient, make_account: MakeAccount, make_token: MakeToken
) -> None:
    mine = _bearer(make_token(Scope.ADMIN, account_id=make_account(Role.VIEWER)))

    assert stranger.get("/v1/me", headers=mine).json()["scopes"] == ["read"]
    client.patch("/v1/accounts/jane", json={"role": "operator"})
    assert stranger.get("/v1/me", headers=mine).json()["scopes"] == ["operate", "read", "submit"]
    client.patch("/v1/accounts/jane", json={"is_active": False})
    assert "account jane behind the token that was sent is disabled" in stranger.get("/v1/me", headers=mine).text


def test_a_refused_request_is_answered_before_its_body_is_read(stranger: TestClient) -> None:
    body = b"{" + b" " * (5 << 20)

    answer = stranger.post("/v1/cohorts", content=body, headers={"content-type": "application/json"})

    assert answer.status_code == 401


def test_a_websocket_is_not_let_in(stranger: TestClient) -> None:
    with pytest.raises(WebSocketDisconnect) as refused, stranger.websocket_connect("/v1/jobs"):
        pass

    assert refused.value.code == 1008


def test_an_address_to_upload_to_serves_for_that_object_only(
    client: TestClient, stranger: TestClient, objects: ObjectStore
) -> None:
    asked = {"sha256": "a" * 64, "bytes": 3}
    url = client.post("/v1/checkpoints", json=asked).json()["url"]
    elsewhere = url.replace("a" * 64, "b" * 64)

    assert stranger.post("/v1/checkpoints", json=asked).status_code == 401
    assert httpx.put(elsewhere, content=b"abc").status_code == 403
    assert httpx.put(url.partition("?")[0], content=b"abc").status_code in {400, 403}
    assert objects.size(f"incoming/{'b' * 64}") is None
    assert httpx.put(url, content=b"abc").status_code == 200


def test_a_stream_ends_with_the_token_behind_it(
    web_url: str,
    client: TestClient,
    make_cohort: MakeCohort,
    make_token: MakeToken,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(events, "ADMISSION_S", 0.5)
    make_cohort()
    token = make_token(Scope.READ)
    token_id = client.get("/v1/tokens").json()["tokens"][-1]["id"]

    with httpx.stream("GET", f"{web_url}/v1/cohorts/1/events", headers=_bearer(token), timeout=30) as answer:
        lines = answer.iter_lines()
        started = next(line for line in lines if line.startswith("event"))
        client.delete(f"/v1/tokens/{token_id}")
        rest = list(lines)

    assert started == "event: progress"
    assert "event: settled" not in rest


def test_a_stream_is_closed_to_strangers(web_url: str, make_cohort: MakeCohort) -> None:
    make_cohort()

    assert httpx.get(f"{web_url}/v1/cohorts/1/events").status_code == 401


def test_who_asks_is_told(client: TestClient) -> None:
    assert client.get("/v1/me").json() == {
        "actor": "token 1 (embedded stack)",
        "account": None,
        "role": None,
        "scopes": ["admin", "operate", "read", "submit"],
        "csrf_token": None,
    }


def test_an_account_without_a_role_may_do_nothing(database: Database, make_token: MakeToken) -> None:
    with database.transaction() as connection:
        row = connection.execute("INSERT INTO accounts (name) VALUES ('new') RETURNING id").fetchone()
    assert row is not None
    token = make_token(Scope.ADMIN, account_id=row["id"])

    with database.transaction() as connection:
        assert tokens.admit_token(connection, token).scopes == set()
        connection.execute("UPDATE accounts SET is_active = false")
        with pytest.raises(NotSignedIn, match="disabled"):
            tokens.admit_token(connection, token)

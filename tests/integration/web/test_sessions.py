"""People sign in with a password, keep a session, and are kept from guessing; pages as a browser sees them."""

import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from fastapi.testclient import TestClient

from pantile.catalog.database import Database
from pantile.catalog.sign_in_attempts import note_attempt, note_success
from pantile.domain.access import Role
from pantile.domain.errors import TooManyAttempts
from pantile.settings import Settings
from pantile.web.app import create_app

MakeAccount = Callable[..., int]

PASSWORD = "correct horse battery"
PAGE = {"Accept": "text/html"}


def _hidden(page: Any, name: str = "csrf_token") -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page.text)
    assert found, page.text
    return found[1]


def _sign_in(browser: TestClient, *, name: str = "jane", password: str = PASSWORD, then: str = "") -> Any:
    page = browser.get("/auth/login", params={"then": then}, headers=PAGE)
    form = {"name": name, "password": password, "then": then, "csrf_token": _hidden(page)}
    return browser.post("/auth/login", data=form, headers=PAGE)


@pytest.fixture
def browser(settings: Settings) -> Iterator[TestClient]:
    """A browser with its own cookies that follows no redirects."""
    with TestClient(create_app(settings), raise_server_exceptions=False, follow_redirects=False) as browser:
        yield browser


@pytest.fixture
def jane(browser: TestClient, make_account: MakeAccount) -> TestClient:
    """A browser in which jane, an admin, is signed in."""
    make_account(Role.ADMIN)
    assert _sign_in(browser).status_code == 303
    return browser


def _csrf(browser: TestClient) -> dict[str, str]:
    return {"X-CSRF-Token": browser.get("/v1/me").json()["csrf_token"]}


# Signing in


def test_a_browser_without_a_session_is_sent_to_sign_in_and_back(
    browser: TestClient, make_account: MakeAccount
) -> None:
    make_account(Role.VIEWER)

    sent = browser.get("/?a=b", headers=PAGE)
    then = httpx.URL(sent.headers["location"]).params["then"]
    back = _sign_in(browser, then=then)

    assert sent.status_code == 303
    assert back.headers["location"] == "/?a=b"
    assert "jane</strong>, viewer" in browser.get("/account", headers=PAGE).text


@pytest.mark.parametrize("then", ["https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)"])
def test_nobody_is_sent_to_another_site(browser: TestClient, make_account: MakeAccount, then: str) -> None:
    make_account(Role.VIEWER)

    assert _sign_in(browser, then=then).headers["location"] == "/"


def test_an_account_and_a_wrong_one_are_refused_alike(browser: TestClient, make_account: MakeAccount) -> None:
    make_account(Role.VIEWER)

    told = [_sign_in(browser, name=name, password="wrong wrong wrong") for name in ("jane", "nobody")]

    assert [answer.status_code for answer in told] == [403, 403]
    said = [re.search(r'role="alert"[^>]*>([^<]*)<', answer.text) for answer in told]
    assert said[0] is not None
    assert said[1] is not None
    assert said[0][1] == said[1][1] == "The sign-in is refused: name and password do not belong together"


@pytest.mark.parametrize("name", ["jane\x00", "\x00", "", "😀" * 200])
def test_a_name_that_can_be_nobodys_is_refused_like_any_other(browser: TestClient, name: str) -> None:
    answer = _sign_in(browser, name=name, password="wrong wrong wrong")

    assert answer.status_code == 403
    assert "name and password do not belong together" in answer.text


def test_a_disabled_account_cannot_sign_in(browser: TestClient, make_account: MakeAccount, client: TestClient) -> None:
    make_account(Role.VIEWER)
    client.patch("/v1/accounts/jane", json={"is_active": False})

    assert "the account jane is disabled" in _sign_in(browser).text


def test_a_sign_in_that_another_site_began_is_refused(browser: TestClient, make_account: MakeAccount) -> None:
    make_account(Role.VIEWER)
    form = {"name": "jane", "password": PASSWORD}

    without_page = browser.post("/auth/login", data=form, headers=PAGE)
    browser.get("/auth/login")
    with_wrong_token = browser.post("/auth/login", data={**form, "csrf_token": "0" * 64}, headers=PAGE)

    assert [without_page.status_code, with_wrong_token.status_code] == [403, 403]
    assert "pantile-session" not in browser.cookies


@pytest.mark.parametrize("body", [b"x" * 20_000, b"\xff=1", b"&".join(b"a=1" for _ in range(50))])
def test_a_form_that_is_none_is_refused(browser: TestClient, body: bytes) -> None:
    answer = browser.post("/auth/login", content=body, headers=PAGE)

    assert answer.status_code == 403
    assert "the form" in answer.text


# The session


def test_a_session_is_a_cookie_that_scripts_and_other_sites_do_not_get(
    browser: TestClient, make_account: MakeAccount, database: Database
) -> None:
    make_account(Role.VIEWER)

    cookie = next(each for each in _sign_in(browser).headers.get_list("set-cookie") if "pantile-session" in each)

    assert {"HttpOnly", "SameSite=lax", "Path=/"} <= {part.strip() for part in cookie.split(";")}
    secret = cookie.partition("=")[2].partition(";")[0]
    with database.transaction() as connection:
        assert secret not in str(connection.execute("SELECT * FROM sessions").fetchall())


def test_over_https_cookies_are_secure_and_bound_to_the_host(settings: Settings, make_account: MakeAccount) -> None:
    make_account(Role.VIEWER)
    app = create_app(settings.model_copy(update={"web_url": "https://pantile.example.org"}))
    with TestClient(app, base_url="https://pantile.example.org", follow_redirects=False) as browser:
        cookies = _sign_in(browser).headers.get_list("set-cookie")

        assert all("Secure" in cookie and cookie.startswith("__Host-pantile-") for cookie in cookies)
        assert browser.get("/v1/me").json()["account"] == "jane"


def test_a_session_may_read_and_changes_need_the_csrf_token(jane: TestClient) -> None:
    token = {"name": "t", "scopes": ["read"]}

    without = jane.post("/v1/tokens", json=token)
    with_wrong = jane.post("/v1/tokens", json=token, headers={"X-CSRF-Token": "0" * 64})
    right = jane.post("/v1/tokens", json=token, headers=_csrf(jane))

    with_odd = jane.post("/v1/tokens", json=token, headers={b"X-CSRF-Token": b"\xe9"})
    assert with_odd.status_code == 403
    assert jane.get("/v1/tokens").status_code == 200
    assert (without.status_code, with_wrong.status_code, right.status_code) == (403, 403, 201)
    assert "X-CSRF-Token" in without.json()["detail"]


def test_the_csrf_token_of_another_session_is_none(jane: TestClient, settings: Settings) -> None:
    with TestClient(create_app(settings), follow_redirects=False) as other:
        _sign_in(other)
        foreign = _csrf(other)

    assert jane.delete("/v1/tokens/1", headers=foreign).status_code == 403


@pytest.mark.parametrize(
    "change",
    [
        "last_seen_at = now() - interval '7201 s'",
        "expires_at = now()",
        "ended_at = now()",
    ],
)
def test_a_session_ends_by_idleness_by_age_and_by_hand(jane: TestClient, database: Database, change: str) -> None:
    with database.transaction() as connection:
        connection.execute(f"UPDATE sessions SET {change}")  # noqa: S608 — one of the above

    page = jane.get("/account", headers=PAGE)

    assert jane.get("/v1/me").json()["detail"] == "This needs an API token, or a sign-in: the session has ended"
    assert page.status_code == 303
    assert "Your session has ended" in jane.get(page.headers["location"], headers=PAGE).text


def test_signing_out_ends_the_session_for_good(jane: TestClient) -> None:
    kept = jane.cookies["pantile-session"]

    out = jane.post("/auth/logout", data={"csrf_token": _hidden(jane.get("/", headers=PAGE))}, headers=PAGE)
    jane.cookies.set("pantile-session", kept)

    assert "You are signed out" in jane.get(out.headers["location"], headers=PAGE).text
    assert jane.get("/v1/me").status_code == 401


def test_no_other_site_signs_anybody_out(jane: TestClient) -> None:
    assert jane.post("/auth/logout", headers=PAGE).status_code == 403
    assert jane.post("/auth/sessions/1/end", data={"csrf_token": "x"}, headers=PAGE).status_code == 403
    assert jane.get("/v1/me").status_code == 200


def test_sessions_are_listed_and_ended_by_their_owner_only(
    jane: TestClient, settings: Settings, make_account: MakeAccount
) -> None:
    make_account(Role.RATER, name="rita")
    with TestClient(create_app(settings), follow_redirects=False) as rita:
        _sign_in(rita, name="rita")
        hers = rita.get("/v1/sessions").json()["sessions"]
        everybody = jane.get("/v1/sessions").json()["sessions"]
        janes = next(each["id"] for each in everybody if each["account"] == "jane")

        assert [(each["account"], each["is_this"]) for each in hers] == [("rita", True)]
        assert {each["account"] for each in everybody} == {"rita", "jane"}
        assert rita.delete(f"/v1/sessions/{janes}", headers=_csrf(rita)).status_code == 404
        assert jane.delete(f"/v1/sessions/{hers[0]['id']}", headers=_csrf(jane)).status_code == 204
        assert rita.get("/v1/me").status_code == 401


def test_another_session_of_ones_own_is_ended_from_the_first_page(jane: TestClient, settings: Settings) -> None:
    with TestClient(create_app(settings), follow_redirects=False) as elsewhere:
        _sign_in(elsewhere)
        page = jane.get("/account", headers=PAGE)
        action = re.findall(r'action="(/auth/sessions/\d+/end)"', page.text)

        assert len(action) == 1
        assert jane.post(action[0], data={"csrf_token": _hidden(page)}, headers=PAGE).status_code == 303
        assert elsewhere.get("/v1/me").status_code == 401
        assert jane.get("/v1/me").status_code == 200


def test_a_new_password_a_new_role_and_a_disabled_account_hold_at_once(jane: TestClient, client: TestClient) -> None:
    client.patch("/v1/accounts/jane", json={"role": "rater"})
    assert jane.get("/v1/me").json()["scopes"] == []
    assert jane.get("/v1/cohorts").status_code == 403
    assert "the role rater has none" in jane.get("/v1/cohorts").json()["detail"]

    assert client.put("/v1/accounts/jane/password", json={"password": "another twelve"}).status_code == 200
    assert jane.get("/v1/me").status_code == 401
    assert _sign_in(jane).status_code == 403
    assert _sign_in(jane, password="another twelve").status_code == 303

    client.patch("/v1/accounts/jane", json={"is_active": False})
    assert jane.get("/v1/me").status_code == 401


def test_what_a_role_may_not_do_is_a_page_in_a_browser(jane: TestClient, client: TestClient) -> None:
    answer = jane.post("/auth/sessions/99/end", data={"csrf_token": "x"}, headers=PAGE)

    assert answer.headers["content-type"].startswith("text/html")
    assert "<h1>This is not allowed</h1>" in answer.text


# Accounts


def test_accounts_are_made_listed_and_refused_with_a_sentence(client: TestClient) -> None:
    account = {"name": "ann", "role": "rater", "password": "x" * 12}

    assert client.post("/v1/accounts", json=account).status_code == 201
    assert client.post("/v1/accounts", json=account).status_code == 409
    short = client.post("/v1/accounts", json={**account, "name": "bob", "password": "short"})
    odd = client.post("/v1/accounts", json={**account, "name": "Bob Smith"})

    assert short.json()["detail"] == "The password cannot be taken: it has to have 12 characters at least"
    assert "is no account name" in odd.json()["detail"]
    assert [(each["name"], each["role"]) for each in client.get("/v1/accounts").json()["accounts"]] == [
        ("ann", "rater")
    ]
    assert "password" not in client.get("/v1/accounts").text
    assert client.patch("/v1/accounts/nobody", json={"role": "rater"}).status_code == 404


def test_a_password_is_kept_as_argon2id(client: TestClient, database: Database) -> None:
    client.post("/v1/accounts", json={"name": "ann", "role": "rater", "password": "x" * 12})

    with database.transaction() as connection:
        row = connection.execute("SELECT password_hash FROM accounts").fetchone()

    assert row is not None
    assert row["password_hash"].startswith("$argon2id$v=19$m=65536,t=3,p=4$")


# Guessing


def test_guessing_is_stopped_and_the_right_password_waits_as_well(
    browser: TestClient, make_account: MakeAccount, database: Database
) -> None:
    make_account(Role.VIEWER)

    statuses = [_sign_in(browser, password="wrong wrong wrong").status_code for _ in range(6)]
    right = _sign_in(browser)
    with database.transaction() as connection:
        connection.execute("UPDATE sign_in_attempts SET at = at - interval '15 min'")

    assert statuses == [403] * 5 + [429]
    assert right.status_code == 429
    assert "wait a quarter of an hour" in right.text
    assert _sign_in(browser).status_code == 303


def test_guesses_made_at_the_same_time_see_each_other(database: Database) -> None:
    def guess(_: int) -> bool:
        try:
            with database.transaction() as connection:
                note_attempt(connection, "jane", "192.0.2.1")
        except TooManyAttempts:
            return False
        return True

    with ThreadPoolExecutor(8) as threads:
        allowed = sum(threads.map(guess, range(40)))

    assert allowed == 5


def test_one_address_cannot_try_many_accounts(database: Database) -> None:
    for number in range(30):
        with database.transaction() as connection:
            note_attempt(connection, f"account{number}", "192.0.2.1")

    with pytest.raises(TooManyAttempts), database.transaction() as connection:
        note_attempt(connection, "another", "192.0.2.1")
    with database.transaction() as connection:
        assert note_attempt(connection, "another", "192.0.2.2")


def test_guessing_from_many_machines_does_not_shut_the_owner_out(database: Database) -> None:
    with database.transaction() as connection:
        note_success(connection, note_attempt(connection, "jane", "198.51.100.7"))
    for number in range(50):
        with database.transaction() as connection:
            note_attempt(connection, "jane", f"192.0.2.{number}")

    with pytest.raises(TooManyAttempts), database.transaction() as connection:
        note_attempt(connection, "jane", "192.0.2.99")
    with database.transaction() as connection:
        assert note_attempt(connection, "jane", "198.51.100.7")


def test_successes_are_no_guesses(database: Database) -> None:
    for _ in range(20):
        with database.transaction() as connection:
            note_success(connection, note_attempt(connection, "jane", "192.0.2.1"))

    with database.transaction() as connection:
        rows = connection.execute("SELECT count(*) AS attempts FROM sign_in_attempts").fetchone()
    assert rows == {"attempts": 20}


# Pages


@pytest.mark.parametrize("path", ["/auth/login", "/auth/callback"])
def test_pages_carry_no_script_and_let_nothing_foreign_in(browser: TestClient, path: str) -> None:
    page = browser.get(path, headers=PAGE)

    assert "script" not in page.text
    assert "style=" not in page.text
    assert page.headers["content-security-policy"].startswith("default-src 'none'; style-src 'self'")
    assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
    assert page.headers["x-content-type-options"] == "nosniff"
    assert page.headers["cache-control"] == "no-store"


def test_every_field_has_its_label_and_the_page_its_language(browser: TestClient) -> None:
    page = browser.get("/auth/login", headers=PAGE).text
    fields = set(re.findall(r'<input id="([^"]+)"', page))

    assert fields == set(re.findall(r'<label for="([^"]+)"', page)) == {"name", "password"}
    assert '<html lang="en">' in page


def test_what_was_typed_is_shown_as_text(browser: TestClient) -> None:
    page = _sign_in(browser, name='"><script>alert(1)</script>', password="x")

    assert "<script>" not in page.text
    assert "&lt;script&gt;" in page.text


def test_the_looks_are_open_and_nothing_beside_them(browser: TestClient) -> None:
    assert browser.get("/static/pantile.css").headers["content-type"].startswith("text/css")
    assert browser.get("/static/../app.py").status_code in {401, 404}
    assert browser.get("/static/%2e%2e/app.py").status_code == 404


def test_an_unknown_page_is_a_page(browser: TestClient) -> None:
    answer = browser.get("/nowhere", headers=PAGE)

    assert answer.status_code == 404
    assert "There is nothing at /nowhere." in answer.text

"""People sign in with an OpenID Connect provider, and whatever does not hold in its answer is refused."""

import base64
import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from threading import Event, Semaphore
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from fastapi.testclient import TestClient
from joserfc.jwk import RSAKey
from pydantic import SecretStr

from pantile.catalog.accounts import list_accounts
from pantile.catalog.database import Database
from pantile.domain.access import Role
from pantile.settings import Settings
from pantile.web.app import SIGN_IN_THREADS, create_app
from tests.integration.web.provider import CLIENT_ID, CLIENT_SECRET, Provider, run_provider

PAGE = {"Accept": "text/html"}
WEB = "http://127.0.0.1:8800"


@pytest.fixture
def provider() -> Iterator[Provider]:
    with run_provider() as provider:
        provider.redirect = f"{WEB}/auth/callback"
        yield provider


@pytest.fixture
def oidc(settings: Settings, provider: Provider) -> Settings:
    """Settings of a Pantile whose people sign in there."""
    return settings.model_copy(
        update={
            "web_url": WEB,
            "oidc_issuer": provider.issuer,
            "oidc_client_id": CLIENT_ID,
            "oidc_client_secret": SecretStr(CLIENT_SECRET),
            "oidc_roles": {"staff": Role.VIEWER, "chiefs": Role.ADMIN},
        }
    )


@pytest.fixture
def browser(oidc: Settings, provider: Provider) -> Iterator[TestClient]:
    """A browser of somebody in the group staff."""
    provider.person["groups"] = ["staff", "others"]
    with TestClient(create_app(oidc), base_url=WEB, follow_redirects=False) as browser:
        yield browser


def _authorize(browser: TestClient, then: str = "") -> httpx.URL:
    """Goes to the provider, which sends the browser back: to this address."""
    to_provider = browser.get("/auth/oidc", params={"then": then}, headers=PAGE)
    assert to_provider.status_code == 303, to_provider.text
    back = httpx.get(to_provider.headers["location"])
    assert back.status_code == 302, back.text
    return httpx.URL(back.headers["location"])


def _sign_in(browser: TestClient, then: str = "") -> Any:
    return browser.get(str(_authorize(browser, then)), headers=PAGE)


def _refused(answer: Any, sentence: str) -> None:
    assert answer.status_code == 403
    assert "You are not signed in" in answer.text
    assert sentence in answer.text
    assert not any("pantile-session=" in cookie for cookie in answer.headers.get_list("set-cookie"))


def test_somebody_signs_in_with_the_role_of_their_group_and_lands_where_they_wanted(
    browser: TestClient, database: Database, provider: Provider
) -> None:
    answer = _sign_in(browser, then="/?page=2")

    assert (answer.status_code, answer.headers["location"]) == (303, "/?page=2")
    me = browser.get("/v1/me").json()
    assert (me["account"], me["role"], me["scopes"]) == ("jane-doe", "viewer", ["read"])
    with database.transaction() as connection:
        (account,) = list_accounts(connection)
    assert (account.oidc_issuer, account.password_hash) == (provider.issuer, None)


def test_the_sign_in_page_offers_the_provider(browser: TestClient) -> None:
    page = browser.get("/auth/login", params={"then": "/?a=b"}, headers=PAGE).text

    assert "Sign in with single sign-on" in page
    assert '/auth/oidc?then=/%3Fa%3Db"' in page


def test_the_same_person_is_known_by_subject_whatever_they_are_called(
    browser: TestClient, database: Database, provider: Provider
) -> None:
    _sign_in(browser)
    provider.person |= {"preferred_username": "Jane Smith", "groups": ["chiefs"]}
    _sign_in(browser)

    with database.transaction() as connection:
        assert [(each.name, each.role) for each in list_accounts(connection)] == [("jane-doe", Role.ADMIN)]


def test_the_same_name_or_e_mail_is_another_person(browser: TestClient, database: Database, provider: Provider) -> None:
    provider.person["email"] = "jane@example.org"
    _sign_in(browser)
    provider.person["sub"] = "666"
    _sign_in(browser)

    with database.transaction() as connection:
        assert [each.name for each in list_accounts(connection)] == ["jane-doe", "jane-doe-2"]
    assert browser.get("/v1/me").json()["account"] == "jane-doe-2"


def test_a_person_of_no_known_group_stays_out(browser: TestClient, database: Database, provider: Provider) -> None:
    provider.person["groups"] = ["<guests>"]

    _refused(_sign_in(browser), "none of your groups at the provider (&lt;guests&gt;) has a role in this Pantile")
    with database.transaction() as connection:
        assert list_accounts(connection) == []


def test_groups_are_found_within_other_claims_and_in_userinfo(oidc: Settings, provider: Provider) -> None:
    provider.userinfo = {"realm_access": {"roles": ["chiefs"]}}
    app = create_app(oidc.model_copy(update={"oidc_role_claim": "realm_access.roles"}))
    with TestClient(app, base_url=WEB, follow_redirects=False) as browser:
        assert _sign_in(browser).status_code == 303
        assert browser.get("/v1/me").json()["role"] == "admin"


def test_userinfo_of_somebody_else_is_refused(oidc: Settings, provider: Provider) -> None:
    provider.userinfo = {"sub": "somebody else", "groups": ["chiefs"]}
    with TestClient(create_app(oidc), base_url=WEB, follow_redirects=False) as browser:
        _refused(_sign_in(browser), "another person than its ID token")


def test_without_a_table_of_groups_an_admin_gives_the_role(oidc: Settings, client: TestClient) -> None:
    app = create_app(oidc.model_copy(update={"oidc_roles": {}}))
    with TestClient(app, base_url=WEB, follow_redirects=False) as browser:
        _sign_in(browser)
        assert "An administrator has to give this account a role" in browser.get("/", headers=PAGE).text
        assert browser.get("/v1/me").json()["scopes"] == []

        client.patch("/v1/accounts/jane-doe", json={"role": "operator"})
        assert browser.get("/v1/me").json()["role"] == "operator"
        _sign_in(browser)
        assert browser.get("/v1/me").json()["role"] == "operator"


def test_a_disabled_account_stays_out(browser: TestClient, client: TestClient) -> None:
    _sign_in(browser)
    client.patch("/v1/accounts/jane-doe", json={"is_active": False})

    assert browser.get("/v1/me").status_code == 401
    _refused(_sign_in(browser), "the account jane-doe is disabled")


def test_an_account_of_a_provider_has_no_password(browser: TestClient, client: TestClient) -> None:
    _sign_in(browser)

    answer = client.put("/v1/accounts/jane-doe/password", json={"password": "x" * 12})

    assert answer.status_code == 422
    assert "has no password here" in answer.json()["detail"]


# What does not hold


def _late(claims: dict[str, Any]) -> dict[str, Any]:
    return {**claims, "iat": time.time() - 7200, "exp": time.time() - 3600}


@pytest.mark.parametrize(
    ("spoil", "claim"),
    [
        (lambda claims: {**claims, "nonce": "another"}, "nonce"),
        (lambda claims: {key: value for key, value in claims.items() if key != "nonce"}, "nonce"),
        (lambda claims: {**claims, "iss": "https://evil.example"}, "iss"),
        (lambda claims: {**claims, "aud": "another client"}, "aud"),
        (lambda claims: {**claims, "aud": [CLIENT_ID, "another"], "azp": "another"}, "azp"),
        (lambda claims: {**claims, "at_hash": "AAAA"}, "at_hash"),
        (lambda claims: {key: value for key, value in claims.items() if key != "sub"}, "sub"),
        (lambda claims: {key: value for key, value in claims.items() if key != "exp"}, "exp"),
        (_late, "expired"),
    ],
)
def test_an_id_token_whose_claims_do_not_hold_is_refused(
    browser: TestClient, provider: Provider, spoil: Any, claim: str
) -> None:
    provider.spoil = spoil

    answer = _sign_in(browser)

    _refused(answer, "the provider&#39;s ID token does not hold")
    assert claim in answer.text


def test_an_id_token_that_somebody_else_signed_is_refused(browser: TestClient, provider: Provider) -> None:
    provider.signed_by = RSAKey.generate_key(2048, {"kid": "one"})

    _refused(_sign_in(browser), "ID token does not hold")


def test_an_unsigned_id_token_is_refused(
    browser: TestClient, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unsigned(self: Provider, nonce: str | None) -> str:
        now = int(time.time())
        claims = {"iss": self.issuer, "aud": CLIENT_ID, "iat": now, "exp": now + 60, "nonce": nonce, **self.person}
        parts = (json.dumps(part).encode() for part in ({"alg": "none"}, claims))
        return ".".join([*(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts), ""])

    monkeypatch.setattr(Provider, "id_token", unsigned)

    _refused(_sign_in(browser), "ID token does not hold")


def test_an_answer_with_another_state_is_refused(browser: TestClient) -> None:
    back = _authorize(browser)

    _refused(browser.get(str(back.copy_set_param("state", "x" * 64)), headers=PAGE), "begun in another browser")


def test_the_page_in_the_state_cannot_be_exchanged(browser: TestClient) -> None:
    back = _authorize(browser, then="/")
    page = base64.urlsafe_b64encode(b"/elsewhere").decode().rstrip("=")
    changed = back.copy_set_param("state", f"{back.params['state'].partition('.')[0]}.{page}")

    _refused(browser.get(str(changed), headers=PAGE), "begun in another browser")


def test_an_answer_that_another_browser_asked_for_is_refused(browser: TestClient, oidc: Settings) -> None:
    back = _authorize(browser)
    with TestClient(create_app(oidc), base_url=WEB, follow_redirects=False) as victim:
        _refused(victim.get(str(back), headers=PAGE), "begun in another browser")
        victim.get("/auth/oidc")
        _refused(victim.get(str(back), headers=PAGE), "begun in another browser")


def test_an_answer_serves_once(browser: TestClient) -> None:
    back = _authorize(browser)
    mark = browser.cookies["pantile-sign-in"]
    assert browser.get(str(back), headers=PAGE).status_code == 303
    _refused(browser.get(str(back), headers=PAGE), "begun in another browser")

    browser.cookies.set("pantile-sign-in", mark)
    _refused(browser.get(str(back), headers=PAGE), "does not take the code")


def test_a_code_is_worth_nothing_without_the_verifier(browser: TestClient, provider: Provider) -> None:
    back = _authorize(browser)
    form = {"grant_type": "authorization_code", "code": back.params["code"], "redirect_uri": provider.redirect}

    answer = httpx.post(
        f"{provider.issuer}/token",
        data={**form, "code_verifier": "0" * 64},
        auth=(quote(CLIENT_ID), quote(CLIENT_SECRET, safe="")),
    )

    assert answer.status_code == 400


def test_an_answer_of_another_provider_is_refused(browser: TestClient) -> None:
    back = _authorize(browser)

    _refused(browser.get(str(back.copy_set_param("iss", "https://evil.example")), headers=PAGE), "the answer is from")


def test_what_the_provider_refuses_is_told(browser: TestClient) -> None:
    back = _authorize(browser).copy_remove_param("code").copy_set_param("error", "access_denied")

    _refused(browser.get(str(back), headers=PAGE), "the provider says access_denied")


# The provider


def test_a_provider_that_calls_itself_otherwise_is_not_used(browser: TestClient, provider: Provider) -> None:
    provider.spoil_discovery = lambda document: {**document, "issuer": "https://evil.example"}

    answer = browser.get("/auth/oidc", headers=PAGE)

    assert answer.status_code == 503
    assert "The sign-in provider does not answer, or not as it should." in answer.text


@pytest.mark.parametrize("issuer", ["http://provider.example.org", "http://127.0.0.1:9", "nonsense"])
def test_a_provider_without_https_or_that_is_down_is_a_page(oidc: Settings, issuer: str) -> None:
    with TestClient(create_app(oidc.model_copy(update={"oidc_issuer": issuer}))) as browser:
        assert browser.get("/auth/oidc", headers=PAGE).status_code == 503


def test_a_provider_that_hangs_keeps_nobody_else_waiting(
    oidc: Settings, provider: Provider, api_token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pantile.web.oidc._TIMEOUT_S", 60.0)
    asked, release = Semaphore(0), Event()
    count = iter(range(1000))

    def hang(document: dict[str, Any]) -> dict[str, Any]:
        next(count)
        asked.release()
        release.wait(60)
        return document

    provider.spoil_discovery = hang
    with (
        TestClient(create_app(oidc), base_url=WEB, follow_redirects=False) as browser,
        ThreadPoolExecutor(40) as people,
    ):
        waiting = [people.submit(browser.get, "/auth/oidc", headers=PAGE) for _ in range(40)]
        assert asked.acquire(timeout=60)
        answers = [browser.get("/v1/jobs", headers={"Authorization": f"Bearer {api_token}"}) for _ in range(3)]
        hanging = next(count)
        release.set()
        wait(waiting)

    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert hanging <= SIGN_IN_THREADS


def test_without_a_provider_there_is_no_way_to_one(settings: Settings) -> None:
    with TestClient(create_app(settings)) as browser:
        assert browser.get("/auth/oidc", headers=PAGE).status_code == 404
        assert "Sign in with" not in browser.get("/auth/login", headers=PAGE).text

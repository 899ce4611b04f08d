"""The shell of the scoring page: who gets it, what it lets the browser do, and how its files are kept."""

import re
from collections.abc import Callable
from uuid import uuid4

from fastapi.testclient import TestClient

from pantile.domain.access import Role, Scope

MakeAccount = Callable[..., int]
MakeToken = Callable[..., str]

CASE = f"/score/{uuid4()}"


def headers(make_account: MakeAccount, make_token: MakeToken) -> dict[str, str]:
    return {"Authorization": f"Bearer {make_token(Scope.READ, account_id=make_account(Role.RATER))}"}


def test_a_stranger_is_sent_to_sign_in_and_back(stranger: TestClient) -> None:
    answer = stranger.get(CASE, headers={"Accept": "text/html"})

    assert answer.status_code == 303
    assert answer.headers["location"] == f"/auth/login?then={CASE}"


def test_the_page_runs_our_own_files_and_nothing_inline(
    stranger: TestClient, make_account: MakeAccount, make_token: MakeToken
) -> None:
    """Check 50: what the Content-Security-Policy says, and that the page needs no more."""
    page = stranger.get(CASE, headers=headers(make_account, make_token))

    assert page.status_code == 200
    assert page.headers["content-security-policy"].startswith("default-src 'self'; ")
    assert "unsafe" not in page.headers["content-security-policy"]
    assert page.headers["cache-control"] == "no-store"
    assert not re.search(r"<script(?![^>]* src=)|<style|\bstyle=|\bon[a-z]+=", page.text)


def test_the_page_knows_the_case_and_nothing_of_it(
    stranger: TestClient, make_account: MakeAccount, make_token: MakeToken
) -> None:
    page = stranger.get(CASE, headers=headers(make_account, make_token))

    assert f'data-case="{CASE.removeprefix("/score/")}"' in page.text
    assert '<meta name="account" content="jane">' in page.text


def test_what_is_no_key_is_no_case(stranger: TestClient, make_account: MakeAccount, make_token: MakeToken) -> None:
    assert stranger.get("/score/143", headers=headers(make_account, make_token)).status_code == 422


def test_built_files_are_kept_for_good_and_others_are_asked_for_again(
    stranger: TestClient, make_account: MakeAccount, make_token: MakeToken
) -> None:
    page = stranger.get(CASE, headers=headers(make_account, make_token))
    built = re.findall(r'(?:src|href)="(/static/viewer/[^"]+)"', page.text)

    assert len(built) == 2
    for address in built:
        assert stranger.get(address).headers["cache-control"] == "public, max-age=31536000, immutable"
    assert "cache-control" not in stranger.get("/static/pantile.css").headers

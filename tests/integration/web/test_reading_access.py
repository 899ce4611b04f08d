"""Whose case it is decides who may read it and who may change it."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from fastapi.testclient import TestClient

from pantile.catalog.database import Database
from pantile.domain.access import Role, Scope
from tests.integration.web.scoring import OpenBrowser, put_score, read_case
from tests.study_fixture import SmallStudy

READS: dict[str, Callable[[TestClient, Any], Any]] = {
    "case": lambda browser, key: browser.get(f"/v1/assignments/{key}"),
    "events": lambda browser, key: browser.get(f"/v1/assignments/{key}/events"),
}

CHANGES: dict[str, Callable[[TestClient, Any, str], Any]] = {
    "open": lambda browser, key, _: browser.post(f"/v1/assignments/{key}/open"),
    "score": lambda browser, key, output: put_score(browser, key, output, 7, version=0),
    "complete": lambda browser, key, _: browser.post(f"/v1/assignments/{key}/complete", json={"skip_missing": True}),
    "skip": lambda browser, key, _: browser.post(f"/v1/assignments/{key}/skip", json={"reason": "x"}),
    "reopen": lambda browser, key, _: browser.post(f"/v1/assignments/{key}/reopen", json={"reason": "x"}),
    "flag": lambda browser, key, _: browser.put(f"/v1/assignments/{key}/flags", json={"kind": "difficult"}),
    "comment": lambda browser, key, _: browser.put(f"/v1/assignments/{key}/comment", json={"comment": "x"}),
    "timing": lambda browser, key, _: browser.post(
        f"/v1/assignments/{key}/timing", json={"active_ms": 1, "idle_ms": 0}
    ),
}


@pytest.mark.parametrize("account", ["r2", "adj", "view"])
def test_another_raters_case_is_closed_to_everybody_but_admins(
    small_study: SmallStudy, open_browser: OpenBrowser, account: str
) -> None:
    """Check 31: R2 reads nothing of R1's scores and comments; VIEW and the adjudicator do not score."""
    key = small_study.assignments["r1"][0]
    output = read_case(open_browser("r1"), key)["panes"][0]["output"]
    put_score(open_browser("r1"), key, output, 7, version=0, comment="mine")
    other = open_browser(account)

    answers = [read(other, key) for read in READS.values()]
    answers += [change(other, key, output) for change in CHANGES.values()]

    assert {answer.status_code for answer in answers} == {403}
    assert not any("mine" in answer.text for answer in answers)


def test_admins_read_every_case_and_score_none_of_others(small_study: SmallStudy, open_browser: OpenBrowser) -> None:
    """Check 31."""
    key, admin = small_study.assignments["r1"][0], open_browser("admin")
    output = read_case(open_browser("r1"), key)["panes"][0]["output"]

    assert {read(admin, key).status_code for read in READS.values()} == {200}
    assert {change(admin, key, output).status_code for change in CHANGES.values()} == {403}


def test_whoever_only_views_does_not_score_not_even_their_own_case(
    small_study: SmallStudy, open_browser: OpenBrowser, database: Database
) -> None:
    """Check 31: who was a rater and is a viewer now."""
    r1, key = open_browser("r1"), small_study.assignments["r1"][0]
    output = read_case(r1, key)["panes"][0]["output"]
    with database.transaction() as connection:
        connection.execute(
            "UPDATE study_members SET role = 'viewer' WHERE account_id = %s", [small_study.accounts["r1"]]
        )

    assert {change(r1, key, output).status_code for change in CHANGES.values()} == {403}
    assert READS["case"](r1, key).status_code == 200


def test_scores_of_others_are_open_once_the_study_is_unblinded(
    small_study: SmallStudy, open_browser: OpenBrowser, database: Database
) -> None:
    """Check 31."""
    key, r2 = small_study.assignments["r1"][0], open_browser("r2")
    with database.transaction() as connection:
        connection.execute("UPDATE studies SET state = 'unblinded'")

    assert {read(r2, key).status_code for read in READS.values()} == {200}


def test_whoever_is_not_in_the_study_finds_nothing(
    small_study: SmallStudy, stranger: TestClient, make_account: Callable[..., int], make_token: Callable[..., str]
) -> None:
    key = small_study.assignments["r1"][0]
    account_id = make_account(Role.VIEWER, name="outsider")
    headers = {"Authorization": f"Bearer {make_token(Scope.READ, account_id=account_id)}"}

    assert stranger.get(f"/v1/assignments/{key}", headers=headers).status_code == 404
    assert stranger.get(f"/v1/studies/{small_study.name}/queue", headers=headers).status_code == 404
    assert stranger.get(f"/v1/assignments/{key}").status_code == 401
    assert stranger.get(f"/v1/assignments/{uuid4()}", headers=headers).status_code == 404


def test_a_token_without_an_account_reads_and_does_not_score(small_study: SmallStudy, client: TestClient) -> None:
    key = small_study.assignments["r1"][0]
    output = read_case(client, key)["panes"][0]["output"]

    assert put_score(client, key, output, 7, version=0).status_code == 403
    assert client.get(f"/v1/studies/{small_study.name}/queue").status_code == 403
    assert client.get("/v1/me/preferences").status_code == 403


def test_a_token_of_a_raters_scores_as_that_rater(
    small_study: SmallStudy, stranger: TestClient, make_token: Callable[..., str]
) -> None:
    token = make_token(Scope.READ, account_id=small_study.accounts["r1"])
    stranger.headers["Authorization"] = f"Bearer {token}"
    key = small_study.assignments["r1"][0]
    output = read_case(stranger, key)["panes"][0]["output"]

    assert put_score(stranger, key, output, 7, version=0).status_code == 200
    (event,) = stranger.get(f"/v1/assignments/{key}/events").json()["events"]
    assert event["actor"].startswith("r1, token ")


def test_a_score_from_a_page_that_is_not_ours_is_refused(small_study: SmallStudy, open_browser: OpenBrowser) -> None:
    """Check 50: a cookie alone changes nothing."""
    r1, key = open_browser("r1"), small_study.assignments["r1"][0]
    output = read_case(r1, key)["panes"][0]["output"]
    del r1.headers["X-CSRF-Token"]

    assert {change(r1, key, output).status_code for change in CHANGES.values()} == {403}
    assert r1.put("/v1/me/preferences", json={}).status_code == 403
    assert read_case(r1, key)["panes"][0]["score"]["version"] == 0


def test_preferences_follow_the_account(small_study: SmallStudy, open_browser: OpenBrowser) -> None:
    """Check 48, the server's part: a remapped key persists, for its owner alone."""
    wanted = {"shortcuts": {"enabled": False, "keys": {"undo": "KeyU"}}, "opacity": 45}

    assert open_browser("r1").get("/v1/me/preferences").json() == {}
    assert open_browser("r1").put("/v1/me/preferences", json=wanted).json() == wanted
    assert open_browser("r1").get("/v1/me/preferences").json() == wanted
    assert open_browser("r2").get("/v1/me/preferences").json() == {}
    assert open_browser("r1").put("/v1/me/preferences", json={"x": "y" * 20_000}).status_code == 422
    assert open_browser("r1").put("/v1/me/preferences", json=[1]).status_code == 422

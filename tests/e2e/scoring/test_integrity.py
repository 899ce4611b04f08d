"""What is scored arrives once, in order, and is never written over: two tabs, a dead network, a killed service."""

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any
from uuid import UUID

import pytest
from playwright.sync_api import Error, Route, expect

from pantile.catalog.database import Database
from pantile.catalog.score_events import verify_study
from pantile.settings import Settings
from tests.e2e.scoring.conftest import Axe, OpenBrowser, OpenCase, SignIn
from tests.e2e.scoring.page import ScoringPage
from tests.serving import free_port, served
from tests.study_fixture import SmallStudy
from tests.study_fixture import sign_in as open_session_of

RETRIES = 3
"""How often a tile is asked for again."""

History = Callable[[UUID], list[tuple[str, Any]]]


@pytest.fixture
def history(database: Database) -> History:
    """What happened to a case: each event's action, and the value after it."""

    def read(assignment: UUID) -> list[tuple[str, Any]]:
        with database.transaction() as connection:
            rows = connection.execute(
                """
                SELECT e.action, e.after->'value' AS value FROM score_events e
                JOIN assignments a ON a.id = e.assignment_id WHERE a.key = %s ORDER BY e.number
                """,
                [assignment],
            ).fetchall()
        return [(row["action"], row["value"]) for row in rows]

    return read


def _hold_back(page: ScoringPage) -> None:
    """Lets nothing through that changes something, as a network does that has just gone."""

    def refuse(route: Route) -> None:
        if route.request.method in {"PUT", "POST"}:
            route.abort("internetdisconnected")
        else:
            route.continue_()

    page.page.context.route("**/v1/**", refuse)


def _let_through(page: ScoringPage) -> None:
    page.page.context.unroute("**/v1/**")


@pytest.mark.parametrize(("choice", "expected"), [("Keep yours", 4), ("Take theirs", 7)])
def test_two_tabs_of_one_case_are_settled_by_the_rater(
    open_case: OpenCase, axe: Axe, study: SmallStudy, history: History, choice: str, expected: int
) -> None:
    """Check 22, 43: nothing is merged or written over; both choices work, and the history has what counted."""
    key = study.assignments["r1"][0]
    first, second = open_case(), open_case()
    first.press("7")
    first.wait_until_saved()

    second.press("4")
    dialog = second.page.get_by_role("dialog")
    expect(dialog).to_contain_text("was changed elsewhere")
    expect(dialog).to_contain_text("score 4")
    expect(dialog).to_contain_text("score 7")
    assert axe(second.page) == []
    dialog.get_by_role("button", name=choice).click()
    second.wait_for_scores(expected)
    second.wait_until_saved()

    assert [value for _, value in history(key)] == ([7, 4] if expected == 4 else [7])


def test_what_is_scored_without_a_network_arrives_in_order_after_a_reload(
    open_case: OpenCase, axe: Axe, study: SmallStudy, database: Database
) -> None:
    """Check 24, 43: three cases, fifteen scores, kept over a reload."""
    keys = [study.assignments["r1"][roi] for roi in (3, 4, 5)]
    page = open_case(3)
    _hold_back(page)
    for place, key in enumerate(keys):
        page.page.wait_for_url(f"**/score/{key}")
        page.wait_until_open()
        page.type_scores([place, 1, 2, 3, 4])
        if key != keys[-1]:
            page.press("Enter")
    expect(page.page.get_by_role("group", name="Notice")).to_contain_text("15 scores kept in this browser")
    assert axe(page.page) == []
    with database.transaction() as connection:
        assert connection.execute("SELECT 1 FROM score_events").fetchone() is None

    page.page.reload()
    page.wait_until_open()
    page.wait_for_scores(2, 1, 2, 3, 4)
    _let_through(page)
    page.wait_until_saved()

    with database.transaction() as connection:
        rows = connection.execute(
            """
            SELECT a.key, e.after->'value' AS value FROM score_events e JOIN assignments a ON a.id = e.assignment_id
            WHERE e.action = 'set' ORDER BY e.id
            """
        ).fetchall()
    assert [(row["key"], row["value"]) for row in rows] == [
        (key, value) for place, key in enumerate(keys) for value in (place, 1, 2, 3, 4)
    ]
    with database.transaction() as connection:
        assert verify_study(connection, study.study_id).discrepancies == ()


def test_without_a_network_the_open_case_stays_and_a_reload_loses_nothing(
    open_case: OpenCase, study: SmallStudy, history: History
) -> None:
    """Check 24: where the page itself is out of reach, the browser says so; what was scored is sent once it is back."""
    key = study.assignments["r1"][3]
    page = open_case(3)
    page.page.context.set_offline(offline=True)
    page.press("ArrowLeft")
    page.announced("that case cannot be opened yet", how="assertive")
    page.type_scores([7, 8, 6])
    expect(page.page.locator(".state")).to_have_text("Offline · 3 scores")
    with pytest.raises(Error, match="ERR_INTERNET_DISCONNECTED"):
        page.page.reload()

    page.page.context.set_offline(offline=False)
    page.go_to(key)
    page.wait_until_open()
    page.wait_for_scores(7, 8, 6)
    page.wait_until_saved()

    assert history(key) == [("set", value) for value in (7, 8, 6)]


def test_a_killed_service_costs_no_score(
    open_page: OpenBrowser, settings: Settings, database: Database, study: SmallStudy, history: History
) -> None:
    """Check 23: the outbox delivers once the service is back, each change once."""
    port, key = free_port(), study.assignments["r1"][0]
    secret = open_session_of(database, study.accounts["r1"])
    with ExitStack() as running:
        service = running.enter_context(served(settings, port))
        url = f"http://127.0.0.1:{port}"
        page = ScoringPage(open_page(base_url=url))
        page.page.context.add_cookies([{"name": "pantile-session", "value": secret, "url": url}])
        page.go_to(key)
        page.wait_until_open()
        page.type_scores([7, 8])
        page.wait_until_saved()

        service.kill()
        service.join()
        page.type_scores([6, 10, 0])
        expect(page.page.locator(".state")).to_have_text("Offline · 3 scores")
        expect(page.score_button("C", 6)).to_have_class("score is-pending")
        running.enter_context(served(settings, port))
        page.wait_until_saved()

    assert history(key) == [("set", value) for value in (7, 8, 6, 10, 0)]


def test_a_comment_is_kept_by_whoever_hurries_on(open_case: OpenCase, study: SmallStudy, database: Database) -> None:
    """Check 25: typed, and the next case at once."""
    page = open_case()
    page.press("c")
    page.page.keyboard.type("crushed at the edge")
    page.page.get_by_role("button", name="Next case").click()
    page.page.wait_for_url(f"**/score/{study.assignments['r1'][1]}")
    page.wait_until_saved()

    with database.transaction() as connection:
        rows = connection.execute("SELECT comment FROM scores").fetchall()
    assert [row["comment"] for row in rows] == ["crushed at the edge"]


def test_an_ended_session_keeps_what_was_scored_until_one_is_back(
    open_case: OpenCase, axe: Axe, study: SmallStudy, database: Database, web_url: str, history: History
) -> None:
    """Check 43, 49: the same person signs in again, and the outbox goes on."""
    page = open_case()
    with database.transaction() as connection:
        connection.execute("UPDATE sessions SET ended_at = now()")

    page.type_scores([7, 8])
    expect(page.page.locator(".state")).to_have_text("Signed out · 2 scores")
    assert axe(page.page) == []
    secret = open_session_of(database, study.accounts["r1"])
    page.page.context.add_cookies([{"name": "pantile-session", "value": secret, "url": web_url}])
    page.page.reload()
    page.wait_until_open()
    page.wait_until_saved()

    page.wait_for_scores(7, 8)
    assert history(study.assignments["r1"][0]) == [("set", 7), ("set", 8)]


def test_what_somebody_else_left_in_this_browser_is_not_sent_as_ones_own(
    open_case: OpenCase, study: SmallStudy, database: Database, web_url: str
) -> None:
    """Check 49: R2 signs in where R1 was signed out."""
    page = open_case()
    with database.transaction() as connection:
        connection.execute("UPDATE sessions SET ended_at = now()")
    page.type_scores([7])
    expect(page.page.locator(".state")).to_have_text("Signed out · 1 score")

    secret = open_session_of(database, study.accounts["r2"])
    page.page.context.add_cookies([{"name": "pantile-session", "value": secret, "url": web_url}])
    page.go_to(study.assignments["r2"][0])
    page.wait_until_open()
    page.wait_until_saved()

    with database.transaction() as connection:
        assert connection.execute("SELECT 1 FROM score_events").fetchone() is None


def test_tiles_that_do_not_come_are_asked_for_again_and_then_told(
    open_case: OpenCase, axe: Axe, study: SmallStudy
) -> None:
    """Check 43, 49: one pane says what it lacks and asks before it is scored, the others are as usable as ever."""
    page = open_case()
    asked: list[str] = []

    def fail(route: Route) -> None:
        asked.append(route.request.url)
        route.fulfill(status=500)

    (output,) = page.page.evaluate("pantile.reading.panes.slice(1, 2).map(pane => pane.output.output)")
    page.page.context.route(f"**/tiles/{output}/**", fail)
    page.page.reload()

    expect(page.pane("B")).to_contain_text("missing", timeout=30_000)
    assert max(asked.count(url) for url in asked) == 1 + RETRIES
    page.press("7", "8")
    dialog = page.page.get_by_role("dialog")
    expect(dialog).to_contain_text("Tiles are missing")
    assert axe(page.page) == []
    dialog.get_by_role("button", name="Not yet").click()
    expect(dialog).to_have_count(0)
    page.wait_for_scores(7, None)
    page.press("8")
    dialog.get_by_role("button", name="Score it all the same").click()
    page.wait_for_scores(7, 8)
    page.wait_until_saved()

    page.page.context.unroute(f"**/tiles/{output}/**")
    page.pane("B").get_by_role("button", name="Retry").click()
    page.wait_until_open()
    expect(page.pane("B")).not_to_contain_text("missing")


def test_a_cookie_is_out_of_the_reach_of_scripts_and_of_other_sites(sign_in: SignIn) -> None:
    """Check 50, over loopback, where `__Host-` and Secure cannot be: test_sessions.py has those."""
    page = sign_in("r1")

    kept = {cookie["name"]: (cookie["httpOnly"], cookie["sameSite"]) for cookie in page.context.cookies()}
    assert kept["pantile-session"] == (True, "Lax")
    assert "pantile-session" not in page.evaluate("document.cookie")

"""Scores that come at once, or while the service is killed: none is lost, none counts twice, none is written over."""

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from uuid import uuid4

import httpx
import pytest

from pantile.catalog.database import Database
from pantile.catalog.score_events import verify_study
from pantile.settings import Settings
from tests.integration.web.scoring import read_case
from tests.serving import free_port, served
from tests.study_fixture import SmallStudy, browser_of

WORKERS = 4
CLIENTS = 16


@dataclass(frozen=True)
class Change:
    """A score to be set, with the key under which it is sent as often as needed."""

    assignment: str
    output: str
    value: int
    version: int = 0
    key: str = field(default_factory=lambda: str(uuid4()))

    def send(self, browser: httpx.Client) -> httpx.Response:
        """Sends it once."""
        return browser.put(
            f"/v1/assignments/{self.assignment}/scores/{self.output}",
            json={"value": self.value},
            headers={"If-Match": f'"v{self.version}"', "Idempotency-Key": self.key},
        )


@pytest.fixture
def workers(settings: Settings) -> Iterator[list[str]]:
    """The addresses of four processes of the web service over the same catalog."""
    ports = [free_port() for _ in range(WORKERS)]
    with ExitStack() as running, ThreadPoolExecutor(WORKERS) as starting:
        for _ in starting.map(lambda port: running.enter_context(served(settings, port)), ports):
            pass
        yield [f"http://127.0.0.1:{port}" for port in ports]


def _repeat_cases(database: Database) -> None:
    """Two more rounds of R1's cases, so that there are panes enough."""
    with database.transaction() as connection:
        connection.execute(
            """
            INSERT INTO assignments (study_id, account_id, roi_id, round, purpose, position, pane_order)
            SELECT study_id, account_id, roi_id, repeated, 'repeat', position + 100 * repeated, pane_order
            FROM assignments, generate_series(2, 3) repeated WHERE purpose = 'primary'
            """
        )


def _all_panes(browser: httpx.Client) -> list[tuple[str, str]]:
    """Assignment and output of each pane that one can score."""
    cases = browser.get("/v1/studies/pan-cancer/queue").json()["cases"]
    return [
        (case["key"], pane["output"])
        for case in cases
        for pane in browser.get(f"/v1/assignments/{case['key']}").json()["panes"]
        if not pane["is_missing"]
    ]


def _stored(database: Database) -> tuple[list[int], int]:
    """All values that are stored, in order, and how many events there are; the chains have to hold."""
    with database.transaction() as connection:
        verified = verify_study(connection, 1)
    with database.transaction() as connection:
        rows = connection.execute("SELECT value FROM scores ORDER BY value").fetchall()
    assert verified.discrepancies == ()
    return [row["value"] for row in rows], verified.events


def test_of_two_hundred_scores_at_once_none_is_lost(
    workers: Sequence[str], database: Database, small_study: SmallStudy
) -> None:
    """Check 21: four processes, 200 scores of different panes, five of each case and so of each chain."""
    _repeat_cases(database)
    panes, browsers = [], []
    for account in ("r1", "r2"):
        own = [browser_of(database, small_study.accounts[account], url=url) for url in workers]
        panes += [(own, assignment, output) for assignment, output in _all_panes(own[0])]
        browsers += own
    sent = [
        (own[number % WORKERS], Change(assignment, output, number % 11))
        for number, (own, assignment, output) in enumerate(panes[:200])
    ]

    with ThreadPoolExecutor(CLIENTS) as clients:
        answers = list(clients.map(lambda each: each[1].send(each[0]), sent))

    assert len(sent) == 200
    assert [answer.status_code for answer in answers] == [200] * 200
    assert _stored(database) == (sorted(number % 11 for number in range(200)), 200)
    for browser in browsers:
        browser.close()


def test_of_many_changes_of_one_version_one_wins_and_the_others_are_told(
    workers: Sequence[str], database: Database, small_study: SmallStudy
) -> None:
    """Check 21: the same pane at the same version."""
    browsers = [browser_of(database, small_study.accounts["r1"], url=url) for url in workers]
    key = small_study.assignments["r1"][0]
    output = read_case(browsers[0], key)["panes"][0]["output"]
    sent = [(browsers[number % WORKERS], Change(str(key), output, number % 11)) for number in range(40)]

    with ThreadPoolExecutor(CLIENTS) as clients:
        answers = list(clients.map(lambda each: each[1].send(each[0]), sent))

    statuses = sorted(answer.status_code for answer in answers)
    (winner,) = (answer.json() for answer in answers if answer.status_code == 200)
    assert statuses == [200] + [412] * 39
    assert {answer.json()["current"]["value"] for answer in answers if answer.status_code == 412} == {winner["value"]}
    assert _stored(database) == ([winner["value"]], 1)
    for browser in browsers:
        browser.close()


def test_the_same_change_sent_at_once_is_one_event(
    workers: Sequence[str], database: Database, small_study: SmallStudy
) -> None:
    """Check 23: an outbox that sends again what is still under way."""
    browsers = [browser_of(database, small_study.accounts["r1"], url=url) for url in workers]
    key = small_study.assignments["r1"][0]
    change = Change(str(key), read_case(browsers[0], key)["panes"][0]["output"], 7)

    with ThreadPoolExecutor(CLIENTS) as clients:
        answers = list(clients.map(lambda number: change.send(browsers[number % WORKERS]), range(40)))

    assert {(answer.status_code, answer.json()["version"], answer.json()["event"]) for answer in answers} == {
        (200, 1, 1)
    }
    assert _stored(database) == ([7], 1)
    for browser in browsers:
        browser.close()


def test_what_was_under_way_when_the_service_was_killed_arrives_once(
    settings: Settings, database: Database, small_study: SmallStudy
) -> None:
    """Check 23: killed without warning amid scores, which are sent again until they are answered."""
    port = free_port()
    browser = browser_of(database, small_study.accounts["r1"], url=f"http://127.0.0.1:{port}")
    killed: list[int] = []

    def deliver(change: Change) -> int:
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            try:
                return change.send(browser).status_code
            except httpx.HTTPError:
                time.sleep(0.05)
        return 0

    with ExitStack() as running, ThreadPoolExecutor(CLIENTS) as clients:
        first = running.enter_context(served(settings, port))
        changes = [Change(*pane, number % 11) for number, pane in enumerate(_all_panes(browser))]
        delivered = [clients.submit(deliver, change) for change in changes]
        _await_events(database, 10)
        first.kill()
        first.join()
        killed.append(_count_events(database))
        running.enter_context(served(settings, port))
        statuses = [each.result() for each in delivered]

    assert 10 <= killed[0] < len(changes)
    assert statuses == [200] * len(changes)
    assert _stored(database) == (sorted(change.value for change in changes), len(changes))
    browser.close()


def _await_events(database: Database, wanted: int) -> None:
    deadline = time.monotonic() + 60
    while _count_events(database) < wanted:
        assert time.monotonic() < deadline, "no events come"
        time.sleep(0.005)


def _count_events(database: Database) -> int:
    with database.transaction() as connection:
        row = connection.execute("SELECT count(*) AS events FROM score_events").fetchone()
    assert row is not None
    return int(row["events"])

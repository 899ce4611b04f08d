"""Reports of studies: asked for, made by a worker, kept in the bucket, opened by those who may."""

import time
from collections.abc import Callable, Iterator
from io import BytesIO
from typing import Any
from zipfile import ZipFile

import pytest
from fastapi.testclient import TestClient

from pantile.catalog import holdings, outbox
from pantile.catalog.database import Database
from pantile.domain.jobs import EVALUATE_CHORES, IMAGING_CHORES
from pantile.domain.messages import MakeReport
from pantile.domain.workers import WorkerKind
from pantile.objects import ObjectStore
from pantile.queue import Sender
from pantile.settings import Settings
from pantile.web.app import create_app
from pantile.web.cookies import CSRF_HEADER, csrf_of
from pantile_workers.leasing import NotDone
from pantile_workers.reporting import make_report
from pantile_workers.runtime import Runtime
from tests.study_fixture import STUDY, SmallStudy, make_study, sign_in
from tests.study_scores import evaluate_study, score_study
from tests.worker_process import running_worker

REPORT = f"/v1/studies/{STUDY}/report"
PAGE = f"/studies/{STUDY}/report"
HTML = {"Accept": "text/html"}

Browser = Callable[[str], TestClient]


@pytest.fixture
def study(database: Database) -> SmallStudy:
    """The small study; nobody has scored anything."""
    return make_study(database)


@pytest.fixture
def browse(settings: Settings, database: Database, study: SmallStudy) -> Iterator[Browser]:
    """A browser in which an account of the study is signed in."""
    app = create_app(settings)
    with TestClient(app):

        def sign_in_as(account: str) -> TestClient:
            secret = sign_in(database, study.accounts[account])
            headers = {CSRF_HEADER: csrf_of(secret)}
            return TestClient(app, cookies={"pantile-session": secret}, headers=headers, follow_redirects=False)

        yield sign_in_as


def _work(database: Database, runtime: Runtime) -> list[str]:
    """Does the reports that are due; gives what each said."""
    with database.transaction() as connection:
        due = outbox.due_chores(connection, EVALUATE_CHORES, limit=10)
        assert not [each for each in outbox.due_chores(connection, IMAGING_CHORES, limit=10) if "report" in each.TASK]
    said = []
    for message in due:
        assert isinstance(message, MakeReport)
        assert message.roi == STUDY
        try:
            said.append(make_report(runtime, message))
        except NotDone as error:
            said.append(str(error))
    return said


def test_a_report_is_asked_for_made_opened_and_downloaded(
    study: SmallStudy, browse: Browser, database: Database, objects: ObjectStore, runtime: Runtime
) -> None:
    score_study(database, study, "r1", "r2")
    evaluate_study(database)
    with browse("admin") as browser:
        before = browser.get(REPORT).json()
        missing = browser.get(f"{REPORT}.html").status_code
        asked = browser.post(REPORT)
        again = browser.post(REPORT)
        waiting = browser.get(PAGE, headers=HTML)
        said = _work(database, runtime)
        told = browser.get(REPORT).json()
        page, archive = browser.get(f"{REPORT}.html"), browser.get(f"{REPORT}.zip")
        ready = browser.get(PAGE, headers=HTML)

    assert before == {"state": None, "asked_at": None, "error": None, "made": None}
    assert missing == 404
    assert (asked.status_code, again.status_code) == (202, 202)
    assert "waits for an evaluate worker" in waiting.text
    assert "data-live" in waiting.text
    assert said == ["report of 59 scores"]
    assert (told["state"], told["made"]["scores"]) == ("succeeded", 59)
    assert page.headers["content-type"].startswith("text/html")
    assert page.headers["content-security-policy"].startswith("sandbox; default-src 'none'")
    assert "Scores by cohort and segmenter" in page.text
    assert "Dice, and scores against Dice" in page.text
    assert "Two raters" in page.text
    names = ZipFile(BytesIO(archive.content)).namelist()
    assert {f"{STUDY}-report/report.html", f"{STUDY}-report/tables/table1.csv"} <= set(names)
    assert f"{STUDY}-report/figures/figure3E.svg" in names
    assert archive.headers["content-disposition"] == f'attachment; filename="{STUDY}-report.zip"'
    assert "Open the report" in ready.text
    assert "data-live" not in ready.text
    keys = list(objects.keys("reports/"))
    with database.transaction() as connection:
        assert len(keys) == 2
        assert holdings.find_unknown(connection, keys) == []
        lines = connection.execute("SELECT actor FROM audit WHERE action = 'ask report'").fetchall()
    assert [line["actor"] for line in lines] == ["admin", "admin"]


def test_a_worker_process_makes_reports_from_the_queue_one_after_the_other(
    study: SmallStudy, browse: Browser, database: Database, settings: Settings, sender: Sender
) -> None:
    def wait_for(browser: TestClient) -> dict[str, Any]:
        with database.transaction() as connection:
            sender.send(outbox.due_chores(connection, EVALUATE_CHORES, limit=10))
        deadline = time.monotonic() + 200
        while (told := browser.get(REPORT).json())["state"] in {"waiting", "running"}:
            assert time.monotonic() < deadline, "it took too long"
            time.sleep(0.2)
        return told  # type: ignore[no-any-return]

    with browse("admin") as browser, running_worker(settings, WorkerKind.EVALUATE):
        browser.post(REPORT)
        of_nothing = wait_for(browser)
        score_study(database, study, "r1", "r2")
        evaluate_study(database)
        browser.post(REPORT)
        of_scores = wait_for(browser)
        page, archive = browser.get(f"{REPORT}.html"), browser.get(f"{REPORT}.zip")

    assert (of_nothing["state"], of_nothing["made"]) == ("failed", None)
    assert "has no tumor ROI with a score" in of_nothing["error"]
    assert (of_scores["state"], of_scores["error"], of_scores["made"]["scores"]) == ("succeeded", None, 59)
    assert "Dice, and scores against Dice" in page.text
    assert ZipFile(BytesIO(archive.content)).read(f"{STUDY}-report/report.html") == page.content


def test_a_report_that_is_made_anew_takes_the_place_of_the_first(
    study: SmallStudy, browse: Browser, database: Database, objects: ObjectStore, runtime: Runtime
) -> None:
    score_study(database, study, "r1")
    with browse("admin") as browser:
        token = csrf_of(browser.cookies["pantile-session"])
        for _ in range(2):
            answer = browser.post(PAGE, data={"csrf_token": token})
            said = _work(database, runtime)

    assert (answer.status_code, answer.headers["location"]) == (303, f"{PAGE}?done=reported")
    assert said == ["report of 59 scores"]
    keys = list(objects.keys("reports/"))
    with database.transaction() as connection:
        unknown = holdings.find_unknown(connection, keys)
    assert len(keys) - len(unknown) == 2


def test_a_report_of_nothing_fails_with_a_sentence_and_can_be_tried_again(
    study: SmallStudy, browse: Browser, database: Database, runtime: Runtime
) -> None:
    with browse("admin") as browser:
        browser.post(REPORT)
        said = _work(database, runtime)
        failed = browser.get(PAGE, headers=HTML)
        score_study(database, study, "r1")
        browser.post(REPORT)
        retried = _work(database, runtime)

    sentence = f"The report cannot be made: {STUDY} has no tumor ROI with a score, or every one is excluded"
    assert [each.endswith(sentence) for each in said] == [True]
    assert sentence in failed.text
    assert "Try again" in failed.text
    assert retried == ["report of 59 scores"]


def test_reports_are_for_those_who_may_see_figures_by_segmenter(
    study: SmallStudy, browse: Browser, database: Database, runtime: Runtime
) -> None:
    score_study(database, study, "r1")
    with browse("admin") as browser:
        browser.post(REPORT)
    _work(database, runtime)

    def statuses(account: str) -> list[int]:
        with browse(account) as browser:
            asked = browser.post(REPORT).status_code
            return [
                asked,
                *(browser.get(path).status_code for path in (REPORT, f"{REPORT}.html", f"{REPORT}.zip", PAGE)),
            ]

    before = {account: statuses(account) for account in ("r1", "r2", "adj", "view")}
    with database.transaction() as connection:
        connection.execute("UPDATE studies SET state = 'unblinded'")

    assert before == {account: [403] * 5 for account in before}
    assert statuses("r1") == [202, 200, 200, 200, 200]

"""The pages' forms do what the API does, and pages take few statements, however large the study (check 42)."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import psycopg
import pytest

from pantile.catalog.database import Database
from tests.integration.web.scoring import score_cases
from tests.study_fixture import SmallStudy

OpenBrowser = Callable[[str], httpx.Client]

OWN = "/studies/pan-cancer"
PAGE = {"Accept": "text/html"}

QUEUE_QUERIES, CASE_QUERIES = 8, 5
"""Check 42's bounds, of each request in all, whoever asks included."""

STUDY_ROIS = 10_912


@contextmanager
def _counted(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The statements that this process sends within the block, but for the pool's own look at a connection."""
    sent: list[str] = []
    execute = psycopg.Cursor.execute

    def counted(self: Any, query: Any, *arguments: Any, **options: Any) -> Any:
        if str(query).strip():
            sent.append(" ".join(str(query).split())[:200])
        return execute(self, query, *arguments, **options)

    with monkeypatch.context() as patch:
        patch.setattr(psycopg.Cursor, "execute", counted)
        yield sent


def _grow(database: Database) -> None:
    """Gives r1 as many cases as the study has ROIs."""
    with database.transaction() as connection:
        connection.execute(
            """
            INSERT INTO rois (cohort_id, case_id, slide, tissue_type, roi_number, name, mpp, source, is_remote,
                              image_sha256, state)
            SELECT r.cohort_id, r.case_id, r.slide, r.tissue_type, n + 1, r.name || n, r.mpp, r.source, r.is_remote,
                   r.image_sha256, r.state
            FROM generate_series(1, %s) n, (SELECT * FROM rois ORDER BY id LIMIT 1) r
            """,
            [STUDY_ROIS],
        )
        connection.execute("INSERT INTO study_rois SELECT 1, id FROM rois ON CONFLICT DO NOTHING")
        connection.execute(
            """
            INSERT INTO outputs (study_id, roi_id, number, job_id, sha256)
            SELECT 1, r.id, o.number, o.job_id, o.sha256 FROM rois r,
                   (SELECT * FROM outputs ORDER BY roi_id, number LIMIT 5) o ON CONFLICT DO NOTHING
            """
        )
        connection.execute(
            """
            INSERT INTO assignments (study_id, account_id, roi_id, position, pane_order)
            SELECT 1, a.id, r.id, 100 + row_number() OVER (ORDER BY r.id), '{1,2,3,4,5}' FROM rois r, accounts a
            WHERE a.name = 'r1' ON CONFLICT DO NOTHING
            """
        )
        connection.execute("ANALYZE")


def test_lists_and_cases_take_few_statements_at_the_studys_size(
    small_study: SmallStudy, open_browser: OpenBrowser, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Check 42."""
    _grow(database)
    case = small_study.assignments["r1"][0]
    bounds = {
        f"{OWN}/queue": QUEUE_QUERIES,
        "/v1/studies/pan-cancer/queue": QUEUE_QUERIES,
        f"{OWN}/queue?status=done&q=necrotic": QUEUE_QUERIES,
        "/": QUEUE_QUERIES,
        f"/v1/assignments/{case}": CASE_QUERIES,
    }
    with open_browser("r1") as browser:
        for address, bound in bounds.items():
            browser.get(address)
            with _counted(monkeypatch) as sent:
                answer = browser.get(address)

            assert answer.status_code == 200
            assert 0 < len(sent) <= bound, (address, sent)


def _token(page: str) -> str:
    found = re.search(r'name="csrf_token" value="([0-9a-f]+)"', page)
    assert found
    return found[1]


def _said(database: Database) -> list[tuple[str, str, str]]:
    with database.transaction() as connection:
        rows = connection.execute("SELECT actor, action, subject FROM audit ORDER BY id DESC LIMIT 1").fetchall()
    return [(row["actor"], row["action"], row["subject"]) for row in rows]


def test_what_forms_change_is_audited(small_study: SmallStudy, open_browser: OpenBrowser, database: Database) -> None:
    subject = "study pan-cancer"
    with open_browser("admin") as browser:
        token = _token(browser.get(OWN, headers=PAGE).text)
        for path, form, action in (
            ("/members", {"account": "admin", "role": "rater"}, None),
            ("/edit", {"title": "Another title"}, "change"),
            ("/refresh", {}, "refresh"),
            ("/assign", {"rater": "admin", "n": "2", "do": "yes"}, "assign"),
            ("/hand-on", {"giver": "admin", "taker": ""}, "release"),
            ("/verify", {}, "verify"),
            ("/step", {"change": "lock", "password": "correct horse battery"}, "lock"),
        ):
            defaults = {"presentation": "grid", "adjudication_delta": "3"} if path == "/edit" else {}
            answer = browser.post(f"{OWN}{path}", data={"csrf_token": token, **defaults, **form}, headers=PAGE)

            assert answer.status_code in {200, 303}, (path, answer.text)
            ((actor, said, about),) = _said(database)
            assert (actor, about) == ("admin", subject)
            assert action is None or said == action


def test_a_form_with_a_wrong_field_says_so_and_keeps_what_was_typed(
    small_study: SmallStudy, open_browser: OpenBrowser
) -> None:
    with open_browser("admin") as browser:
        token = _token(browser.get("/studies/new", headers=PAGE).text)
        form = {"csrf_token": token, "name": "Not A Name", "title": "A <title>", "cohorts": "TCGA-LUAD"}

        answer = browser.post("/studies/new", data={**form, "seed": "many"}, headers=PAGE)
        again = browser.post("/studies/new", data=form, headers=PAGE)

    assert (answer.status_code, again.status_code) == (422, 422)
    assert "seed has to be a whole number" in answer.text
    assert 'value="A &lt;title&gt;"' in answer.text


def _readings_of(database: Database, account: str) -> int:
    with database.transaction() as connection:
        rows = connection.execute(
            "SELECT 1 FROM assignments WHERE account_id = (SELECT id FROM accounts WHERE name = %s)", [account]
        ).fetchall()
    return len(rows)


def test_a_file_of_scores_is_looked_through_and_taken_as_a_whole(
    small_study: SmallStudy, open_browser: OpenBrowser, database: Database
) -> None:
    with open_browser("r1") as rater:
        read = score_cases(rater, small_study.name, lambda output: int(output[:2], 16) % 11)
    with open_browser("admin") as browser:
        token = _token(browser.get(f"{OWN}/import", headers=PAGE).text)
        file = browser.get(f"/v1{OWN}/export").text

        def send(content: str = file, **fields: str) -> httpx.Response:
            form = {"csrf_token": token, "rater": "adj", "purpose": "second", **fields}
            files = {"file": ("scores.csv", content.encode(), "text/csv")}
            return browser.post(f"{OWN}/import", data=form, files=files, headers=PAGE)

        looked = send()
        assert (looked.status_code, _readings_of(database, "adj")) == (200, 0)
        assert f"{len(read)} readings with" in looked.text

        taken = send(do="yes")
        assert "The scores are taken in." in taken.text
        assert _readings_of(database, "adj") == len(read)
        assert _said(database) == [("admin", "import", "study pan-cancer")]

        assert "Nothing in it is new for adj" in send(do="yes").text


def test_a_file_with_wrong_lines_names_each_and_leaves_nothing(
    small_study: SmallStudy, open_browser: OpenBrowser, database: Database
) -> None:
    with open_browser("r1") as rater:
        score_cases(rater, small_study.name, lambda output: int(output[:2], 16) % 11)
    with open_browser("admin") as browser:
        token = _token(browser.get(f"{OWN}/import", headers=PAGE).text)
        header, first, second, *others = browser.get(f"/v1{OWN}/export").text.splitlines()
        wrong = [*(",".join([*line.split(",")[:-2], "eleven", "<b>"]) for line in (first, second)), *others]
        form = {"csrf_token": token, "rater": "adj", "purpose": "second", "do": "yes"}

        answer = browser.post(
            f"{OWN}/import",
            data=form,
            files={"file": ("scores.csv", "\n".join([header, *wrong]).encode(), "text/csv")},
            headers=PAGE,
        )
        unchosen = browser.post(f"{OWN}/import", data=form, files={"file": ("", b"")}, headers=PAGE)
        foreign = browser.post(f"{OWN}/import", data={**form, "csrf_token": "0" * 64}, headers=PAGE)

    assert answer.status_code == 422
    assert "2 lines are wrong" in answer.text
    assert re.findall(r"<li>line (\d)", answer.text) == ["2", "3"]
    assert (unchosen.status_code, "choose a file first" in unchosen.text) == (422, True)
    assert foreign.status_code == 403
    assert _readings_of(database, "adj") == 0


def test_who_is_not_in_a_study_finds_no_page_of_it(small_study: SmallStudy, open_browser: OpenBrowser) -> None:
    """Check 31, for pages: raters have no admin's page."""
    with open_browser("r1") as browser:
        for name in ("progress", "agreement", "adjudication", "audit", "export", "edit", "import"):
            assert browser.get(f"{OWN}/{name}", headers=PAGE).status_code == 403
        assert browser.get("/studies/other", headers=PAGE).status_code == 404
        token = _token(browser.get(OWN, headers=PAGE).text)
        form = {"csrf_token": token, "account": "r1", "role": "admin"}
        assert browser.post(f"{OWN}/members", data=form, headers=PAGE).status_code == 403

"""Pages for whoever runs cohorts: who may see them, who may change what, and what the audit log says of it."""

import re

import pytest
from fastapi.testclient import TestClient

from pantile.catalog import workers
from pantile.catalog.database import Database
from pantile.catalog.workers import WorkerFacts
from pantile.domain.access import Scope
from pantile.domain.workers import WorkerKind
from pantile.web.access import PERMISSIONS, FormOf
from tests.integration.web.scoring import OpenBrowser
from tests.study_fixture import SmallStudy

PAGE = {"Accept": "text/html"}
OWN = "/cohorts/TCGA-SKCM"
PAGES = (
    "/cohorts",
    OWN,
    "/gallery?cohort=TCGA-SKCM",
    "/gallery/1?cohort=TCGA-SKCM",
    "/failures?cohort=TCGA-SKCM",
    "/failures/SegmenterBroken",
    "/segmenters",
    "/segmenters/lung",
    "/workers",
)
PICTURES = (
    "/gallery/class-maps/1/accessible-card.png",
    f"/gallery/images/{'a' * 64}/card.jpg",
    f"/gallery/images/{'a' * 64}/8/0_0.jpg",
)
MANIFEST = "path\ns3://study/TCGA-BRCA-A2-A0D2_0.25_tumor_original.jpg"
FORMS: dict[str, tuple[str, dict[str, str], str]] = {
    "/cohorts/{cohort}/pause": ("/cohorts/TCGA-LUAD/pause", {"reason": "the scanner is looked at"}, "pause"),
    "/cohorts/{cohort}/resume": (f"{OWN}/resume", {}, "resume"),
    "/cohorts/{cohort}/cancel": (f"{OWN}/cancel", {}, "cancel"),
    "/failures/retry": ("/failures/retry", {"cause": "SegmenterBroken"}, "retry"),
    "/submit": ("/submit", {"manifest": MANIFEST, "do": "yes"}, "submit"),
    "/workers/{worker}/drain": ("/workers/segment-1@node/drain", {}, "drain"),
    "/workers/{worker}/undrain": ("/workers/segment-1@node/undrain", {}, "undrain"),
}
"""Of each form: where it is sent, with what, and the word of the audit log."""


def _token(browser: TestClient) -> str:
    found = re.search(r'name="csrf_token" value="([0-9a-f]+)"', browser.get("/studies", headers=PAGE).text)
    assert found
    return found[1]


def _make_ready(database: Database) -> None:
    """A paused cohort, jobs that failed for two causes, and a worker."""
    facts = WorkerFacts(
        name="segment-1@node",
        kind=WorkerKind.SEGMENT,
        host="node",
        pid=1,
        queues=["segment.bulk"],
        threads=2,
        version="1",
    )
    with database.transaction() as connection:
        connection.execute("UPDATE cohorts SET state = 'paused', pause_reason = 'x' WHERE name = 'TCGA-SKCM'")
        connection.execute(
            "UPDATE jobs SET state = 'failed', error_kind = 'SegmenterBroken', error = 'x', finished_at = now() "
            "WHERE id <= 3"
        )
        connection.execute(
            "UPDATE jobs SET state = 'failed', error_kind = 'ObjectMissing', error = 'y', finished_at = now() "
            "WHERE id = 4"
        )
        workers.tell_worker(connection, facts, device=None, tasks=0, is_consuming=True)


@pytest.mark.parametrize("page", PAGES)
def test_pages_are_for_those_who_may_read(small_study: SmallStudy, open_browser: OpenBrowser, page: str) -> None:
    answers = {account: open_browser(account).get(page, headers=PAGE) for account in small_study.accounts}

    statuses = {account: answer.status_code for account, answer in answers.items()}
    assert statuses == {"admin": 200, "view": 200, "r1": 403, "r2": 403, "adj": 403}
    assert "lung" not in answers["r1"].text


@pytest.mark.parametrize("picture", PICTURES)
def test_pictures_are_for_those_who_may_read(small_study: SmallStudy, open_browser: OpenBrowser, picture: str) -> None:
    statuses = {account: open_browser(account).get(picture).status_code for account in ("r1", "adj", "admin")}

    assert statuses.pop("admin") != 403  # though nothing is in the bucket
    assert statuses == {"r1": 403, "adj": 403}


@pytest.mark.parametrize("page", PAGES)
def test_a_viewer_who_scores_a_blinded_study_sees_none_of_them(
    small_study: SmallStudy, open_browser: OpenBrowser, database: Database, page: str
) -> None:
    with database.transaction() as connection:
        connection.execute(
            "UPDATE study_members SET role = 'rater' WHERE account_id = %s", [small_study.accounts["view"]]
        )
    blinded = open_browser("view").get(page, headers=PAGE)
    with database.transaction() as connection:
        connection.execute("UPDATE studies SET state = 'unblinded'")
    unblinded = open_browser("view").get(page, headers=PAGE)

    assert (blinded.status_code, unblinded.status_code) == (403, 200)
    assert "lung" not in blinded.text


@pytest.mark.parametrize("page", PAGES)
def test_pages_run_our_own_script_and_nothing_inline(
    small_study: SmallStudy, open_browser: OpenBrowser, page: str
) -> None:
    answer = open_browser("admin").get(page, headers=PAGE)

    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    assert not re.search(r"<script(?![^>]* src=)|<style|\bstyle=|\bon[a-z]+=", answer.text)


@pytest.mark.parametrize("form", FORMS)
def test_forms_take_their_scope_and_a_token_of_ours_and_leave_a_line(
    small_study: SmallStudy, open_browser: OpenBrowser, database: Database, form: str
) -> None:
    _make_ready(database)
    path, fields, action = FORMS[form]
    admin, viewer = open_browser("admin"), open_browser("view")

    without = admin.post(path, data=fields, headers=PAGE)
    not_allowed = viewer.post(path, data={**fields, "csrf_token": _token(viewer)}, headers=PAGE)
    done = admin.post(path, data={**fields, "csrf_token": _token(admin)}, headers=PAGE, follow_redirects=False)

    assert [each.status_code for each in (without, not_allowed, done)] == [403, 403, 303]
    with database.transaction() as connection:
        lines = connection.execute("SELECT actor, action FROM audit WHERE action <> 'sign in' ORDER BY id").fetchall()
    by_people = [(each["actor"], each["action"]) for each in lines if each["actor"] in small_study.accounts]
    assert by_people == [("admin", action)]


@pytest.mark.parametrize(
    "path", [f"/cohorts/none/{change}" for change in ("pause", "resume", "cancel")] + ["/workers/x/drain"]
)
def test_forms_about_what_is_not_there_say_so(small_study: SmallStudy, open_browser: OpenBrowser, path: str) -> None:
    admin = open_browser("admin")

    answer = admin.post(path, data={"csrf_token": _token(admin)}, headers=PAGE)

    assert answer.status_code == 404
    assert "There is no such" in answer.text


def _failed(database: Database) -> list[int]:
    with database.transaction() as connection:
        rows = connection.execute("SELECT id FROM jobs WHERE state = 'failed' ORDER BY id").fetchall()
    return [row["id"] for row in rows]


def test_one_job_a_cause_or_all_failures_are_tried_again(
    small_study: SmallStudy, open_browser: OpenBrowser, database: Database
) -> None:
    _make_ready(database)
    admin = open_browser("admin")
    token = {"csrf_token": _token(admin)}

    def retry(**fields: str) -> str:
        return admin.post("/failures/retry", data={**token, **fields}, headers=PAGE).text

    assert "They wait to be tried again." in retry(job="1", cause="SegmenterBroken")
    assert _failed(database) == [2, 3, 4]
    assert "Nothing was tried again" in retry(job="1", cause="SegmenterBroken")
    retry(cohort="TCGA-LUAD", cause="SegmenterBroken", segmenter="none")
    assert _failed(database) == [2, 3, 4]
    retry(cause="SegmenterBroken")
    assert _failed(database) == [4]
    retry()
    assert _failed(database) == []


def test_a_cohort_that_goes_on_cannot_be_resumed(small_study: SmallStudy, open_browser: OpenBrowser) -> None:
    admin = open_browser("admin")

    answer = admin.post(f"{OWN}/resume", data={"csrf_token": _token(admin)}, headers=PAGE)

    assert answer.status_code == 409
    assert "TCGA-SKCM is open" in answer.text


def test_a_cohort_cannot_be_paused_twice_nor_without_a_reason(
    small_study: SmallStudy, open_browser: OpenBrowser, database: Database
) -> None:
    _make_ready(database)
    admin = open_browser("admin")
    token = {"csrf_token": _token(admin)}

    twice = admin.post(f"{OWN}/pause", data={**token, "reason": "x"}, headers=PAGE)
    without = admin.post("/cohorts/TCGA-LUAD/pause", data={**token, "reason": " "}, headers=PAGE)
    long = admin.post("/cohorts/TCGA-LUAD/pause", data={**token, "reason": "kept " * 101}, headers=PAGE)

    assert (twice.status_code, without.status_code, long.status_code) == (409, 422, 422)
    assert "TCGA-SKCM is paused" in twice.text
    assert "say why the cohort is to be paused" in without.text
    assert f'value="{("kept " * 101).strip()}"' in long.text


def test_every_form_that_takes_a_scope_is_looked_at_here() -> None:
    forms = {name.removeprefix("POST "): scope for name, scope in PERMISSIONS.items() if isinstance(scope, FormOf)}

    assert forms == {form: FormOf(Scope.SUBMIT if form == "/submit" else Scope.OPERATE) for form in FORMS}

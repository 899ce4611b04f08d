"""A rater's queue: its order, filters and search, and the case to go on with."""

from typing import Any
from uuid import uuid4

import pytest
from fastapi.testclient import TestClient

from pantile.catalog.database import Database
from tests.integration.web.scoring import OpenBrowser, put_score, read_case
from tests.study_fixture import MISSING, ROIS, SmallStudy


def _queue(browser: TestClient, **query: Any) -> list[int]:
    """The positions of the cases that a query finds, read page by page."""
    found: list[int] = []
    while True:
        answer = browser.get("/v1/studies/pan-cancer/queue", params=query)
        assert answer.status_code == 200, answer.text
        page = answer.json()
        found += [case["position"] for case in page["cases"]]
        if page["next"] is None:
            return found
        query["after"] = page["next"]


@pytest.fixture
def r1(small_study: SmallStudy, open_browser: OpenBrowser) -> TestClient:
    """R1, who has completed case 1, scored one output of case 2, skipped case 4 and flagged two."""
    browser, keys = open_browser("r1"), small_study.assignments["r1"]
    for pane in read_case(browser, keys[0])["panes"]:
        put_score(browser, keys[0], pane["output"], 7, version=0, comment="100 % necrosis")
    browser.post(f"/v1/assignments/{keys[0]}/complete", json={})
    put_score(browser, keys[1], read_case(browser, keys[1])["panes"][0]["output"], 5, version=0)
    browser.post(f"/v1/assignments/{keys[3]}/skip", json={"reason": "out of focus"})
    browser.put(f"/v1/assignments/{keys[6]}/flags", json={"kind": "difficult"})
    browser.put(f"/v1/assignments/{keys[7]}/flags", json={"kind": "tissue"})
    browser.put(f"/v1/assignments/{keys[7]}/comment", json={"comment": "mostly necrosis_"})
    return browser


def test_a_case_that_was_skipped_is_nothing_to_resume(small_study: SmallStudy, r1: TestClient) -> None:
    keys = small_study.assignments["r1"]
    before = r1.get("/").text
    for index in (1, 2, *range(4, 12)):
        r1.post(f"/v1/assignments/{keys[index]}/skip", json={"reason": "out of focus"}).raise_for_status()
    after = r1.get("/").text

    assert "1 of 12 cases done, 1 skipped" in before
    assert "/studies/pan-cancer/resume" in before
    assert "1 of 12 cases done, 11 skipped" in after
    assert "/studies/pan-cancer/resume" not in after


def test_the_queue_tells_how_far_each_case_is(small_study: SmallStudy, r1: TestClient) -> None:
    page = r1.get("/v1/studies/pan-cancer/queue").json()

    told = [(case["label"], case["status"], case["scored"], case["panes"], case["flags"]) for case in page["cases"]]
    assert told[:4] == [
        ("Case 1", "done", 5, 5, []),
        ("Case 2", "open", 1, 5, []),
        ("Case 3", "pending", 0, 4, []),
        ("Case 4", "skipped", 0, 5, []),
    ]
    assert told[6] == ("Case 7", "open", 0, 5, ["difficult"])
    assert page["total"] == 12
    assert page["progress"] == [
        {"cohort": "TCGA-LUAD", "purpose": "primary", "assigned": 5, "done": 0, "skipped": 0, "withdrawn": 0},
        {"cohort": "TCGA-SKCM", "purpose": "primary", "assigned": 7, "done": 1, "skipped": 1, "withdrawn": 0},
    ]
    assert MISSING[0] == 2


QUERIES: list[tuple[dict[str, Any], list[int]]] = [
    ({}, list(range(1, 13))),
    ({"limit": 5}, list(range(1, 13))),
    ({"limit": 1, "tissue": "normal"}, [11, 12]),
    ({"status": "done"}, [1]),
    ({"status": ["done", "skipped"]}, [1, 4]),
    ({"cohort": "TCGA-LUAD"}, [7, 8, 9, 10, 12]),
    ({"cohort": ["TCGA-LUAD", "TCGA-SKCM"], "tissue": "normal", "limit": 1}, [11, 12]),
    ({"cohort": "TCGA-LUAD", "status": "open"}, [7, 8]),
    ({"flag": "difficult"}, [7]),
    ({"flagged": True}, [7, 8]),
    ({"flagged": False, "status": "open"}, [2]),
    ({"purpose": "repeat"}, []),
    ({"purpose": ["primary", "repeat"], "status": "done"}, [1]),
    ({"q": "12"}, [12]),
    ({"q": "case 7"}, [7]),
    ({"q": "NECROSIS"}, [1, 8]),
    ({"q": "100 %"}, [1]),
    ({"q": "0 _ n"}, []),
    ({"q": "necrosis_"}, [8]),
    ({"q": "necrosis", "status": "open"}, [8]),
    ({"q": ROIS[0].slide}, []),
    ({"cohort": "nowhere"}, []),
]


def test_filters_and_search_find_what_they_say(r1: TestClient) -> None:
    """Check 36, of the API; pages of one case as well as of a hundred."""
    assert [(query, _queue(r1, **query)) for query, _ in QUERIES] == QUERIES


def test_once_unblinded_slides_are_searched(r1: TestClient, database: Database) -> None:
    with database.transaction() as connection:
        connection.execute("UPDATE studies SET state = 'unblinded'")

    assert _queue(r1, q=ROIS[0].slide) == [1, 11]


def test_a_query_that_cannot_be_is_refused(small_study: SmallStudy, open_browser: OpenBrowser) -> None:
    r1 = open_browser("r1")
    for query in (
        {"status": "lost"},
        {"limit": 0},
        {"limit": 1001},
        {"after": -1},
        {"after": 2**40},
        {"flag": "x"},
        {"q": "x" * 201},
    ):
        assert r1.get("/v1/studies/pan-cancer/queue", params=query).status_code == 422, query


def test_everybody_has_a_queue_of_their_own(small_study: SmallStudy, open_browser: OpenBrowser) -> None:
    """Check 30, the API's part: each rater has their own order."""
    orders = {
        account: [case["key"] for case in open_browser(account).get("/v1/studies/pan-cancer/queue").json()["cases"]]
        for account in ("r1", "r2", "view", "adj", "admin")
    }

    assert orders["r1"] == [str(key) for key in small_study.assignments["r1"].values()]
    assert orders["r2"] == [str(key) for key in small_study.assignments["r2"].values()]
    assert orders["view"] == orders["adj"] == orders["admin"] == []


def _next(browser: TestClient, **query: Any) -> Any:
    answer = browser.get("/v1/studies/pan-cancer/next", params=query)
    return answer.json().get("key", answer.status_code)


def test_one_resumes_where_one_was(small_study: SmallStudy, r1: TestClient) -> None:
    """Check 35, of the API: the open case that was looked at last, and else the first that is pending."""
    keys = {roi: str(key) for roi, key in small_study.assignments["r1"].items()}
    r1.post(f"/v1/assignments/{keys[7]}/open")
    r1.post(f"/v1/assignments/{keys[1]}/open")
    r1.post(f"/v1/assignments/{keys[0]}/open")

    looked_at_last = _next(r1)
    for roi in (1, 6, 7):
        r1.post(f"/v1/assignments/{keys[roi]}/complete", json={"skip_missing": True})

    assert looked_at_last == keys[1]
    assert _next(r1) == keys[2]


def test_the_next_case_is_the_one_behind_or_the_next_unscored(small_study: SmallStudy, r1: TestClient) -> None:
    """Check 35: the next unscored passes over what is done or skipped, and begins again after the last."""
    keys = {roi: str(key) for roi, key in small_study.assignments["r1"].items()}

    assert _next(r1, after=keys[2]) == keys[3]
    assert _next(r1, after=keys[2], unscored=True) == keys[4]
    assert _next(r1, after=keys[11]) == 404
    assert _next(r1, after=keys[11], unscored=True) == keys[1]
    assert _next(r1, after=uuid4()) == 404
    assert _next(r1, after="x") == 422


def test_nothing_is_left_in_the_end(small_study: SmallStudy, open_browser: OpenBrowser) -> None:
    r2 = open_browser("r2")
    keys = list(small_study.assignments["r2"].values())
    for key in keys:
        last = r2.post(f"/v1/assignments/{key}/complete", json={"skip_missing": True}).json()

    assert last == {"status": "done", "next": None}
    assert _next(r2) == _next(r2, after=keys[0], unscored=True) == 404
    assert r2.get("/v1/studies/pan-cancer/next").json()["title"] == "There is nothing left to score"
    assert _next(open_browser("view")) == 404


def test_calibration_images_show_what_experts_gave_once_one_has_scored_them(
    small_study: SmallStudy, open_browser: OpenBrowser, database: Database
) -> None:
    r1, r2 = open_browser("r1"), open_browser("r2")
    key, adjudicated = small_study.assignments["r1"][0], read_case(r1, small_study.assignments["r1"][0])["panes"][0]
    with database.transaction() as connection:
        connection.execute("UPDATE study_rois SET is_calibration = true WHERE roi_id = (SELECT min(id) FROM rois)")
        connection.execute(
            """
            INSERT INTO adjudications (study_id, output_id, reason, state, value, signed_by, signed_at)
            SELECT study_id, id, 'difference', 'signed', 9, %s, now() FROM outputs WHERE key = %s
            """,
            [small_study.accounts["adj"], adjudicated["output"]],
        )

    def values(browser: TestClient) -> dict[str, int | None]:
        (example,) = browser.get("/v1/studies/pan-cancer/calibration").json()["examples"]
        return {pane["output"]: pane["value"] for pane in example["panes"]}

    before = values(r1)
    r1.post(f"/v1/assignments/{key}/complete", json={"skip_missing": True})

    assert set(before.values()) == {None}
    assert values(r1)[adjudicated["output"]] == 9
    assert list(values(r1)) == sorted(values(r1))
    assert set(values(r2).values()) == {None}
    assert values(open_browser("view"))[adjudicated["output"]] == 9

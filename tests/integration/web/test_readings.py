"""A rater reads a case: what they see, set, and may not do."""

from typing import Any
from uuid import UUID, uuid4

import pytest
from fastapi.testclient import TestClient

from pantile.catalog.database import Database
from tests.integration.web.scoring import OpenBrowser, conflict_of, put_score, read_case
from tests.study_fixture import MISSING, ROI_WIDTH_PX, WIDER, SmallStudy


def test_a_case_shows_outputs_in_stored_panes_and_one_legend_for_all(
    small_study: SmallStudy, open_browser: OpenBrowser
) -> None:
    r1 = open_browser("r1")

    case = read_case(r1, small_study.assignments["r1"][WIDER])

    assert [pane["pane"] for pane in case["panes"]] == ["A", "B", "C", "D", "E"]
    assert (case["label"], case["position"], case["total"], case["done"]) == ("Case 2", 2, 12, 0)
    assert case["status"] == "pending"
    assert case["panes"][0]["tiles"]["extent_width_px"] == ROI_WIDTH_PX + 2.5
    assert case["panes"][0]["tiles"]["url"] == f"/tiles/{case['panes'][0]['output']}"
    assert {tuple(pane["tiles"]["groups"]) for pane in case["panes"]} == {tuple(case["panes"][0]["tiles"]["groups"])}
    assert [entry["label"] for entry in case["legend"]][:2] == ["Background", "Tumor"]
    assert all(pane["segmenter"] is None for pane in case["panes"])
    assert (case["roi"]["tiles"], case["roi"]["tiles_state"]) == (None, "making")
    assert read_case(r1, small_study.assignments["r1"][WIDER])["panes"] == case["panes"]


def test_a_slides_tumor_and_normal_cases_know_each_other(small_study: SmallStudy, open_browser: OpenBrowser) -> None:
    keys = small_study.assignments["r1"]

    case = read_case(open_browser("r1"), keys[0])

    assert case["sample"] == {"tumor": str(keys[0]), "normal": str(keys[10])}
    assert (case["previous"], case["next"]) == (None, str(keys[1]))


def test_scores_go_to_their_pane_with_a_version_each(small_study: SmallStudy, open_browser: OpenBrowser) -> None:
    """Checks 10 and 11, the server's part: five scores are five events, and none touches another pane."""
    r1, key = open_browser("r1"), small_study.assignments["r1"][0]
    outputs = [pane["output"] for pane in read_case(r1, key)["panes"]]

    for value, output in zip([7, 8, 6, 10, 0], outputs, strict=True):
        answer = put_score(r1, key, output, value, version=0)
        assert (answer.status_code, answer.headers["ETag"], answer.json()["version"]) == (200, '"v1"', 1)

    case = read_case(r1, key)
    assert [pane["score"]["value"] for pane in case["panes"]] == [7, 8, 6, 10, 0]
    assert case["status"] == "open"
    events = r1.get(f"/v1/assignments/{key}/events").json()["events"]
    assert [(event["pane"], event["action"], event["after"]["value"]) for event in events] == [
        ("A", "set", 7),
        ("B", "set", 8),
        ("C", "set", 6),
        ("D", "set", 10),
        ("E", "set", 0),
    ]


def test_another_version_is_refused_with_the_row_as_it_is(small_study: SmallStudy, open_browser: OpenBrowser) -> None:
    """Check 22, the server's part: the second tab is told the first one's score; both choices work, both are kept."""
    r1, key = open_browser("r1"), small_study.assignments["r1"][0]
    output = read_case(r1, key)["panes"][0]["output"]
    put_score(r1, key, output, 7, version=0, comment="sure")

    refused = put_score(r1, key, output, 4, version=0)

    assert refused.status_code == 412
    assert refused.headers["Content-Type"] == "application/problem+json"
    assert conflict_of(refused) == {"value": 7, "answers": {}, "comment": "sure", "version": 1}
    assert put_score(r1, key, output, 4, version=1).json()["version"] == 2
    events = r1.get(f"/v1/assignments/{key}/events").json()["events"]
    assert [event["after"]["value"] for event in events] == [7, 4]
    assert events[1]["before"]["comment"] == events[1]["after"]["comment"] == "sure"


def test_the_same_key_again_is_the_same_answer_and_no_event(small_study: SmallStudy, open_browser: OpenBrowser) -> None:
    """Check 23: also after the score went on, and after the case was closed."""
    r1, key = open_browser("r1"), small_study.assignments["r1"][0]
    output = read_case(r1, key)["panes"][0]["output"]
    idempotency = str(uuid4())
    first = put_score(r1, key, output, 7, version=0, key=idempotency)
    put_score(r1, key, output, 8, version=1)
    r1.post(f"/v1/assignments/{key}/complete", json={"skip_missing": True})

    again = put_score(r1, key, output, 7, version=0, key=idempotency)

    assert (again.status_code, again.json(), again.headers["ETag"]) == (200, first.json(), '"v1"')
    actions = [event["action"] for event in r1.get(f"/v1/assignments/{key}/events").json()["events"]]
    assert actions == ["set", "set", "complete"]


def test_a_key_of_another_change_is_refused(small_study: SmallStudy, open_browser: OpenBrowser) -> None:
    r1, keys = open_browser("r1"), small_study.assignments["r1"]
    panes = read_case(r1, keys[0])["panes"]
    idempotency = str(uuid4())
    put_score(r1, keys[0], panes[0]["output"], 7, version=0, key=idempotency)
    elsewhere = read_case(r1, keys[1])["panes"][0]["output"]

    refused = [
        put_score(r1, keys[0], panes[0]["output"], 6, version=0, key=idempotency),
        put_score(r1, keys[0], panes[1]["output"], 7, version=0, key=idempotency),
        put_score(r1, keys[1], elsewhere, 7, version=0, key=idempotency),
    ]

    assert [answer.status_code for answer in refused] == [422] * 3
    assert all("Idempotency-Key" in answer.json()["detail"] for answer in refused)


def test_what_is_no_score_is_refused_and_nothing_written(
    small_study: SmallStudy, open_browser: OpenBrowser, database: Database
) -> None:
    """Check 20."""
    r1, key = open_browser("r1"), small_study.assignments["r1"][0]
    output = read_case(r1, key)["panes"][0]["output"]

    for value in ("11", "-1", '"abc"', "7.5", "NaN", "true", "1e1", "[7]", "Infinity", "1e400", ""):
        refused = r1.put(
            f"/v1/assignments/{key}/scores/{output}",
            content=f'{{"value": {value}}}',
            headers={"Content-Type": "application/json", "If-Match": '"v0"', "Idempotency-Key": str(uuid4())},
        )
        assert refused.status_code == 422, value

    with database.transaction() as connection:
        assert connection.execute("SELECT 1 FROM scores").fetchone() is None
        assert connection.execute("SELECT 1 FROM score_events").fetchone() is None


def test_a_change_without_version_or_key_is_refused(small_study: SmallStudy, open_browser: OpenBrowser) -> None:
    r1, key = open_browser("r1"), small_study.assignments["r1"][0]
    output = read_case(r1, key)["panes"][0]["output"]
    headers: list[dict[str, str]] = [
        {"If-Match": '"v0"'},
        {"Idempotency-Key": str(uuid4())},
        {"If-Match": "*", "Idempotency-Key": str(uuid4())},
        {"If-Match": '"v0"', "Idempotency-Key": "1"},
    ]

    for given in headers:
        answer = r1.put(f"/v1/assignments/{key}/scores/{output}", json={"value": 7}, headers=given)
        assert answer.status_code == 422, given


def test_a_missing_output_is_not_scored_and_not_awaited(small_study: SmallStudy, open_browser: OpenBrowser) -> None:
    """Check 19."""
    roi, _ = MISSING
    r1, key = open_browser("r1"), small_study.assignments["r1"][roi]
    panes = read_case(r1, key)["panes"]
    (missing,) = (pane for pane in panes if pane["is_missing"])

    refused = put_score(r1, key, missing["output"], 7, version=0)
    for pane in panes:
        if not pane["is_missing"]:
            put_score(r1, key, pane["output"], 7, version=0)
    completed = r1.post(f"/v1/assignments/{key}/complete", json={})

    assert missing["tiles"] is None
    assert refused.status_code == 409
    assert (completed.status_code, completed.json()["status"]) == (200, "done")


def test_an_output_of_another_case_is_not_found(small_study: SmallStudy, open_browser: OpenBrowser) -> None:
    r1, keys = open_browser("r1"), small_study.assignments["r1"]
    elsewhere = read_case(r1, keys[1])["panes"][0]["output"]

    assert put_score(r1, keys[0], elsewhere, 7, version=0).status_code == 404
    assert put_score(r1, uuid4(), elsewhere, 7, version=0).status_code == 404


def test_a_comment_stays_with_its_score(small_study: SmallStudy, open_browser: OpenBrowser) -> None:
    """Check 25, the server's part: what a client sends as it leaves the case is stored."""
    r1, key = open_browser("r1"), small_study.assignments["r1"][0]
    output = read_case(r1, key)["panes"][0]["output"]
    put_score(r1, key, output, 7, version=0)

    commented = put_score(r1, key, output, 7, version=1, comment='=1+1; Grüße,\n"zwei" Zeilen')
    again = put_score(r1, key, output, 6, version=2)

    assert commented.json()["comment"] == again.json()["comment"] == '=1+1; Grüße,\n"zwei" Zeilen'
    events = r1.get(f"/v1/assignments/{key}/events").json()["events"]
    assert [event["action"] for event in events] == ["set", "comment", "set"]


def test_undo_and_redo_are_events_of_their_own(small_study: SmallStudy, open_browser: OpenBrowser) -> None:
    """Checks 16 and 17, the server's part: one group for what was one step; the history shows undo and redo."""
    r1, key = open_browser("r1"), small_study.assignments["r1"][0]
    outputs = [pane["output"] for pane in read_case(r1, key)["panes"]]
    group = str(uuid4())
    for output in outputs:
        put_score(r1, key, output, 9, version=0, group=group, view={"zoom": 1.5, "x": 0.25, "y": 1e-9})

    put_score(r1, key, outputs[0], None, version=1, action="undo", group=group)
    put_score(r1, key, outputs[0], 9, version=2, action="redo", group=group)
    put_score(r1, key, outputs[1], None, version=1)

    events = r1.get(f"/v1/assignments/{key}/events").json()["events"]
    assert [event["action"] for event in events] == ["set"] * 5 + ["undo", "redo", "clear"]
    assert {event["group"] for event in events[:7]} == {group}


def test_a_case_is_completed_when_all_is_scored(
    small_study: SmallStudy, open_browser: OpenBrowser, client: TestClient
) -> None:
    """Check 27: what is done takes no scores until it is opened again, which needs a reason and leaves an event."""
    r1, keys = open_browser("r1"), small_study.assignments["r1"]
    outputs = [pane["output"] for pane in read_case(r1, keys[0])["panes"]]
    for output in outputs[1:]:
        put_score(r1, keys[0], output, 7, version=0)

    incomplete = r1.post(f"/v1/assignments/{keys[0]}/complete", json={})
    put_score(r1, keys[0], outputs[0], 7, version=0)
    done = r1.post(f"/v1/assignments/{keys[0]}/complete", json={})
    again = r1.post(f"/v1/assignments/{keys[0]}/complete", json={})
    late = put_score(r1, keys[0], outputs[0], 8, version=1)
    unreasoned = r1.post(f"/v1/assignments/{keys[0]}/reopen", json={"reason": "  "})
    reopened = r1.post(f"/v1/assignments/{keys[0]}/reopen", json={"reason": "a second look"})

    assert (incomplete.status_code, incomplete.json()["unscored"]) == (409, [outputs[0]])
    assert done.json() == again.json() == {"status": "done", "next": str(keys[1])}
    assert (late.status_code, unreasoned.status_code, reopened.json()["status"]) == (409, 422, "open")
    assert put_score(r1, keys[0], outputs[0], 8, version=1).status_code == 200
    events = r1.get(f"/v1/assignments/{keys[0]}/events").json()["events"]
    assert [event["action"] for event in events[5:]] == ["complete", "reopen", "set"]
    assert events[6]["reason"] == "a second look"
    audited = client.get("/v1/audit", params={"actor": "r1"}).json()["actions"]
    assert [line["action"] for line in audited][:2] == ["reopen", "complete"]
    assert audited[0]["details"] == {"study": small_study.name, "case": 1, "reason": "a second look"}


@pytest.mark.parametrize("state", ["draft", "locked", "unblinded"])
def test_a_study_that_is_not_published_takes_nothing(
    small_study: SmallStudy, open_browser: OpenBrowser, database: Database, state: str
) -> None:
    """Check 27."""
    r1, key = open_browser("r1"), small_study.assignments["r1"][0]
    output = read_case(r1, key)["panes"][0]["output"]
    with database.transaction() as connection:
        connection.execute("UPDATE studies SET state = %s", [state])

    answers = [
        put_score(r1, key, output, 7, version=0),
        r1.post(f"/v1/assignments/{key}/complete", json={"skip_missing": True}),
        r1.post(f"/v1/assignments/{key}/skip", json={"reason": "x"}),
        r1.post(f"/v1/assignments/{key}/reopen", json={"reason": "x"}),
        r1.put(f"/v1/assignments/{key}/flags", json={"kind": "difficult"}),
        r1.put(f"/v1/assignments/{key}/comment", json={"comment": "x"}),
    ]

    assert [answer.status_code for answer in answers] == [409] * 6
    assert r1.post(f"/v1/assignments/{key}/open").json()["status"] == "pending"


def test_a_case_is_skipped_for_a_reason(small_study: SmallStudy, open_browser: OpenBrowser) -> None:
    r1, key = open_browser("r1"), small_study.assignments["r1"][0]

    assert r1.post(f"/v1/assignments/{key}/skip", json={"reason": ""}).status_code == 422
    assert r1.post(f"/v1/assignments/{key}/skip", json={"reason": "out of focus"}).json()["status"] == "skipped"
    assert r1.post(f"/v1/assignments/{key}/complete", json={}).status_code == 409
    assert r1.post(f"/v1/assignments/{key}/reopen", json={"reason": "sharp now"}).json()["status"] == "open"


def test_flags_and_the_comment_are_kept_with_their_history(small_study: SmallStudy, open_browser: OpenBrowser) -> None:
    r1, key = open_browser("r1"), small_study.assignments["r1"][MISSING[0]]
    (missing,) = (pane["output"] for pane in read_case(r1, key)["panes"] if pane["is_missing"])

    r1.put(f"/v1/assignments/{key}/flags", json={"kind": "difficult", "note": "crush artefact"})
    r1.put(f"/v1/assignments/{key}/flags", json={"kind": "output", "output": missing})
    r1.put(f"/v1/assignments/{key}/flags", json={"kind": "output", "output": missing})
    left = r1.put(f"/v1/assignments/{key}/flags", json={"kind": "output", "output": missing, "is_set": False})
    r1.put(f"/v1/assignments/{key}/comment", json={"comment": "odd stain"})
    r1.put(f"/v1/assignments/{key}/comment", json={"comment": "odd stain"})

    assert left.json() == {"flags": [{"output": None, "kind": "difficult", "note": "crush artefact"}]}
    case = read_case(r1, key)
    assert (case["flags"], case["comment"], case["status"]) == (left.json()["flags"], "odd stain", "open")
    events = r1.get(f"/v1/assignments/{key}/events").json()["events"]
    assert [event["action"] for event in events] == ["flag", "flag", "unflag", "comment"]
    elsewhere = read_case(r1, small_study.assignments["r1"][0])["panes"][0]["output"]
    refused = r1.put(f"/v1/assignments/{key}/flags", json={"kind": "output", "output": elsewhere})
    assert refused.status_code == 404


def _timing(browser: TestClient, key: UUID, **deltas: Any) -> Any:
    return browser.post(f"/v1/assignments/{key}/timing", json={"active_ms": 0, "idle_ms": 0, **deltas})


def test_times_are_summed_and_never_exceed_what_has_passed(
    small_study: SmallStudy, open_browser: OpenBrowser, database: Database
) -> None:
    """Check 34, the server's part: deltas are summed, absurd ones capped."""
    r1, key = open_browser("r1"), small_study.assignments["r1"][0]
    before = _timing(r1, key, active_ms=15_000)
    r1.post(f"/v1/assignments/{key}/open")
    with database.transaction() as connection:
        connection.execute("UPDATE assignments SET opened_at = now() - interval '20 min' WHERE key = %s", [key])

    sums = [
        _timing(r1, key, active_ms=15_000, idle_ms=5_000, first_tile_ms=80, loaded_ms=900),
        _timing(r1, key, active_ms=10_000),
        _timing(r1, key, active_ms=24 * 3600 * 1000),
        *(_timing(r1, key, active_ms=300_000, idle_ms=300_000) for _ in range(3)),
    ]

    assert before.json() == {"active_ms": 0, "idle_ms": 0}
    assert [answer.json() for answer in sums[:3]] == [
        {"active_ms": 15_000, "idle_ms": 5_000},
        {"active_ms": 25_000, "idle_ms": 5_000},
        {"active_ms": 325_000, "idle_ms": 5_000},
    ]
    last = sums[-1].json()
    assert 1_200_000 <= last["active_ms"] + last["idle_ms"] < 1_260_000
    for absurd in ({"active_ms": -1}, {"idle_ms": 1.5}, {"active_ms": 10**12}, {"tile_errors": -1}):
        assert _timing(r1, key, **absurd).status_code == 422

"""A study's figures over HTTP: progress, agreement, disagreements, answers, sample size, verification."""

from collections.abc import Callable
from math import isnan
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient

from pantile.analysis.agreement import IccForm, agree, icc
from pantile.catalog.database import Database
from pantile.domain.studies import Study, StudyRole
from tests.integration.web.scoring import put_score, read_case, score_cases

STUDY = "/v1/studies/pan-cancer"

MakeStudy = Callable[..., Study]
ActAs = Callable[..., TestClient]


@pytest.fixture
def read_twice(client: TestClient, database: Database, make_study: MakeStudy, join: ActAs) -> None:
    """A study of 12 ROIs that r1 has read whole and r2 for the second time, by a rule that differs here and there."""
    make_study(rois=12, missing=2)
    for rater, purpose in (("r1", "primary"), ("r2", "second")):
        join(rater)
        client.post(f"{STUDY}/assign", json={"rater": rater, "purpose": purpose}).raise_for_status()
    with database.transaction() as connection:
        connection.execute(
            """
            INSERT INTO scores (assignment_id, output_id, value, is_complete, version)
            SELECT a.id, o.id, least(10, greatest(0, o.number * 2 - mod(o.roi_id, 3)
                + CASE WHEN a.purpose = 'second' THEN mod(o.id, 5) - 2 ELSE 0 END)), true, 1
            FROM assignments a JOIN outputs o ON o.study_id = a.study_id AND o.roi_id = a.roi_id
            WHERE o.job_id IS NOT NULL
            """
        )
        connection.execute("UPDATE assignments SET state = 'done', completed_at = now(), active_ms = 20000")


def _pairs(database: Database) -> list[dict[str, Any]]:
    with database.transaction() as connection:
        return connection.execute(
            """
            SELECT o.number, f.value AS first, s.value AS second FROM scores f
            JOIN assignments fa ON fa.id = f.assignment_id AND fa.purpose = 'primary'
            JOIN scores s ON s.output_id = f.output_id
            JOIN assignments sa ON sa.id = s.assignment_id AND sa.purpose = 'second'
            JOIN outputs o ON o.id = f.output_id ORDER BY o.id
            """
        ).fetchall()


@pytest.mark.usefixtures("read_twice")
def test_agreement_is_what_the_analysis_says_of_the_same_scores(client: TestClient, database: Database) -> None:
    """Check 37."""
    pairs = _pairs(database)
    ratings = np.array([[row["first"], row["second"]] for row in pairs], dtype=np.float64)
    numbers = [row["number"] for row in pairs]

    told = client.get(f"{STUDY}/agreement").json()

    expected = agree(ratings)
    within = icc(ratings, IccForm.CONSISTENCY, groups=numbers)
    assert told["pooled"]["n"] == len(pairs) == 58
    for name in ("icc_c1", "icc_a1", "spearman", "bias", "within_one", "kappa", "alpha", "ac2"):
        found = getattr(expected, name)
        figures = told["pooled"][name]
        assert (figures["value"], figures["low"], figures["high"]) == tuple(
            None if isnan(each) else each for each in (found.value, found.low, found.high)
        ), name
    assert (told["within"]["value"], told["within"]["low"]) == (within.value, within.low)
    assert told["pooled"]["icc_c1"]["value"] > told["within"]["value"]
    first = told["by_segmenter"][0]
    assert first["segmenter"] == "Toy"
    assert first["icc_c1"]["value"] == icc(ratings[np.array(numbers) == 1]).value
    assert [each["cohort"] for each in told["by_cohort"]] == ["TCGA-LUAD", "TCGA-SKCM"]
    assert sum(each["outputs"] for each in told["pairs"]) == 58


@pytest.mark.usefixtures("read_twice")
def test_agreement_is_of_whom_one_names_and_of_what_one_asks(client: TestClient) -> None:
    named = client.get(f"{STUDY}/agreement", params={"first": "r2", "second": "r1", "by": "cohort"}).json()
    plain = client.get(f"{STUDY}/agreement").json()
    normal = client.get(f"{STUDY}/agreement", params={"tissue_type": "normal"}).json()
    repeats = client.get(f"{STUDY}/agreement", params={"first": "r1", "second": "r1"}).json()

    assert named["pooled"]["bias"]["value"] == -plain["pooled"]["bias"]["value"]
    assert named["by_segmenter"] == []
    assert normal["pooled"]["n"] == 10
    assert (repeats["pooled"]["n"], repeats["pooled"]["icc_c1"]["value"]) == (0, None)
    assert repeats["pooled"]["icc_c1"]["reason"] == "fewer than two rated or two raters"
    assert client.get(f"{STUDY}/agreement", params={"first": "nobody"}).status_code == 404
    assert client.get(f"{STUDY}/agreement", params={"by": "rater"}).status_code == 422


@pytest.mark.usefixtures("read_twice")
def test_disagreements_come_largest_first_and_in_pages(client: TestClient, database: Database) -> None:
    differing = sorted((abs(row["first"] - row["second"]) for row in _pairs(database)), reverse=True)

    first = client.get(f"{STUDY}/disagreements", params={"min_delta": 1, "limit": 7}).json()
    found, page = first["disagreements"], first
    while page["next"]:
        page = client.get(f"{STUDY}/disagreements", params={"min_delta": 1, "limit": 7, "after": page["next"]}).json()
        found = found + page["disagreements"]

    assert [each["delta"] for each in found] == [delta for delta in differing if delta >= 1]
    assert len({each["output"] for each in found}) == len(found)
    assert client.get(f"{STUDY}/disagreements", params={"min_delta": 3}).json()["disagreements"] == []


@pytest.mark.usefixtures("read_twice")
def test_progress_counts_cases_days_and_outputs(client: TestClient) -> None:
    told = client.get(f"{STUDY}/progress").json()

    assert [
        (each["account"], each["purpose"], each["done"], each["assigned"], each["median_s"]) for each in told["raters"]
    ] == [("r1", "primary", 12, 12, 20), ("r2", "second", 12, 12, 20)]
    assert [each["done"] for each in told["days"]] == [12, 12]
    assert len(told["coverage"]) == 10
    assert sum(each["scored_twice"] for each in told["coverage"]) == 58
    assert sum(each["missing"] for each in told["coverage"]) == 2


@pytest.mark.usefixtures("read_twice")
def test_raters_read_agreement_only_once_the_study_is_unblinded(client: TestClient, act_as: ActAs, join: ActAs) -> None:
    """Check 31."""
    member = join("r3")
    paths = [f"{STUDY}/{name}" for name in ("agreement", "disagreements", "answers")]

    closed = [member.get(path).status_code for path in paths]
    for change in ("lock", "unblind"):
        client.post(f"{STUDY}/{change}", json={}).raise_for_status()
    opened = [member.get(path).status_code for path in paths]

    assert (closed, opened) == ([403] * 3, [200] * 3)
    assert member.get(f"{STUDY}/progress").status_code == 403
    assert join("look", StudyRole.VIEWER).get(f"{STUDY}/plan").status_code == 403


def test_a_sample_is_planned_in_outputs_and_rois(client: TestClient, make_study: MakeStudy) -> None:
    make_study(rois=2)

    told = client.get(f"{STUDY}/plan", params={"expected_icc": 0.87, "width": 0.04}).json()

    assert told["expected_width"] <= 0.04
    assert told["rois"] == -(-told["outputs"] // 5)
    assert client.get(f"{STUDY}/plan", params={"expected_icc": 1}).status_code == 422
    assert client.get(f"{STUDY}/plan", params={"width": 1e-9, "expected_icc": 0.5}).status_code == 422


def test_answers_are_counted_by_segmenter_with_an_example(
    client: TestClient, make_study: MakeStudy, join: ActAs
) -> None:
    structure = {"kind": "choices", "prompt": "What is marked?", "options": ["gland", "vessel", "nothing"]}
    usable = {"kind": "choice", "prompt": "How usable?", "options": ["as it is", "with care", "not"]}
    make_study(rois=2, missing=0, segmenter_names=("breast", "lung"), publish=False)
    client.patch(STUDY, json={"questions": [structure, usable]}).raise_for_status()
    client.post(f"{STUDY}/publish").raise_for_status()
    rater = join("r1")
    client.post(f"{STUDY}/assign", json={"rater": "r1"}).raise_for_status()
    for case in rater.get(f"{STUDY}/queue").json()["cases"]:
        for pane in read_case(rater, case["key"])["panes"]:
            answers = {"1": ["gland", "vessel"], "2": "with care"}
            put_score(rater, case["key"], pane["output"], None, version=0, answers=answers).raise_for_status()
        rater.post(f"/v1/assignments/{case['key']}/complete", json={}).raise_for_status()

    told = client.get(f"{STUDY}/answers").json()

    assert [each["number"] for each in told["questions"]] == [1, 2]
    assert {(each["question"], each["answer"], each["number"], each["outputs"]) for each in told["answers"]} == {
        (question, answer, number, 2)
        for question, answer in ((1, "gland"), (1, "vessel"), (2, "with care"))
        for number in (1, 2)
    }
    assert all(each["example"] for each in told["answers"])


def test_a_history_that_was_tampered_with_is_found(
    client: TestClient, database: Database, make_study: MakeStudy, join: ActAs
) -> None:
    make_study(rois=2, missing=0)
    rater = join("r1")
    client.post(f"{STUDY}/assign", json={"rater": "r1"}).raise_for_status()
    keys = score_cases(rater, "pan-cancer", lambda _: 7)

    intact = client.post(f"{STUDY}/verify").json()
    with database.transaction() as connection:
        connection.execute("UPDATE scores SET value = 10 WHERE output_id = (SELECT min(output_id) FROM scores)")
    broken = client.post(f"{STUDY}/verify").json()

    assert (intact["is_intact"], intact["assignments"], intact["events"]) == (True, 2, 12)
    assert broken["is_intact"] is False
    assert broken["discrepancies"][0]["assignment"] in map(str, keys)
    assert rater.post(f"{STUDY}/verify").status_code == 403

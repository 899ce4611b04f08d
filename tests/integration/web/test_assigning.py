"""Assigning over HTTP: dry and real, first and second raters, repeats, calibration, handing on and giving back."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient

from pantile.catalog.database import Database
from pantile.domain.studies import Study, StudyRole
from tests.integration.conftest import segment_cohort

STUDY = "/v1/studies/pan-cancer"

MakeStudy = Callable[..., Study]
ActAs = Callable[..., TestClient]
Assign = Callable[..., Any]


@pytest.fixture
def assign(client: TestClient) -> Assign:
    """Assigns: `assign("r1", purpose="second", n=4)`."""

    def ask(rater: str, **wanted: object) -> Any:
        return client.post(f"{STUDY}/assign", json={"rater": rater, **wanted})

    return ask


def _stored(database: Database) -> list[dict[str, Any]]:
    with database.transaction() as connection:
        return connection.execute(
            """
            SELECT a.name AS rater, x.roi_id, x.position, x.pane_order, x.purpose, x.round
            FROM assignments x JOIN accounts a ON a.id = x.account_id ORDER BY a.name, x.position
            """
        ).fetchall()


def _finish(database: Database, rater: str, value: str = "mod(o.id, 11)") -> None:
    """Scores all cases of a rater, as if they had."""
    with database.transaction() as connection:
        connection.execute(
            f"""
            INSERT INTO scores (assignment_id, output_id, value, is_complete, version)
            SELECT a.id, o.id, {value}, true, 1 FROM assignments a JOIN accounts c ON c.id = a.account_id
            JOIN outputs o ON o.study_id = a.study_id AND o.roi_id = a.roi_id AND o.job_id IS NOT NULL
            WHERE c.name = %s ON CONFLICT DO NOTHING
            """,  # noqa: S608 — as the test says
            [rater],
        )
        connection.execute(
            """
            UPDATE assignments a SET state = 'done', completed_at = now() FROM accounts c
            WHERE c.id = a.account_id AND c.name = %s
            """,
            [rater],
        )


def test_a_dry_run_tells_what_the_real_one_does_and_writes_nothing(
    database: Database, make_study: MakeStudy, join: ActAs, assign: Assign
) -> None:
    """Check 32."""
    make_study(rois=30)
    join("r1")

    dry = assign("r1", n=12, seed=5, dry_run=True).json()
    nothing = _stored(database)
    real = assign("r1", n=12, seed=5).json()

    assert nothing == []
    assert (dry.pop("dry_run"), real.pop("dry_run")) == (True, False)
    assert dry == real
    assert (real["assigned"], len(_stored(database))) == (12, 12)
    assert sum(each["chosen"] for each in real["strata"]) == 12


def test_what_a_rater_has_is_not_assigned_twice(
    client: TestClient, database: Database, make_study: MakeStudy, join: ActAs, assign: Assign
) -> None:
    """Check 32."""
    make_study(rois=12)
    join("r1")
    assign("r1").raise_for_status()

    again = assign("r1")
    with database.transaction() as connection:
        segment_cohort(connection, "TCGA-LUAD", rois=16)
    client.post(f"{STUDY}/refresh").raise_for_status()
    more = assign("r1").json()

    assert again.status_code == 409
    assert "r1 has all 12 of these cases already" in again.json()["detail"]
    assert (more["assigned"], more["already"]) == (2, 12)


def test_panes_are_balanced_over_any_ten_cases_and_differ_between_raters(
    database: Database, make_study: MakeStudy, join: ActAs, assign: Assign
) -> None:
    """Check 29."""
    make_study(rois=30)
    for rater in ("r1", "r2"):
        join(rater)
        assign(rater).raise_for_status()

    stored = _stored(database)
    first, second = ([row["pane_order"] for row in stored if row["rater"] == rater] for rater in ("r1", "r2"))

    for panes in (first, second):
        for start in range(len(panes) - 9):
            window = panes[start : start + 10]
            for place in range(5):
                assert Counter(row[place] for row in window) == dict.fromkeys(range(1, 6), 2)
    assert first != second


def test_the_order_of_cases_differs_between_raters_and_stays_when_rois_come(
    client: TestClient, database: Database, make_study: MakeStudy, join: ActAs, assign: Assign
) -> None:
    """Check 30."""
    make_study(rois=20)
    for rater in ("r1", "r2"):
        join(rater)
        assign(rater).raise_for_status()
    before = _stored(database)

    with database.transaction() as connection:
        segment_cohort(connection, "TCGA-SKCM", rois=30)
    client.post(f"{STUDY}/refresh").raise_for_status()
    assign("r1").raise_for_status()

    after = _stored(database)
    assert all(row in after for row in before)
    first, second = ([row["roi_id"] for row in before if row["rater"] == rater] for rater in ("r1", "r2"))
    assert first != second
    assert sorted(first) == sorted(second)
    assert [row["position"] for row in after if row["rater"] == "r1"] == list(range(1, 26))


def test_a_second_rater_gets_a_subset_of_what_the_first_has_by_strata(
    database: Database, make_study: MakeStudy, join: ActAs, assign: Assign
) -> None:
    """Check 32."""
    make_study(rois=30)
    join("r1")
    join("r2")
    too_early = assign("r2", purpose="second")
    assign("r1", tissue_types=["tumor"]).raise_for_status()
    _finish(database, "r1", value="CASE mod(o.roi_id / 3, 3) WHEN 0 THEN 9 WHEN 1 THEN 6 ELSE 2 END")

    plans = [assign("r2", purpose="second", n_per_stratum=2, seed=1, dry_run=True).json() for _ in range(2)]
    real = assign("r2", purpose="second", n_per_stratum=2, seed=1).json()
    again = assign("r2", purpose="second", n_per_stratum=2, seed=1)

    assert too_early.status_code == 409
    assert plans[0] == plans[1]
    assert {(each["cohort"], each["tissue_type"], each["band"]) for each in real["strata"]} == {
        (cohort, "tumor", band) for cohort in ("TCGA-SKCM", "TCGA-LUAD") for band in ("8-10", "5-7", "0-4")
    }
    assert {each["chosen"] for each in real["strata"]} == {2}
    stored = _stored(database)
    chosen = {row["roi_id"] for row in stored if row["rater"] == "r2"}
    assert len(chosen) == 12
    assert chosen < {row["roi_id"] for row in stored if row["rater"] == "r1"}
    assert again.status_code == 409


def test_a_repeat_is_another_case_and_the_first_answers_stay(
    database: Database, make_study: MakeStudy, join: ActAs, assign: Assign
) -> None:
    """Check 33."""
    make_study(rois=12, missing=0)
    join("r1")
    assign("r1").raise_for_status()
    nothing_done = assign("r1", purpose="repeat", n=4)
    _finish(database, "r1")
    with database.transaction() as connection:
        before = connection.execute("SELECT * FROM scores ORDER BY assignment_id, output_id").fetchall()

    repeat = assign("r1", purpose="repeat", n=4).json()

    with database.transaction() as connection:
        after = connection.execute("SELECT * FROM scores ORDER BY assignment_id, output_id").fetchall()
    repeats = [row for row in _stored(database) if row["round"] == 2]
    assert nothing_done.status_code == 409
    assert (repeat["assigned"], [row["position"] for row in repeats]) == (4, [13, 14, 15, 16])
    assert (len(before), before) == (60, after)


def test_calibration_images_are_no_cases_of_the_study(
    client: TestClient, make_study: MakeStudy, join: ActAs, assign: Assign
) -> None:
    make_study(rois=12)
    join("r1")
    keys = [each["key"] for each in client.get(f"{STUDY}/rois").json()["rois"][:3]]
    client.post(f"{STUDY}/calibration", json={"rois": keys}).raise_for_status()

    assert assign("r1", purpose="calibration").json()["assigned"] == 3
    assert assign("r1").json()["assigned"] == 9


def test_what_is_not_begun_goes_to_another_rater_or_back(
    client: TestClient, database: Database, make_study: MakeStudy, join: ActAs, assign: Assign
) -> None:
    make_study(rois=12)
    join("r1")
    join("r2")
    assign("r1").raise_for_status()
    with database.transaction() as connection:
        connection.execute("UPDATE assignments SET state = 'open', opened_at = now() WHERE position <= 2")
        held = connection.execute("SELECT roi_id FROM assignments WHERE position = 3").fetchone()
    assert held
    assign("r2", tissue_types=["normal"]).raise_for_status()
    normals = sum(row["rater"] == "r2" for row in _stored(database))

    moved = client.post(f"{STUDY}/reassign", json={"from": "r1", "to": "r2"}).json()
    released = client.post(f"{STUDY}/release", json={"rater": "r2"}).json()

    assert moved["moved"] + moved["kept"] == 10
    assert released["released"] == moved["moved"] + normals
    assert len([row for row in _stored(database) if row["rater"] == "r1"]) == 2 + moved["kept"]


@pytest.mark.parametrize(
    ("wanted", "status", "said"),
    [
        ({"rater": "nobody"}, 404, "The study has no such member: nobody"),
        ({"rater": "look"}, 409, "look is a viewer of this study, and scores nothing"),
        ({"rater": "r1", "cohorts": ["TCGA-X"]}, 409, "no ROI of the study is of this kind"),
        ({"rater": "r1", "n": 3, "n_per_stratum": 2}, 422, "n and n_per_stratum exclude each other"),
        ({"rater": "r1", "round": 2}, 422, "repeats are read in round 2 or later"),
        ({"rater": "r1", "n": 0}, 422, "n: input should be greater than or equal to 1"),
        ({"rater": "r1", "purpose": "fun"}, 422, "purpose"),
    ],
)
def test_what_cannot_be_assigned_is_refused_with_a_sentence(
    make_study: MakeStudy, join: ActAs, assign: Assign, wanted: dict[str, Any], status: int, said: str
) -> None:
    make_study(rois=6)
    join("r1")
    join("look", StudyRole.VIEWER)

    answer = assign(**wanted)

    assert (answer.status_code, said in answer.json()["detail"]) == (status, True), answer.text


def test_a_locked_study_assigns_nothing(client: TestClient, make_study: MakeStudy, join: ActAs, assign: Assign) -> None:
    make_study(rois=6)
    join("r1")
    client.post(f"{STUDY}/lock", json={}).raise_for_status()

    answers = [
        assign("r1"),
        client.post(f"{STUDY}/release", json={"rater": "r1"}),
        client.post(f"{STUDY}/reassign", json={"from": "r1", "to": "r1"}),
    ]

    assert [answer.status_code for answer in answers] == [409, 409, 409]


def test_with_assigned_cases_a_draft_keeps_its_content(
    client: TestClient, make_study: MakeStudy, join: ActAs, assign: Assign
) -> None:
    make_study(rois=6, publish=False)
    join("r1")
    assign("r1").raise_for_status()

    refused = client.patch(STUDY, json={"segmenters": ["lung"]})
    client.post(f"{STUDY}/release", json={"rater": "r1"}).raise_for_status()

    assert refused.status_code == 409
    assert client.patch(STUDY, json={"segmenters": ["lung"]}).status_code == 200

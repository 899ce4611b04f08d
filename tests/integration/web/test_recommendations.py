"""Which segmenter for a cohort, over the API: from scores, from Dice, from both."""

from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient
from psycopg.types.json import Jsonb

from pantile.catalog.cohorts import Cohort
from pantile.catalog.database import Database
from tests.study_fixture import SmallStudy

MakeCohort = Callable[..., Cohort]


def _score(database: Database, study: SmallStudy, by_number: dict[int, int]) -> None:
    """Scores every output that is there of the first rater's cases, by its segmenter's number."""
    with database.transaction() as connection:
        for number, value in by_number.items():
            connection.execute(
                """
                INSERT INTO scores (assignment_id, output_id, value, version, is_complete)
                SELECT a.id, o.id, %(value)s, 1, true FROM assignments a
                JOIN outputs o ON o.study_id = a.study_id AND o.roi_id = a.roi_id
                WHERE a.account_id = %(account)s AND o.number = %(number)s AND o.job_id IS NOT NULL
                """,
                {"value": value, "account": study.accounts["r1"], "number": number},
            )


def _evaluate(database: Database, dice: dict[str, float]) -> None:
    """Gives every ROI ground truth, and every class map this overall Dice by its segmenter."""
    with database.transaction() as connection:
        connection.execute(
            """
            INSERT INTO ground_truths (roi_id, file, object_key, sha256, bytes, width_px, height_px, extent_width_px,
                                       extent_height_px, scheme, added_by)
            SELECT id, 'x', 'x', 'x', 1, 1, 1, 1, 1, '{}', 'test' FROM rois
            """
        )
        connection.execute(
            """
            INSERT INTO evaluations (roi_id, job_id, protocol, source, overall, classes, confusion, known_pixels,
                                     pixel_mm2, surface_tolerance_um, scheme, truth_remap, predicted_remap,
                                     remap_origin)
            SELECT cj.roi_id, cj.job_id, 'article', '', (%(dice)s::jsonb->>s.name)::double precision, '[]', '[]', 1, 1,
                   10, 'x', '{}', '{}', CASE WHEN s.name = 'kidney' THEN 'inferred' ELSE 'stated' END
            FROM cohort_jobs cj JOIN jobs j ON j.id = cj.job_id JOIN segmenters s ON s.id = j.segmenter_id
            WHERE %(dice)s::jsonb ? s.name
            """,
            {"dice": Jsonb(dice)},
        )


def _ask(client: TestClient, cohort: str, **query: Any) -> Any:
    answer = client.get(f"/v1/cohorts/{cohort}/recommendation", params=query)
    assert answer.status_code == 200
    return answer.json()


@pytest.fixture
def cohort(database: Database, small_study: SmallStudy) -> str:
    """A cohort of the small study, scored by its first rater: lung 9, breast 7, kidney 3."""
    _score(database, small_study, {1: 7, 3: 9, 4: 3})
    with database.transaction() as connection:
        row = connection.execute("SELECT name FROM cohorts ORDER BY id LIMIT 1").fetchone()
    assert row is not None
    name: str = row["name"]
    return name


def test_scores_rank_segmenters_of_tumor_rois(client: TestClient, cohort: str) -> None:
    found = _ask(client, cohort)

    assert (found["by"], found["cohort"]) == ("score", cohort)
    assert [(each["segmenter"], round(each["mean"], 9)) for each in found["ranking"]] == [
        ("lung", 0.9),
        ("breast", 0.7),
        ("kidney", 0.3),
    ]
    assert found["ranking"][0]["rois"] == found["scored_rois"] > 0
    assert {each["is_native"] for each in found["ranking"]} <= {True, False}


def test_dice_and_both_rank_those_that_have_them(client: TestClient, database: Database, cohort: str) -> None:
    _evaluate(database, {"breast": 0.8, "kidney": 0.9})

    dice, both = _ask(client, cohort, by="dice"), _ask(client, cohort, by="both")

    assert [(each["segmenter"], round(each["mean"], 9), each["is_stated"]) for each in dice["ranking"]] == [
        ("kidney", 0.9, False),
        ("breast", 0.8, True),
    ]
    assert [each["segmenter"] for each in both["ranking"]] == ["breast", "kidney"]
    means = [[each[name] for name in ("mean", "score", "dice")] for each in both["ranking"]]
    assert means == [pytest.approx([0.75, 0.7, 0.8]), pytest.approx([0.6, 0.3, 0.9])]


def test_a_signed_consensus_counts_in_place_of_the_scores(client: TestClient, database: Database, cohort: str) -> None:
    with database.transaction() as connection:
        connection.execute(
            """
            INSERT INTO adjudications (study_id, output_id, reason, state, value)
            SELECT study_id, id, 'difference', 'signed', 0 FROM outputs WHERE number = 3
            """
        )

    found = _ask(client, cohort)

    assert [each["segmenter"] for each in found["ranking"]] == ["breast", "kidney", "lung"]


def test_a_cohort_without_scores_and_dice_has_no_ranking(client: TestClient, make_cohort: MakeCohort) -> None:
    make_cohort("C")

    found = _ask(client, "C")

    assert (found["by"], found["ranking"], found["scored_rois"]) == ("score", [], 0)


def test_what_cannot_be_asked_is_refused(client: TestClient, make_cohort: MakeCohort) -> None:
    make_cohort("C")
    path = "/v1/cohorts/C/recommendation"

    assert client.get("/v1/cohorts/X/recommendation").status_code == 404
    assert [client.get(path, params=query).status_code for query in ({"by": "name"}, {"draws": 1}, {"seed": -1})] == [
        422,
        422,
        422,
    ]

"""The web service counts its answers by route, whatever clients ask for, and the coordinator scores by account."""

from fastapi.testclient import TestClient

from pantile.catalog.database import Database
from pantile.coordinator.measuring import measure
from pantile.metrics import CATALOG
from pantile.queue import Sender
from tests.integration.web.scoring import OpenBrowser, put_score, read_case
from tests.shown_metrics import shown
from tests.study_fixture import SmallStudy


def answered(method: str, route: str, status: int) -> float:
    return shown("pantile_http_requests_total", method=method, route=route, status=str(status))


def test_answers_are_counted_and_timed_by_their_route_not_their_path(client: TestClient) -> None:
    route = "/v1/cohorts/{cohort}"
    before = answered("GET", route, 404), shown("pantile_http_answer_seconds_count", route=route)

    for name in ("A", "B"):
        client.get(f"/v1/cohorts/{name}")

    after = answered("GET", route, 404), shown("pantile_http_answer_seconds_count", route=route)
    assert after == (before[0] + 2, before[1] + 2)


def test_what_no_route_has_is_counted_as_one_and_a_refusal_by_its_route(
    client: TestClient, stranger: TestClient
) -> None:
    refused, missing = answered("GET", "/v1/cohorts", 401), answered("GET", "none", 404)

    stranger.get("/v1/cohorts")
    client.get("/nothing/here")
    client.get("/nothing/there")

    assert answered("GET", "/v1/cohorts", 401) == refused + 1
    assert answered("GET", "none", 404) == missing + 2


def test_a_method_that_a_client_made_up_is_not_a_label(client: TestClient) -> None:
    before = answered("other", "/v1/cohorts", 405)

    client.request("BREW", "/v1/cohorts")

    assert answered("other", "/v1/cohorts", 405) == before + 1


def test_scores_of_the_last_day_are_shown_by_the_accounts_number(
    small_study: SmallStudy, open_browser: OpenBrowser, database: Database, sender: Sender
) -> None:
    r1, key = open_browser("r1"), small_study.assignments["r1"][0]
    outputs = [pane["output"] for pane in read_case(r1, key)["panes"] if not pane["is_missing"]]
    for output in outputs[:3]:
        put_score(r1, key, output, 7, version=0).raise_for_status()
    with database.transaction() as connection:
        connection.execute(
            """
            UPDATE scores SET updated_at = now() - interval '25 h'
            WHERE output_id = (SELECT min(output_id) FROM scores)
            """
        )

    measure(database, sender)

    family = next(family for family in CATALOG.collect() if family.name == "pantile_scores_last_day")
    account = str(small_study.accounts["r1"])
    assert [(sample.labels, sample.value) for sample in family.samples] == [({"account": account}, 2.0)]

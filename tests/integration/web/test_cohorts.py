import json
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import anyio
import httpx
from fastapi.testclient import TestClient

from pantile.catalog import cohorts, pauses
from pantile.catalog.cohorts import Cohort
from pantile.catalog.database import Database
from pantile.web.events import POLL_S, stream_progress

MakeCohort = Callable[..., Cohort]


def _finish_all(database: Database, state: str = "succeeded") -> None:
    with database.transaction() as connection:
        connection.execute("UPDATE jobs SET state = %s, finished_at = now(), error = 'x'", [state])


def _events(lines: Iterator[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    name = ""
    for line in lines:
        if line.startswith("event: "):
            name = line.removeprefix("event: ")
        if line.startswith("data: "):
            yield name, json.loads(line.removeprefix("data: "))


def test_a_cohort_shows_its_counts(client: TestClient, make_cohort: MakeCohort) -> None:
    cohort = make_cohort(images=3)

    answer = client.get(f"/v1/cohorts/{cohort.name}").json()

    assert answer["rois"] == {"awaiting": 0, "arriving": 0, "stored": 3, "refused": 0, "withdrawn": 0}
    assert answer["jobs"] == {"waiting": 6, "running": 0, "succeeded": 0, "failed": 0, "cancelled": 0}
    assert answer["jobs_expected"] == 6
    assert {each["segmenter"]: each["jobs"]["waiting"] for each in answer["segmenters"]} == {"breast": 3, "lung": 3}
    assert not answer["settled"]


def test_a_cohort_is_found_by_name_and_by_id(client: TestClient, make_cohort: MakeCohort) -> None:
    cohort = make_cohort()

    by_id = client.get(f"/v1/cohorts/{cohort.id}")

    assert by_id.json()["name"] == cohort.name
    assert by_id.json()["id"] == client.get(f"/v1/cohorts/{cohort.name}").json()["id"]


def test_cohorts_are_paged_by_id(client: TestClient, make_cohort: MakeCohort) -> None:
    names = [make_cohort(f"cohort {number}", images=1).name for number in range(3)]

    first = client.get("/v1/cohorts", params={"limit": 2}).json()
    second = client.get("/v1/cohorts", params={"limit": 2, "after": first["next"]}).json()

    assert [cohort["name"] for cohort in first["cohorts"]] == names[:2]
    assert [cohort["name"] for cohort in second["cohorts"]] == names[2:]
    assert second["next"] is None


def test_cancelling_spares_jobs_that_another_cohort_holds(client: TestClient, make_cohort: MakeCohort) -> None:
    make_cohort("first", images=2)
    make_cohort("second", images=1)

    answer = client.post("/v1/cohorts/first/cancel")

    assert answer.json() == {"jobs_cancelled": 2}
    assert client.get("/v1/cohorts/second").json()["jobs"]["waiting"] == 2
    assert client.get("/v1/cohorts/first").json()["state"] == "cancelled"


def test_cancelling_twice_cancels_nothing_more(client: TestClient, make_cohort: MakeCohort) -> None:
    cohort = make_cohort()
    client.post(f"/v1/cohorts/{cohort.id}/cancel")

    assert client.post(f"/v1/cohorts/{cohort.id}/cancel").json() == {"jobs_cancelled": 0}


def test_a_paused_cohort_says_why_is_settled_and_can_be_resumed(
    client: TestClient, database: Database, make_cohort: MakeCohort
) -> None:
    cohort = make_cohort()
    with database.transaction() as connection:
        pauses.pause_cohort(connection, cohort, reason="3 of 3 failed", actor="ann")

    paused = client.get(f"/v1/cohorts/{cohort.name}").json()
    resumed = client.post(f"/v1/cohorts/{cohort.name}/resume")
    again = client.post(f"/v1/cohorts/{cohort.name}/resume")

    assert (paused["state"], paused["pause_reason"], paused["settled"]) == ("paused", "3 of 3 failed", True)
    assert resumed.json() == {"jobs_waiting": 4}
    assert client.get(f"/v1/cohorts/{cohort.name}").json()["pause_reason"] is None
    assert again.status_code == 409
    assert again.json()["detail"] == f"Only a paused cohort can be resumed: {cohort.name} is open"


def test_a_cohort_is_paused_by_hand_with_a_reason(client: TestClient, make_cohort: MakeCohort) -> None:
    cohort = make_cohort()

    paused = client.post(f"/v1/cohorts/{cohort.name}/pause", json={"reason": "  the scanner\nis looked at "})
    again = client.post(f"/v1/cohorts/{cohort.name}/pause", json={"reason": "another"})

    assert (paused.json()["state"], paused.json()["pause_reason"]) == ("paused", "the scanner is looked at")
    assert paused.json()["jobs"]["waiting"] == 4
    assert again.status_code == 409
    assert again.json()["detail"] == f"Only an open cohort can be paused: {cohort.name} is paused"
    assert client.post(f"/v1/cohorts/{cohort.name}/resume").json() == {"jobs_waiting": 4}


def test_a_pause_without_a_reason_is_refused(client: TestClient, make_cohort: MakeCohort) -> None:
    cohort = make_cohort()

    refused = [
        client.post(f"/v1/cohorts/{cohort.name}/pause", json=body)
        for body in ({}, {"reason": " "}, {"reason": "x" * 501}, {"reason": "a\u0000b"})
    ]

    assert [answer.status_code for answer in refused] == [422] * 4
    assert "say why the cohort is to be paused" in refused[1].json()["detail"]
    assert client.get(f"/v1/cohorts/{cohort.name}").json()["state"] == "open"


def test_a_cancelled_cohort_is_settled_though_uploads_never_came(client: TestClient, lung: str) -> None:
    roi = {"path": "scan.jpg", "mpp": 0.5, "cohort": "pilot", "sha256": "a" * 64}
    client.post("/v1/cohorts", json={"rois": [roi], "segmenters": [lung]})
    client.post("/v1/cohorts/pilot/cancel")

    answer = client.get("/v1/cohorts/pilot").json()

    assert answer["rois"]["awaiting"] == 1
    assert answer["settled"]


def test_events_of_a_settled_cohort_end_at_once(
    client: TestClient, database: Database, make_cohort: MakeCohort
) -> None:
    cohort = make_cohort()
    _finish_all(database)

    answer = client.get(f"/v1/cohorts/{cohort.id}/events")

    assert answer.headers["content-type"].startswith("text/event-stream")
    events = list(_events(iter(answer.text.splitlines())))
    assert [name for name, _ in events] == ["progress", "settled"]
    assert events[-1][1]["jobs"]["succeeded"] == 4


def _follow(web_url: str, cohort: Cohort, token: str) -> AbstractContextManager[httpx.Response]:
    headers = {"Authorization": f"Bearer {token}"}
    return httpx.stream("GET", f"{web_url}/v1/cohorts/{cohort.id}/events", headers=headers, timeout=20)


def test_events_follow_a_cohort_until_it_is_settled(
    web_url: str, api_token: str, database: Database, make_cohort: MakeCohort
) -> None:
    cohort = make_cohort()

    with _follow(web_url, cohort, api_token) as answer:
        events = _events(answer.iter_lines())
        first = next(events)
        with database.transaction() as connection:
            cohorts.cancel_cohort(connection, cohort.id, actor="test")
        rest = list(events)

    assert (first[0], first[1]["jobs"]["waiting"]) == ("progress", 4)
    assert [name for name, _ in rest] == ["progress", "settled"]
    assert rest[-1][1]["jobs"]["cancelled"] == 4


def test_nothing_is_measured_for_a_reader_who_has_gone(
    web_url: str, api_token: str, database: Database, make_cohort: MakeCohort
) -> None:
    cohort = make_cohort()
    with _follow(web_url, cohort, api_token) as answer:
        next(_events(answer.iter_lines()))
    time.sleep(3 * POLL_S)

    with database.transaction() as connection:
        idle_s = connection.execute(
            """
            SELECT min(extract(epoch FROM clock_timestamp() - state_change)) AS seconds FROM pg_stat_activity
            WHERE application_name = 'pantile web' AND datname = current_database()
            """
        ).fetchone()

    assert idle_s is not None
    assert idle_s["seconds"] > 1.5 * POLL_S


def test_events_end_when_the_service_stops(database: Database, make_cohort: MakeCohort) -> None:
    cohort = make_cohort()
    stopping = iter([False, False, True])

    async def is_admitted() -> bool:
        return True

    async def read() -> list[str]:
        stream = stream_progress(
            database,
            cohort.name,
            limiter=anyio.CapacityLimiter(1),
            is_stopping=lambda: next(stopping),
            is_admitted=is_admitted,
        )
        return [part async for part in stream]

    parts = anyio.run(read)

    assert [part.split("\n")[0] for part in parts] == ["retry: 2000", "event: progress"]


def test_an_unknown_cohort_is_not_found(client: TestClient) -> None:
    for answer in (
        client.get("/v1/cohorts/none"),
        client.get("/v1/cohorts/999"),
        client.get("/v1/cohorts/none/events"),
        client.get("/v1/cohorts/none/uploads"),
        client.get("/v1/cohorts/none/results"),
        client.post("/v1/cohorts/none/cancel"),
        client.post("/v1/cohorts/none/overlays"),
        client.get("/v1/jobs", params={"cohort": "none"}),
    ):
        assert answer.status_code == 404
        assert answer.json()["detail"].startswith("There is no such cohort: ")

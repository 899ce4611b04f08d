"""How many statements the requests of scoring take in a study as large as the article's."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from fastapi.testclient import TestClient

from pantile.catalog.database import Database
from tests.integration.web.scoring import OpenBrowser, put_score, read_case
from tests.large_study import LARGE, enlarge
from tests.study_fixture import SmallStudy

AT_MOST = {"queue": 8, "filtered queue": 8, "next": 5, "case": 5, "events": 6, "score": 6, "complete": 9}


@pytest.fixture
def statements(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every statement that is sent to PostgreSQL from now on, but for the pool's look at its connections."""
    sent: list[str] = []
    execute = psycopg.Cursor.execute

    def record(cursor: Any, query: Any, *arguments: Any, **options: Any) -> Any:
        if query:
            sent.append(str(query))
        return execute(cursor, query, *arguments, **options)

    monkeypatch.setattr(psycopg.Cursor, "execute", record)
    return sent


@contextmanager
def _counted(statements: list[str], counts: dict[str, int], name: str) -> Iterator[None]:
    before = len(statements)
    yield
    counts[name] = len(statements) - before


def test_requests_take_a_bounded_number_of_statements(
    database: Database, small_study: SmallStudy, open_browser: OpenBrowser, statements: list[str]
) -> None:
    """Check 42, the counts; the times are measured by `make bench-web`."""
    enlarge(database, small_study)
    r1, key = open_browser("r1"), small_study.assignments["r1"][0]
    counts: dict[str, int] = {}
    queue = "/v1/studies/pan-cancer/queue"

    with _counted(statements, counts, "queue"):
        page = r1.get(queue, params={"limit": 1000}).json()
    with _counted(statements, counts, "filtered queue"):
        found = r1.get(queue, params={"flagged": True, "status": "done", "q": "x", "limit": 1000}).json()
    with _counted(statements, counts, "next"):
        r1.get("/v1/studies/pan-cancer/next", params={"after": str(key), "unscored": True})
    with _counted(statements, counts, "case"):
        case = read_case(r1, key)
    with _counted(statements, counts, "score"):
        assert put_score(r1, key, case["panes"][0]["output"], 7, version=0).status_code == 200
    with _counted(statements, counts, "events"):
        r1.get(f"/v1/assignments/{key}/events")
    with _counted(statements, counts, "complete"):
        assert r1.post(f"/v1/assignments/{key}/complete", json={"skip_missing": True}).status_code == 200

    assert (page["total"], case["total"], len(page["cases"]), found["cases"]) == (LARGE, LARGE, 1000, [])
    assert {name: count for name, count in counts.items() if count > AT_MOST[name]} == {}
    assert min(counts.values()) > 1


def test_what_admins_ask_takes_a_bounded_number_of_statements(
    client: TestClient, database: Database, small_study: SmallStudy, statements: list[str]
) -> None:
    """Check 42, for a study's figures and tables."""
    enlarge(database, small_study)
    study = "/v1/studies/pan-cancer"
    counts: dict[str, int] = {}

    for path in ("", "/progress", "/agreement", "/disagreements", "/adjudications", "/answers", "/export", "/rois"):
        with _counted(statements, counts, path):
            assert client.get(f"{study}{path}").status_code == 200, path

    assert {path: count for path, count in counts.items() if count > 9} == {}
    assert min(counts.values()) > 1

"""What pages for whoever runs cohorts read of a catalog as large as the article's: 10,912 ROIs, 54,560 jobs.

Rows are counted, not seconds: a page that reads a few thousand rows answers within 200 ms on any machine.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from fastapi.testclient import TestClient

from pantile.catalog.database import Database
from tests.integration.web.scoring import OpenBrowser
from tests.large_study import LARGE, enlarge
from tests.study_fixture import SmallStudy

PAGE = {"Accept": "text/html"}
STATEMENTS = 9
ROWS = 3_000
EVERY_ROI = LARGE + ROWS
"""A page that counts a cohort's ROIs reads all of them, from the index alone."""

PAGES = {
    "/cohorts": EVERY_ROI,
    "/cohorts?q=skcm&state=open": EVERY_ROI,
    "/cohorts/TCGA-SKCM": 2 * EVERY_ROI,  # once by state, once for the jobs that are to come
    "/gallery?cohort=TCGA-SKCM": ROWS,
    "/gallery?cohort=TCGA-SKCM&segmenter=lung": ROWS,
    "/gallery?cohort=TCGA-SKCM&segmenter=lung&after=6000": ROWS,
    "/gallery?cohort=TCGA-SKCM&q=copy-10912": EVERY_ROI,
    "/gallery/1": ROWS,
    "/gallery/30001": ROWS,
    "/failures": 5 * ROWS,
    "/failures?cohort=TCGA-SKCM&segmenter=lung": 5 * ROWS,
    "/failures/SegmenterBroken": 5 * ROWS,
    "/segmenters": ROWS,
    "/workers": ROWS,
    "/submit": ROWS,
}


@contextmanager
def _sent(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[str, Any]]]:
    """The statements that this process sends within the block, with their values."""
    sent: list[tuple[str, Any]] = []
    execute = psycopg.Cursor.execute

    def record(self: Any, query: Any, params: Any = None, **options: Any) -> Any:
        if str(query).strip():
            sent.append((str(query), params))
        return execute(self, query, params, **options)

    with monkeypatch.context() as patch:
        patch.setattr(psycopg.Cursor, "execute", record)
        yield sent


def _rows_read(plan: dict[str, Any]) -> int:
    """The rows that a plan's scans met, those that they passed over included."""
    met = plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0) + plan.get("Rows Removed by Index Recheck", 0)
    own = round(met * plan["Actual Loops"]) if "Relation Name" in plan else 0
    return own + sum(_rows_read(part) for part in plan.get("Plans", []))


def _explain(database: Database, statement: str, values: Any) -> int:
    with database.transaction() as connection:
        row = connection.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", values).fetchone()
        assert row is not None
        return _rows_read(row["QUERY PLAN"][0]["Plan"])


def _fill(database: Database, study: SmallStudy) -> None:
    """The study at the article's size, its jobs counted, a few of them failed and running."""
    enlarge(database, study)
    with database.transaction() as connection:
        connection.execute(
            """
            UPDATE jobs SET state = 'failed', error_kind = 'SegmenterBroken', error = 'no ' || id, finished_at = now()
            WHERE id % 50 = 0
            """
        )
        connection.execute("DELETE FROM class_maps WHERE job_id IN (SELECT id FROM jobs WHERE state = 'failed')")
        connection.execute("DELETE FROM job_counts")
        connection.execute(
            """
            INSERT INTO job_counts (cohort_id, segmenter_id, state, jobs, at)
            SELECT cj.cohort_id, j.segmenter_id, j.state, count(*), '-infinity'
            FROM cohort_jobs cj JOIN jobs j ON j.id = cj.job_id GROUP BY 1, 2, 3
            """
        )
        connection.execute(
            """
            UPDATE class_maps cm SET class_pixels = array_fill(1000, ARRAY[jsonb_array_length(s.card->'classes')])
            FROM jobs j JOIN segmenters s ON s.id = j.segmenter_id WHERE j.id = cm.job_id
            """
        )
        connection.execute("ANALYZE")


def _get(browser: TestClient, address: str) -> None:
    answer = browser.get(address, headers=PAGE)
    assert answer.status_code == 200, (address, answer.text)


def test_pages_read_few_rows_in_few_statements(
    small_study: SmallStudy, open_browser: OpenBrowser, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    _fill(database, small_study)
    browser = open_browser("admin")
    read: dict[str, int] = {}
    for address in PAGES:
        _get(browser, address)
        with _sent(monkeypatch) as sent:
            _get(browser, address)
        assert 0 < len(sent) <= STATEMENTS, (address, sent)
        selects = [each for each in sent if each[0].split()[0] in {"SELECT", "WITH"}]
        read[address] = sum(_explain(database, *each) for each in selects)

    assert {address: rows for address, rows in read.items() if not 0 < rows <= PAGES[address]} == {}

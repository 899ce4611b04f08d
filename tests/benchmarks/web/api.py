"""The API's times: a rater's requests one after another, and then those of eight at once."""

import random
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from uuid import uuid4

import httpx
import numpy as np

from pantile.catalog.database import Database
from pantile.catalog.schema import migrate
from pantile.catalog.score_events import verify_study
from pantile.cli.screen import say, show_table
from pantile.local.stack import Stack
from tests.benchmarks.web.exports import measure_exports
from tests.large_study import LARGE, enlarge
from tests.serving import free_port, served
from tests.study_fixture import SmallStudy, browser_of, make_study

_AT_ONCE = 8
_WARM_UP = 10

Ask = Callable[[httpx.Client, str], httpx.Response]
"""A request about a case, of which the key is given."""


def measure_api(*, requests: int) -> None:
    """Takes all measurements in an installation that is thrown away, and prints them."""
    # As root, PostgreSQL runs as another user, who has to be let in: no folder of this user's own.
    with tempfile.TemporaryDirectory(prefix="pantile-web-") as home, Stack(Path(home), processes=[]) as stack:
        settings = stack.settings()
        migrate(settings.database_url.get_secret_value())
        database = Database.from_settings(settings, application="pantile bench")
        study = make_study(database)
        enlarge(database, study)
        port = free_port()
        with served(settings, port):
            url = f"http://127.0.0.1:{port}"
            _print(_measure(database, study, url, requests=requests), requests)
            measure_exports(browser_of(database, study.accounts["admin"], url=url))
        _say_verification(database, study)
        database.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Times:
    """How long one kind of request took: alone, and beside seven others."""

    name: str
    alone_ms: Sequence[float]
    crowded_ms: Sequence[float]


def _measure(database: Database, study: SmallStudy, url: str, *, requests: int) -> list[_Times]:
    browser = browser_of(database, study.accounts["r1"], url=url)
    keys = random.Random(1).sample(_pending_keys(browser), 2 * requests + _WARM_UP)
    outputs = {key: browser.get(f"/v1/assignments/{key}").json()["panes"][0]["output"] for key in keys}
    asks: dict[str, Ask] = {
        "queue, 100 cases": lambda client, _: client.get("/v1/studies/pan-cancer/queue"),
        "queue, searched": lambda client, _: client.get(
            "/v1/studies/pan-cancer/queue", params={"q": "necrosis", "status": "done"}
        ),
        "resume": lambda client, _: client.get("/v1/studies/pan-cancer/next"),
        "next unscored": lambda client, key: client.get(
            "/v1/studies/pan-cancer/next", params={"after": key, "unscored": True}
        ),
        "case": lambda client, key: client.get(f"/v1/assignments/{key}"),
        "score": lambda client, key: _score(client, key, outputs[key]),
        "complete and reopen": _complete,
    }
    found = []
    for name, ask in asks.items():
        for key in keys[2 * requests :]:
            ask(browser, key)
        alone = [_timed(ask, browser, key) for key in keys[:requests]]
        with ThreadPoolExecutor(_AT_ONCE) as crowd:
            crowded = list(crowd.map(partial(_timed, ask, browser), keys[requests : 2 * requests]))
        found.append(_Times(name=name, alone_ms=alone, crowded_ms=crowded))
    return found


def _pending_keys(browser: httpx.Client) -> list[str]:
    page = browser.get("/v1/studies/pan-cancer/queue", params={"status": "pending", "limit": 1000}).json()
    return [case["key"] for case in page["cases"]]


def _score(browser: httpx.Client, key: str, output: str) -> httpx.Response:
    headers = {"If-Match": '"v0"', "Idempotency-Key": str(uuid4())}
    return browser.put(f"/v1/assignments/{key}/scores/{output}", json={"value": 7}, headers=headers)


def _complete(browser: httpx.Client, key: str) -> httpx.Response:
    browser.post(f"/v1/assignments/{key}/complete", json={"skip_missing": True})
    return browser.post(f"/v1/assignments/{key}/reopen", json={"reason": "once more"})


def _timed(ask: Ask, browser: httpx.Client, key: str) -> float:
    began = time.perf_counter()
    answer = ask(browser, key)
    took_ms = 1000 * (time.perf_counter() - began)
    assert answer.status_code == 200, answer.text
    return took_ms


def _print(found: Sequence[_Times], requests: int) -> None:
    say(f"\nThe API beside {LARGE:,} ROIs and {5 * LARGE:,} outputs: ms, {requests} requests each")
    show_table(
        ("request", "median", "95 %", f"median of {_AT_ONCE} at once", f"95 % of {_AT_ONCE} at once"),
        [
            (
                each.name,
                *(
                    f"{part:.1f}"
                    for times in (each.alone_ms, each.crowded_ms)
                    for part in np.percentile(times, (50, 95))
                ),
            )
            for each in found
        ],
    )


def _say_verification(database: Database, study: SmallStudy) -> None:
    began = time.perf_counter()
    with database.transaction() as connection:
        verified = verify_study(connection, study.study_id)
    took_s = time.perf_counter() - began
    say(f"\nVerification of {verified.assignments:,} assignments with {verified.events:,} events: {took_s:.1f} s")

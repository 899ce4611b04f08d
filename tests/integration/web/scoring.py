"""What tests of scoring ask of the API, in a few words each."""

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import httpx
from fastapi.testclient import TestClient

OpenBrowser = Callable[[str], TestClient]
"""A browser in which an account of the small study is signed in: `open_browser("r1")`."""


def read_case(browser: TestClient | httpx.Client, key: UUID) -> Any:
    """The case of an assignment."""
    answer = browser.get(f"/v1/assignments/{key}")
    assert answer.status_code == 200, answer.text
    return answer.json()


def put_score(
    browser: TestClient | httpx.Client,
    assignment: UUID,
    output: str,
    value: int | None,
    *,
    version: int,
    key: str = "",
    **more: Any,
) -> Any:
    """Sets a score, with a key of its own where none is given."""
    return browser.put(
        f"/v1/assignments/{assignment}/scores/{output}",
        json={"value": value, **more},
        headers={"If-Match": f'"v{version}"', "Idempotency-Key": key or str(uuid4())},
    )


def conflict_of(refused: Any) -> Any:
    """The score as it is, that a refusal tells."""
    return refused.json()["current"]


Rule = Callable[[str], int | None]
"""The score of an output, by its key."""


def score_cases(browser: TestClient | httpx.Client, study: str, rule: Rule) -> list[UUID]:
    """Scores and completes all cases of a rater that are not done; gives their keys."""
    queue = browser.get(f"/v1/studies/{study}/queue", params={"limit": 1000}).json()
    keys = [UUID(case["key"]) for case in queue["cases"] if case["status"] in {"pending", "open"}]
    for key in keys:
        for pane in read_case(browser, key)["panes"]:
            value = None if pane["is_missing"] else rule(pane["output"])
            if value is not None:
                put_score(browser, key, pane["output"], value, version=0).raise_for_status()
        browser.post(f"/v1/assignments/{key}/complete", json={"skip_missing": True}).raise_for_status()
    return keys

from typing import Any

import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr

from pantile.settings import Settings
from pantile.web.app import create_app
from pantile.web.body_limit import MAX_BODY_BYTES, MAX_MANIFEST_BYTES

SHAPE = {"type", "title", "status", "detail"}


def _check_problem(answer: Any, status: int) -> str:
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert set(answer.json()) == SHAPE
    assert answer.json()["status"] == status
    return str(answer.json()["detail"])


def test_what_is_not_there_is_a_problem(client: TestClient) -> None:
    assert _check_problem(client.get("/v2/cohorts"), 404) == "There is nothing at /v2/cohorts."


def test_a_method_that_is_not_possible_is_a_problem(client: TestClient) -> None:
    answer = client.delete("/v1/jobs/1")

    assert _check_problem(answer, 405) == "DELETE is not possible at /v1/jobs/1."
    assert answer.headers["allow"] == "GET"


@pytest.mark.parametrize(
    ("path", "limit", "shown"),
    [("/v1/cohorts", MAX_MANIFEST_BYTES, "64 MiB"), ("/v1/segmenters", MAX_BODY_BYTES, "2 MiB")],
)
def test_a_body_too_large_is_a_problem(client: TestClient, path: str, limit: int, shown: str) -> None:
    answer = client.post(path, content=b"x" * (limit + 1), headers={"content-type": "application/json"})

    assert _check_problem(answer, 413) == f"The request is larger than {shown}."


@pytest.mark.parametrize("size", ["9" * 30, str(MAX_BODY_BYTES + 1)])
def test_a_body_that_is_announced_too_large_is_not_read(client: TestClient, size: str) -> None:
    headers = {"content-type": "application/json", "content-length": size}

    _check_problem(client.post("/v1/segmenters", content=b"{}", headers=headers), 413)


def test_a_body_that_hides_its_size_is_counted(client: TestClient) -> None:
    pieces = (b"x" * (1 << 20) for _ in range((MAX_MANIFEST_BYTES >> 20) + 1))

    answer = client.post("/v1/cohorts", content=pieces, headers={"content-type": "application/json"})

    assert _check_problem(answer, 413)


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 100_000,
        b'{"bytes": ' + b"9" * 10_000 + b', "sha256": ""}',
        b'{"bytes": 1e999, "sha256": ""}',
        b'{"bytes": NaN, "sha256": ""}',
        b'{"sha256": "\\ud800", "bytes": 1}',
        b'{"a": ' * 50_000 + b"1" + b"}" * 50_000,
        b"\xff\xfe{",
    ],
)
@pytest.mark.parametrize("path", ["/v1/cohorts", "/v1/checkpoints"])
def test_json_bombs_are_problems(client: TestClient, path: str, body: bytes) -> None:
    answer = client.post(path, content=body, headers={"content-type": "application/json"})

    assert answer.status_code in {400, 422}
    assert len(_check_problem(answer, answer.status_code)) < 300


def test_a_flood_of_fields_is_one_problem(client: TestClient) -> None:
    flood = {f"field {number}": 0 for number in range(1000)}

    detail = _check_problem(client.post("/v1/checkpoints", json=flood), 422)

    assert detail == "the body: it has 1000 fields, and 2 are known."


def test_several_wrong_fields_are_counted(client: TestClient) -> None:
    answer = client.post("/v1/checkpoints", json={"sha256": "x", "bytes": 0, "colour": "red"})

    assert _check_problem(answer, 422).startswith("sha256: string should match pattern")
    assert _check_problem(answer, 422).endswith("(and 2 more).")


def test_a_missing_body_is_a_problem(client: TestClient) -> None:
    assert _check_problem(client.post("/v1/checkpoints"), 422) == "the body: field required."


def test_a_server_that_is_down_is_a_problem_that_tells_no_secrets(settings: Settings) -> None:
    secret = "postgresql://somebody:hunter2@127.0.0.1:9/x"
    headers = {"Authorization": f"Bearer {settings.api_token.get_secret_value()}"}
    app = create_app(settings.model_copy(update={"database_url": SecretStr(secret)}))
    with TestClient(app, headers=headers) as client:
        answer = client.get("/v1/cohorts")

    assert _check_problem(answer, 503) == "PostgreSQL does not answer, or not in time."
    assert answer.headers["retry-after"] == "5"


def test_what_nobody_foresaw_is_a_problem_without_a_trace(settings: Settings) -> None:
    def break_down() -> dict[str, Any]:
        raise RuntimeError("inner secret")

    app = create_app(settings)
    app.openapi = break_down  # type: ignore[method-assign]  # FastAPI's own way to replace it
    with TestClient(app, raise_server_exceptions=False) as client:
        answer = client.get("/openapi.json")

    assert _check_problem(answer, 500) == "Something went wrong on our side; it is in the log."


@pytest.mark.parametrize("query", ["roi=%00", "segmenter=a%00b", "cohort=%00"])
def test_nul_in_a_query_is_a_problem(client: TestClient, query: str) -> None:
    _check_problem(client.get(f"/v1/jobs?{query}"), 422)


def test_nul_in_a_path_is_a_problem(client: TestClient) -> None:
    _check_problem(client.get("/v1/cohorts/%00"), 422)

from typing import Any

import pytest

from pantile.settings import Settings
from pantile.web.app import create_app
from pantile.web.errors import HTTP_STATUS, PROBLEM_MEDIA_TYPE


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    """The OpenAPI document."""
    return create_app(Settings()).openapi()


def _operations(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        f"{method} {path}": operation
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
    }


def test_each_operation_has_summary_description_and_tag(document: dict[str, Any]) -> None:
    tags = {tag["name"] for tag in document["tags"]}

    for name, operation in _operations(document).items():
        assert operation["summary"], name
        assert operation["description"], name
        assert set(operation["tags"]) <= tags, name


def test_operation_ids_are_short_and_their_own(document: dict[str, Any]) -> None:
    ids = [operation["operationId"] for operation in _operations(document).values()]

    assert len(set(ids)) == len(ids)
    assert all(identifier.isidentifier() and len(identifier) < 25 for identifier in ids)


def test_each_error_is_documented_as_a_problem(document: dict[str, Any]) -> None:
    for name, operation in _operations(document).items():
        if "/v1/" not in name:
            continue
        errors = {status: each for status, each in operation["responses"].items() if status[0] in "45"}
        assert {"401", "403", "422", "500", "503"} <= set(errors), name
        assert "404" in errors or "{" not in name, name
        for status, response in errors.items():
            assert list(response["content"]) == [PROBLEM_MEDIA_TYPE], (name, status)


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]

    def references(part: Any) -> list[str]:
        if isinstance(part, dict):
            own = [part["$ref"]] if isinstance(part.get("$ref"), str) else []
            return own + [found for value in part.values() for found in references(value)]
        return [found for value in part for found in references(value)] if isinstance(part, list) else []

    for reference in references(document):
        assert reference.rpartition("/")[2] in schemas, reference


def test_a_submission_is_documented_in_both_its_forms(document: dict[str, Any]) -> None:
    content = document["paths"]["/v1/cohorts"]["post"]["requestBody"]["content"]

    assert set(content) == {"application/json", "text/csv"}
    assert "rois" in document["components"]["schemas"]["SubmissionIn"]["properties"]


def test_every_status_of_the_table_is_one_that_a_route_may_document() -> None:
    assert set(HTTP_STATUS.values()) <= {401, 403, 404, 409, 412, 422, 429, 500, 503}

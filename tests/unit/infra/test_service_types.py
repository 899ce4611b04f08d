"""The TypeScript that is written out of the service's description."""

import runpy
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).parents[3] / "infra" / "setup" / "service_types.py"
_script = runpy.run_path(str(SCRIPT))
type_of = _script["type_of"]


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": "string", "format": "uuid"}, "string"),
        ({"enum": ["open", "done"], "type": "string"}, '"open" | "done"'),
        ({"const": "png", "type": "string"}, '"png"'),
        ({"anyOf": [{"type": "integer"}, {"type": "number"}, {"type": "null"}]}, "number | null"),
        ({"type": "array", "items": {"$ref": "#/components/schemas/PaneOut"}}, "readonly PaneOut[]"),
        ({"type": "array", "items": {"enum": ["a", "b"]}}, 'readonly ("a" | "b")[]'),
        ({"type": "object", "additionalProperties": {"type": "string"}}, "Readonly<Record<string, string>>"),
        (
            {
                "type": "object",
                "additionalProperties": {"type": "string"},
                "propertyNames": {"$ref": "#/components/schemas/TissueType"},
            },
            "Readonly<Partial<Record<TissueType, string>>>",
        ),
        ({}, "unknown"),
    ],
)
def test_schemas_are_told_as_types(schema: dict[str, Any], expected: str) -> None:
    assert type_of(schema) == expected


def test_a_schema_that_is_not_understood_is_no_type_at_all() -> None:
    with pytest.raises(KeyError):
        type_of({"type": "sequence"})


def test_what_the_page_knows_is_what_the_service_describes() -> None:
    assert _script["main"](["--check"]) == 0

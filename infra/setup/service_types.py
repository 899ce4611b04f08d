"""Writes what the pages with scripts know of `/v1` as TypeScript, out of the service's own description.

`python infra/setup/service_types.py` renews `services/pantile/web/viewer/src/service.ts`; with `--check` it fails where
that file is not what the description says. The compiler then finds whatever in the page does not fit.
"""

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pantile.settings import Settings
from pantile.web.app import create_app

TARGET = Path(__file__).parents[2] / "services/pantile/web/viewer/src/service.ts"

SHAPES = (
    "AdjudicationOut",
    "CaseOut",
    "ClaimOut",
    "CommentIn",
    "CompleteIn",
    "CutOutAnswer",
    "EventList",
    "ExampleList",
    "FlagIn",
    "MeOut",
    "NextCase",
    "PlacingConflictProblem",
    "PlacingIn",
    "PlacingPage",
    "ReasonIn",
    "ScoreConflictProblem",
    "ScoreIn",
    "SignIn",
    "TimingIn",
)
"""What the pages ask and are answered; the shapes that these are made of come with them."""

_HEADER = (
    "/** The shapes of `/v1` that our pages meet. Written by infra/setup/service_types.py out of the service's "
    "description: not by hand. */"
)
_PLAIN = {"string": "string", "integer": "number", "number": "number", "boolean": "boolean", "null": "null"}
_REFERENCE = "#/components/schemas/"

Schema = Mapping[str, Any]


def service_types(document: Schema) -> str:
    """The TypeScript of `SHAPES` and of all that they are made of, by name."""
    schemas = document["components"]["schemas"]
    needed: dict[str, None] = {}
    waiting = list(SHAPES)
    while waiting:
        name = waiting.pop()
        if name not in needed:
            needed[name] = None
            waiting += _references(schemas[name])
    return "\n\n".join([_HEADER, *(_declaration(name, schemas[name]) for name in sorted(needed))]) + "\n"


def _references(schema: object) -> Iterator[str]:
    if isinstance(schema, Mapping):
        if "$ref" in schema:
            yield schema["$ref"].removeprefix(_REFERENCE)
        schema = list(schema.values())
    if isinstance(schema, list):
        for part in schema:
            yield from _references(part)


def _declaration(name: str, schema: Schema) -> str:
    about = " ".join(schema.get("description", "").split())
    comment = f"/** {about} */\n" if about else ""
    if "properties" not in schema:
        return f"{comment}export type {name} = {type_of(schema)};"
    required = set(schema.get("required", ()))
    fields = (_field(field, each, is_required=field in required) for field, each in schema["properties"].items())
    return "\n".join([f"{comment}export interface {name} {{", *fields, "}"])


def _field(name: str, schema: Schema, *, is_required: bool) -> str:
    about = " ".join(schema.get("description", "").split())
    comment = f"  /** {about} */\n" if about else ""
    return f"{comment}  readonly {name}{'' if is_required else '?'}: {type_of(schema)};"


def type_of(schema: Schema) -> str:
    """A schema as a type; what this does not know is an error, and not `unknown`."""
    if "$ref" in schema:
        return str(schema["$ref"]).removeprefix(_REFERENCE)
    if "const" in schema or "enum" in schema:
        return " | ".join(f'"{word}"' for word in schema.get("enum", [schema.get("const")]))
    if "anyOf" in schema:
        return " | ".join(dict.fromkeys(type_of(each) for each in schema["anyOf"]))
    kind = schema.get("type")
    if kind == "array":
        inner = type_of(schema["items"])
        return f"readonly ({inner})[]" if " " in inner else f"readonly {inner}[]"
    if kind == "object":
        return _record(schema)
    return _PLAIN[kind] if kind else "unknown"


def _record(schema: Schema) -> str:
    inner = schema["additionalProperties"]
    value = "unknown" if inner is True else type_of(inner)
    names = schema.get("propertyNames", {})
    if "$ref" in names:
        return f"Readonly<Partial<Record<{type_of(names)}, {value}>>>"
    return f"Readonly<Record<string, {value}>>"


def main(arguments: list[str]) -> int:
    """Writes the file, or with `--check` says whether it is up to date."""
    written = service_types(create_app(Settings()).openapi())
    if arguments != ["--check"]:
        TARGET.write_text(written, "utf-8")
        return 0
    if TARGET.exists() and TARGET.read_text("utf-8") == written:
        return 0
    sys.stderr.write(f"{TARGET.name} is not what the service describes: run `python infra/setup/service_types.py`\n")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

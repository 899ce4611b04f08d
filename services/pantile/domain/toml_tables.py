"""Tables of TOML: read strictly into the dataclass that describes them, and written for people to read."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, fields, is_dataclass
from enum import StrEnum
from types import NoneType, UnionType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

Kind = TypeVar("Kind")


def read_table(kind: type[Kind], table: object, *, where: str = "") -> Kind:
    """The dataclass `kind` out of a table, whose keys are its fields; `where` is the table's own name.

    Fields may be strings, numbers, booleans, members of a `StrEnum`, tuples and mappings of these, other such
    dataclasses, or any of them or None.

    Raises:
        ValueError: a key is missing or unknown, or its value is of another type; the sentence names the key.
    """
    if not isinstance(table, Mapping):
        raise ValueError(f"{where or 'the document'} must be a table")  # noqa: TRY004 — of a file, not of a caller
    known = {field.name: field for field in fields(kind)}  # type: ignore[arg-type]  # a dataclass, says the docstring
    prefix = f"{where}." if where else ""
    if unknown := sorted(str(key) for key in table.keys() - known.keys()):
        raise ValueError(f"unknown key {prefix}{unknown[0]}; known are {', '.join(known)}")
    for name, field in known.items():
        if name not in table and field.default is MISSING and field.default_factory is MISSING:
            raise ValueError(f"the key {prefix}{name} is missing")
    hints = get_type_hints(kind)
    return kind(**{name: _read(hints[name], value, prefix + name) for name, value in table.items()})


def _read(hint: Any, value: Any, where: str) -> Any:
    """The value as the type `hint` wants it."""
    origin, parts = get_origin(hint), get_args(hint)
    if origin is UnionType:
        return None if value is None else _read(next(part for part in parts if part is not NoneType), value, where)
    if origin is tuple and isinstance(value, Sequence) and not isinstance(value, str):
        return tuple(_read(parts[0], each, where) for each in value)
    if origin is not None and issubclass(origin, Mapping) and isinstance(value, Mapping):
        # Keys of TOML are strings, whatever they stand for.
        return {_read_key(parts[0], key, where): _read(parts[1], each, f"{where}.{key}") for key, each in value.items()}
    if is_dataclass(hint):
        return read_table(hint, value, where=where)  # type: ignore[arg-type]  # a class, as fields' types are
    return _read_plain(hint, value, where)


def _read_key(kind: type[str | int], key: str | int, where: str) -> str | int:
    try:
        return kind(key)
    except ValueError as error:
        raise ValueError(f"{where} has the key {key}, which is no whole number") from error


def _read_plain(kind: Any, value: Any, where: str) -> Any:
    if origin := get_origin(kind):
        raise ValueError(f"{where} must be {'a list' if origin is tuple else 'a table'}, not {value!r}")
    if issubclass(kind, StrEnum):
        if value not in list(kind):
            raise ValueError(f"{where} is {' or '.join(kind)}, not {value!r}")
        return kind(value)
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if type(value) is not kind:
        raise ValueError(f"{where} must be {_NAMES[kind]}, not {value!r}")
    return value


_NAMES = {str: "a string", int: "a whole number", float: "a number", bool: "true or false"}


def write_table(table: Mapping[str, Any]) -> str:
    """The `key = value` lines of a table; what is None or holds nothing is left out."""
    return "".join(write_line(key, value) for key, value in table.items() if value not in _NOTHING)


_NOTHING: tuple[object, ...] = (None, "", [], (), {})


def write_line(key: object, value: object) -> str:
    """One `key = value` line."""
    return f"{write_key(key)} = {_value(value)}\n"


def write_key(key: object) -> str:
    """A key, bare where TOML allows it."""
    text = str(key)
    is_bare = text.isascii() and text.replace("_", "").replace("-", "").isalnum()
    return text if is_bare else _string(text)


def _value(value: Any) -> str:
    match value:
        case str() if "\n" in value:
            return '"""\n' + "\n".join(_string(line)[1:-1] for line in value.split("\n")) + '"""'
        case str():
            return _string(value)
        case Mapping():
            return "{ " + ", ".join(f"{write_key(key)} = {_value(each)}" for key, each in value.items()) + " }"
        case Sequence():
            return "[" + ", ".join(_value(each) for each in value) + "]"
        case _:
            return json.dumps(value)


def _string(text: str) -> str:
    """A basic string of TOML, which is JSON's but for one character."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")

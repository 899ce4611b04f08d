"""Cards as text: the TOML that people read and `parse_card` takes."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from pantile.domain.segmenters import Card, card_document

_FIRST = ("name", "version", "title", "format", "architecture", "encoder", "decoder_channels", "output_channels")
"""Keys in the order of the shipped cards; the others follow."""


def write_card(card: Card) -> str:
    """The card in TOML: `parse_card` gives the same card back."""
    document = card_document(card)
    tables = {name: document.pop(name) for name in ("normalisation", "checkpoint", "classes", "dice_remaps")}
    keys = [*_FIRST, *(key for key in document if key not in _FIRST)]
    parts = [_lines({key: document[key] for key in keys})]
    parts += [f"[{name}]\n{_lines(tables[name])}" for name in ("normalisation", "checkpoint")]
    parts += [f"[[classes]]\n{_lines(tissue)}" for tissue in tables["classes"]]
    parts += [f"[dice_remaps.{_key(name)}]\n{_lines(cohorts)}" for name, cohorts in tables["dice_remaps"].items()]
    return "\n".join(parts)


def _lines(table: Mapping[str, Any]) -> str:
    return "".join(f"{_key(key)} = {_value(value)}\n" for key, value in table.items() if _says_something(key, value))


def _says_something(key: str, value: Any) -> bool:
    """Whether a key left out would mean something else: a card without a title is called by its name."""
    return key == "title" or value not in ("", [])


def _key(key: str) -> str:
    is_bare = key.isascii() and key.replace("_", "").replace("-", "").isalnum()
    return key if is_bare else _string(key)


def _value(value: Any) -> str:
    match value:
        case str() if "\n" in value:
            return '"""\n' + "\n".join(_string(line)[1:-1] for line in value.split("\n")) + '"""'
        case str():
            return _string(value)
        case Mapping():
            return "{ " + ", ".join(f"{_key(key)} = {_value(each)}" for key, each in value.items()) + " }"
        case Sequence():
            return "[" + ", ".join(_value(each) for each in value) + "]"
        case _:
            return json.dumps(value)


def _string(text: str) -> str:
    """A basic string of TOML, which is JSON's but for one character."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")

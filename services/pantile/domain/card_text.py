"""Cards as text: the TOML that people read and `parse_card` takes."""

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, replace
from typing import Any

from pantile.domain.errors import CardRefused
from pantile.domain.segmenters import Admission, Card, card_document, parse_card
from pantile.domain.toml_tables import write_key, write_line

_FIRST = ("name", "version", "title", "format", "architecture", "encoder", "decoder_channels", "output_channels")
"""Keys in the order of the shipped cards; the others follow."""

_SINGLE = ("normalisation", "checkpoint", "admission")
_TABLES = (*_SINGLE, "classes", "dice_remaps")


def write_card(card: Card) -> str:
    """The card in TOML: `parse_card` gives the same card back."""
    document = card_document(card)
    tables = {name: document.pop(name) for name in _TABLES if name in document}
    keys = [*_FIRST, *(key for key in document if key not in _FIRST)]
    parts = [_lines({key: document[key] for key in keys})]
    parts += [f"[{name}]\n{_lines(tables[name])}" for name in _SINGLE if name in tables]
    parts += [f"[[classes]]\n{_lines(tissue)}" for tissue in tables["classes"]]
    parts += [f"[dice_remaps.{write_key(name)}]\n{_lines(cohorts)}" for name, cohorts in tables["dice_remaps"].items()]
    return "\n".join(parts)


def write_admission(text: str, admission: Admission) -> str:
    """The text of a card with an admission in place of what it had; all else, remarks included, stays as it is.

    Raises:
        CardRefused: the text is no card.
    """
    card = replace(parse_card(text), admission=admission)
    without = re.sub(r"^\[admission\].*\n(?:\w+[ \t]*=.*\n?)*", "", text, flags=re.MULTILINE)
    mended = f"{without.rstrip()}\n\n[admission]\n{_lines(asdict(admission))}"
    # TOML knows more ways to write a table than this one.
    with suppress(CardRefused):
        if parse_card(mended) == card:
            return mended
    return write_card(card)


def _lines(table: Mapping[str, Any]) -> str:
    return "".join(write_line(key, value) for key, value in table.items() if _says_something(key, value))


def _says_something(key: str, value: Any) -> bool:
    """Whether a key left out would mean something else: a card without a title is called by its name."""
    return key == "title" or value not in ("", [])

"""Preferences: what may be kept of them. What they mean is the viewer's business."""

import json
from collections.abc import Iterator, Mapping

from pantile.domain.errors import PreferencesRefused

MAX_BYTES = 16 << 10
MAX_DEPTH = 8


def check_preferences(document: Mapping[str, object]) -> None:
    """Raises `PreferencesRefused` for what is too large, too deep, or cannot be kept as it is."""
    for depth, value in _walk(document):
        if depth > MAX_DEPTH:
            raise PreferencesRefused(f"they are nested more than {MAX_DEPTH} deep")
        if isinstance(value, str) and "\x00" in value:
            raise PreferencesRefused("they hold a zero character")
        if isinstance(value, float) and not abs(value) < float("inf"):
            raise PreferencesRefused("they hold a number that is none")
        if isinstance(value, int) and abs(value) >= 2**53:
            raise PreferencesRefused("they hold a number beyond what browsers count")
    try:
        size = len(json.dumps(document, ensure_ascii=False).encode())
    except UnicodeEncodeError as error:
        raise PreferencesRefused("they hold half a character") from error
    if size > MAX_BYTES:
        raise PreferencesRefused(f"they take {size:,} bytes, and {MAX_BYTES:,} are kept")


def _walk(value: object, depth: int = 0) -> Iterator[tuple[int, object]]:
    """Everything in a document with its depth, names as well, down to one level beyond the limit."""
    yield depth, value
    if depth > MAX_DEPTH:
        return
    if isinstance(value, Mapping):
        for name, part in value.items():
            yield depth, name
            yield from _walk(part, depth + 1)
    elif isinstance(value, list):
        for part in value:
            yield from _walk(part, depth + 1)

"""Preferences are small, flat enough, and come back as they were."""

from typing import Any

import pytest

from pantile.domain.errors import PreferencesRefused
from pantile.domain.preferences import MAX_BYTES, check_preferences


def _nested(depth: int) -> dict[str, Any]:
    return {"x": _nested(depth - 1)} if depth else {}


def test_ordinary_preferences_are_taken() -> None:
    check_preferences({"shortcuts": {"enabled": True, "keys": {"undo": "KeyZ"}}, "opacity": 45.5, "hidden": [1, None]})


@pytest.mark.parametrize(
    ("document", "why"),
    [
        ({"x": "é" * (MAX_BYTES // 2)}, "bytes"),
        (_nested(9), "nested"),
        ({"x": ["a\x00"]}, "zero character"),
        ({"\x00": 1}, "zero character"),
        ({"x": float("nan")}, "number that is none"),
        ({"x": [float("inf")]}, "number that is none"),
        ({"x": 2**53}, "browsers"),
        ({"x": "\ud800"}, "half a character"),
    ],
)
def test_what_cannot_be_kept_is_refused(document: dict[str, Any], why: str) -> None:
    with pytest.raises(PreferencesRefused, match=why):
        check_preferences(document)


def test_a_document_nested_beyond_what_python_follows_is_refused() -> None:
    deep: Any = {}
    for _ in range(100_000):
        deep = {"x": deep}

    with pytest.raises(PreferencesRefused, match="nested"):
        check_preferences({"x": deep})

"""Each of the specification's 52 acceptance checks of scoring is named by a test that holds it, or told in the docs."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
CHECKS = range(1, 53)

_NAMED = re.compile(r"\bchecks? ((?:\d+(?:, and |, | and )?)+)", re.IGNORECASE)
_UNTESTED = re.compile(r"^## What no test holds$(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)


def _numbers(text: str) -> Iterator[int]:
    for told in _NAMED.findall(text):
        yield from map(int, re.findall(r"\d+", told))


def _named_by_tests() -> set[int]:
    functions = (
        node
        for file in (ROOT / "tests").rglob("test_*.py")
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    )
    return {number for function in functions for number in _numbers(ast.get_docstring(function) or "")}


def _told_in_the_docs() -> set[int]:
    section = _UNTESTED.search((ROOT / "docs" / "scoring.md").read_text("utf-8"))
    assert section, "docs/scoring.md says what no test holds"
    return {int(number) for number in re.findall(r"^\| (\d+) \|", section[1], re.MULTILINE)}


def test_each_check_is_named_by_a_test_or_told_in_the_docs() -> None:
    accounted = _named_by_tests() | _told_in_the_docs()

    assert [number for number in CHECKS if number not in accounted] == []
    assert accounted <= set(CHECKS)

"""Amounts are written for people."""

import pytest

from pantile.cli.screen import amount, count, duration


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (59, "59 s"), (600, "10 min"), (3600 * 3 + 1200, "3 h 20 min"), (90000, "1 d 1 h")],
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(("size", "text"), [(340, "340 B"), (12_500_000, "12.5 MB"), (2 * 10**12, "2.0 TB")])
def test_amounts(size: int, text: str) -> None:
    assert amount(size) == text


def test_counts() -> None:
    assert [count(number, "image") for number in (0, 1, 1200)] == ["0 images", "1 image", "1,200 images"]

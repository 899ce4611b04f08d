"""What the doctor thinks of what it sees."""

from typing import Any

import pytest

from pantile import __version__
from pantile.coordinator.doctor import judge_broker, judge_clock, judge_workers
from pantile.domain.findings import Verdict
from pantile.queue import BrokerSigns

GIB = 2**30


@pytest.mark.parametrize(("ahead_s", "verdict"), [(0.0, "ok"), (-1.9, "ok"), (2.1, "warning"), (-60.0, "warning")])
def test_a_clock_that_differs_wants_to_be_looked_at(ahead_s: float, verdict: str) -> None:
    assert judge_clock("clock", ahead_s, most_s=2.0).verdict == verdict


@pytest.mark.parametrize(
    ("changes", "remedy"),
    [
        ({}, ""),
        ({"evicts": True}, "noeviction"),
        ({"evicted": 1}, "noeviction"),
        ({"used_bytes": 95 * GIB // 100}, "Raise maxmemory"),
        ({"keeps_a_log": False}, "appendonly yes"),
    ],
)
def test_a_broker_that_may_lose_messages_wants_to_be_looked_at(changes: dict[str, Any], remedy: str) -> None:
    signs: dict[str, Any] = {
        "version": "9.1",
        "used_bytes": 1,
        "most_bytes": GIB,
        "evicts": False,
        "keeps_a_log": True,
        "evicted": 0,
    }

    found = judge_broker(BrokerSigns(**(signs | changes)))

    assert (found.verdict is Verdict.WELL) == (not remedy)
    assert remedy in found.remedy


def worker(kind: str, **values: Any) -> dict[str, Any]:
    return {"name": f"{kind}-1", "kind": kind, "silent_s": 1.0, "drain_asked_at": None, "version": __version__} | values


def test_workers_that_are_missing_silent_or_of_another_version_are_named() -> None:
    found = list(judge_workers([worker("imaging", version="0.0"), worker("segment", silent_s=99.0)]))

    assert [(each.subject, each.verdict) for each in found] == [
        ("segment workers", "warning"),
        ("imaging workers", "ok"),
        ("silent workers", "warning"),
        ("versions", "warning"),
    ]
    assert "segment-1" in found[2].seen
    assert "imaging-1 (0.0)" in found[3].seen

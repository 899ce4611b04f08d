"""A cache makes a value once, keeps the latest, and forgets what has to go."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from pantile.web.caches import Cache


def test_the_value_used_last_stays() -> None:
    cache: Cache[str, bytes] = Cache(max_bytes=2, weigh=len)
    made: list[str] = []

    def ask(key: str) -> bytes:
        return cache.get(key, lambda: made.append(key) or b"x")  # type: ignore[func-returns-value]

    for key in ("a", "b", "a", "c", "a", "b"):
        ask(key)

    assert made == ["a", "b", "c", "b"]
    assert cache.bytes == 2


def test_threads_that_miss_together_make_it_once() -> None:
    cache: Cache[str, int] = Cache(max_bytes=10, weigh=lambda _: 1)
    made = []

    def make() -> int:
        made.append(threading.get_ident())
        time.sleep(0.05)
        return 7

    with ThreadPoolExecutor(8) as threads:
        values = [asked.result() for asked in [threads.submit(cache.get, "a", make) for _ in range(8)]]

    assert values == [7] * 8
    assert len(made) == 1


def test_what_cannot_be_made_is_tried_again() -> None:
    cache: Cache[str, int] = Cache(max_bytes=10, weigh=lambda _: 1)

    with pytest.raises(ZeroDivisionError):
        cache.get("a", lambda: 1 // 0)

    assert cache.get("a", lambda: 3) == 3


def test_a_value_larger_than_the_cache_stays_until_the_next() -> None:
    cache: Cache[str, bytes] = Cache(max_bytes=2, weigh=len)

    cache.get("a", lambda: b"large")

    assert cache.get("a", lambda: b"other") == b"large"
    cache.get("b", lambda: b"x")
    assert cache.get("a", lambda: b"other") == b"other"

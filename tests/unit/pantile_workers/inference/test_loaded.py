from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from time import sleep

import pytest
from torch import nn

from pantile.domain.errors import SegmenterBroken
from pantile.domain.segmenters import Card
from pantile_workers.inference.loaded import LoadedSegmenter, SegmenterCache


@pytest.fixture
def card(make_card: type[Card]) -> Card:
    return make_card()  # type: ignore[call-arg]  # a fixture that makes cards


def _loaded(card: Card, digest: str) -> LoadedSegmenter:
    return LoadedSegmenter(card=card, digest=digest, network=nn.Identity())


def test_callers_at_once_share_one_loading(card: Card) -> None:
    segmenters, loads, start = SegmenterCache(limit=2), [], Barrier(8)

    def load() -> LoadedSegmenter:
        loads.append("a")
        sleep(0.05)
        return _loaded(card, "a")

    def ask(_: int) -> LoadedSegmenter:
        start.wait()
        return segmenters.get("a", load)

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask, range(8)))

    assert loads == ["a"]
    assert len({id(answer) for answer in answers}) == 1


def test_the_segmenter_used_longest_ago_is_dropped(card: Card) -> None:
    segmenters, loads = SegmenterCache(limit=2), []

    def ask(digest: str) -> None:
        def load() -> LoadedSegmenter:
            loads.append(digest)
            return _loaded(card, digest)

        segmenters.get(digest, load)

    for digest in "abacab":
        ask(digest)

    assert loads == ["a", "b", "c", "b"]
    assert len(segmenters) == 2


def test_after_an_error_the_next_caller_tries_again(card: Card) -> None:
    segmenters = SegmenterCache(limit=2)

    def fail() -> LoadedSegmenter:
        raise SegmenterBroken("no file")

    with pytest.raises(SegmenterBroken):
        segmenters.get("a", fail)

    assert segmenters.get("a", lambda: _loaded(card, "a")).digest == "a"

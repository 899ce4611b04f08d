"""A study's tables at its size: how long they take to come, what the service holds meanwhile, and the way back."""

import multiprocessing
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import psutil  # type: ignore[import-untyped, unused-ignore]  # stubs are a package of their own

from pantile.cli.screen import amount, say, show_table
from tests.large_study import LARGE

STUDY = "/v1/studies/pan-cancer"
_SAMPLE_S = 0.02


def measure_exports(client: httpx.Client) -> None:
    """Takes the measurements as an admin of the large study, and prints them."""
    rows = [_export(client, kind) for kind in ("study", "study", "consensus", "long", "events")]
    say(f"\nTables of {5 * LARGE:,} outputs; the first one twice, as the service warms up")
    show_table(("table", "rows", "size", "seconds", "memory that the service took meanwhile"), rows)
    _say_import(client)
    _say_agreement(client)


def _export(client: httpx.Client, kind: str) -> tuple[object, ...]:
    size = 0
    with _growth() as growth:
        began = time.perf_counter()
        with client.stream("GET", f"{STUDY}/export", params={"kind": kind}) as answer:
            assert answer.status_code == 200, answer.read()
            for chunk in answer.iter_bytes():
                size += len(chunk)
        took_s = time.perf_counter() - began
    return kind, int(answer.headers["X-Rows"]), amount(size), f"{took_s:.1f}", amount(growth[0])


@contextmanager
def _growth() -> Iterator[list[int]]:
    """How much more memory the service's process has at most than when this began, in bytes."""
    service = psutil.Process(multiprocessing.active_children()[0].pid)
    before = service.memory_info().rss
    found, is_done = [0], threading.Event()

    def watch() -> None:
        while not is_done.wait(_SAMPLE_S):
            found[0] = max(found[0], service.memory_info().rss - before)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield found
    finally:
        is_done.set()
        watcher.join()


def _say_import(client: httpx.Client) -> None:
    """What R1 scored comes in as somebody else's second readings."""
    table = client.get(f"{STUDY}/export").content
    began = time.perf_counter()
    answer = client.post(
        f"{STUDY}/import",
        params={"rater": "adj", "purpose": "second"},
        content=table,
        headers={"Content-Type": "text/csv"},
    )
    assert answer.status_code == 200, answer.text
    took_s = time.perf_counter() - began
    told = answer.json()
    say(f"\nImport of {told['rows']:,} rows, {told['scores']:,} scores: {took_s:.1f} s")


def _say_agreement(client: httpx.Client) -> None:
    for path in ("agreement", "disagreements", "progress"):
        began = time.perf_counter()
        answer = client.get(f"{STUDY}/{path}")
        assert answer.status_code == 200, answer.text
        say(f"{path}: {time.perf_counter() - began:.1f} s")

"""A whole installation for one run: real servers, coordinator and web service, and workers that only sleep."""

import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from redis import Redis

from pantile.catalog.database import Database, Row
from pantile.client.api import ApiClient
from pantile.client.connections import open_http
from pantile.local.children import Child, end_processes
from pantile.local.health import answers
from pantile.local.processes import Process, our_processes
from pantile.local.stack import Stack
from tests.benchmarks.scale.study import register_segmenters

_PATIENCE_S = 900.0
_LOOK_S = 0.1


class Installation:
    """The stack in a folder, open from `__enter__` on."""

    def __init__(self, home: Path) -> None:
        self._stack = Stack(home, processes=[each for each in our_processes(0) if each.name in {"coordinator", "web"}])
        self._workers: list[tuple[Process, Child]] = []

    def __enter__(self) -> Self:
        state = self._stack.start()
        settings = self._stack.settings()
        token = settings.api_token.get_secret_value()
        self.database = Database.from_settings(settings, application="pantile scale")
        self.redis = Redis.from_url(settings.broker_url.get_secret_value())
        self.api = ApiClient(settings.api_url, token=token)
        self.http = open_http(timeout_s=60, base_url=settings.api_url, token=token)
        self.pids = {service.name: service.identity.pid for service in state.services}
        register_segmenters(self.database)
        return self

    def __exit__(self, *_: object) -> None:
        self.stop_workers()
        self.database.close()
        self._stack.stop()

    @contextmanager
    def worker(self, *, threads: int) -> Iterator[int]:
        """One worker without work beside the block; gives its pid."""
        (pid,) = self.start_workers(1, sleep_s=0, threads=threads)
        yield pid
        self.stop_workers()

    def start_workers(self, workers: int, *, sleep_s: float, threads: int) -> list[int]:
        """Starts so many workers more, and returns with their pids once all of them consume."""
        command = (sys.executable, str(Path(__file__).with_name("worker.py")), str(sleep_s), str(threads))
        numbers = range(len(self._workers) + 1, len(self._workers) + workers + 1)
        started = [Process(name=f"segment-{number}", command=command) for number in numbers]
        children = [(process, process.start(self._stack.state)) for process in started]
        self._workers += children
        self.wait_until(lambda: all(answers(process.probe(self._stack.state)) for process in started))
        return [child.identity.pid for _, child in children]

    def stop_workers(self) -> None:
        """Kills the workers: what they hold no longer matters."""
        end_processes([(child.identity, signal.SIGKILL) for _, child in self._workers], 0.0)
        for _, child in self._workers:
            child.has_ended()
        self._workers = []

    def query(self, statement: str, *values: object) -> Row:
        """One row straight from the catalog."""
        with self.database.transaction() as connection:
            row = connection.execute(statement, values).fetchone()
        assert row is not None
        return dict(row)

    def wait_until(self, comes_true: Callable[[], bool]) -> None:
        """Waits for something that is bound to come."""
        deadline = time.monotonic() + _PATIENCE_S
        while not comes_true():
            assert time.monotonic() < deadline, f"not within {_PATIENCE_S:.0f} s; see {self._stack.plan.home / 'logs'}"
            time.sleep(_LOOK_S)

"""The web service as a process of its own, which tests can kill; started from one that has imported it already."""

import multiprocessing
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.process import BaseProcess

import httpx

from pantile.settings import Settings
from pantile.web.serve import run

_PATIENCE_S = 120.0

_PROCESSES = multiprocessing.get_context("forkserver")
_PROCESSES.set_forkserver_preload(["pantile.web.serve"])


def free_port() -> int:
    """A port at which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def served(settings: Settings, port: int) -> Iterator[BaseProcess]:
    """The web service at a port of this machine, killed in the end."""
    url = f"http://127.0.0.1:{port}"
    own = settings.model_copy(update={"web_port": port, "web_url": url, "log_level": "ERROR"})
    process = _PROCESSES.Process(target=run, args=(own,), daemon=True)
    process.start()
    try:
        _await(f"{url}/healthz")
        yield process
    finally:
        process.kill()
        process.join()


def _await(address: str) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    while time.monotonic() < deadline:
        try:
            if httpx.get(address, timeout=5).is_success:
                return
        except httpx.HTTPError:
            time.sleep(0.1)
    raise AssertionError("the web service does not answer")

"""A data folder of the test's own, and a look at what runs in it."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil  # type: ignore[import-untyped, unused-ignore]
import pytest

from pantile.local.shutdown import stop_stack


@pytest.fixture
def home() -> Iterator[Path]:
    """A data folder; whatever still runs in it after the test is stopped.

    Not under `tmp_path`: each pytest that root starts closes `/tmp/pytest-of-root` to all others, and so to PostgreSQL.
    """
    with TemporaryDirectory(prefix="pantile-") as parent:
        folder = Path(parent).resolve() / "the stack"
        yield folder
        stop_stack(folder, grace_s=3.0)
        assert _working_in(folder) == []


@pytest.fixture
def running(home: Path) -> Callable[[], list[str]]:
    """Gives the command line of every process of this machine that works in the data folder, whoever started it."""
    return lambda: _working_in(home)


@pytest.fixture
def eventually() -> Callable[[Callable[[], bool]], bool]:
    """Whether a claim comes true within 20 s."""

    def wait(claim: Callable[[], bool]) -> bool:
        deadline = time.monotonic() + 20
        while not claim() and time.monotonic() < deadline:
            time.sleep(0.05)
        return claim()

    return wait


def _working_in(folder: Path) -> list[str]:
    found = []
    for process in psutil.process_iter():
        try:
            if process.status() != psutil.STATUS_ZOMBIE and Path(process.cwd()).is_relative_to(folder):
                found.append(" ".join(process.cmdline()))
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return found

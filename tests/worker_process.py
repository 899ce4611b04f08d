"""`pantile worker …` as a process of its own, over a test's servers."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import SecretStr

from pantile.settings import Settings


def start_worker(settings: Settings, kind: str) -> subprocess.Popen[bytes]:
    """Starts a worker with these settings."""
    plain = {
        f"PANTILE_{name.upper()}": value.get_secret_value() if isinstance(value, SecretStr) else str(value)
        for name, value in settings.model_dump().items()
        if value and isinstance(value, str | int | float | Path | SecretStr)
    }
    return subprocess.Popen([sys.executable, "-m", "pantile", "worker", kind], env=os.environ | plain)


@contextmanager
def running_worker(settings: Settings, kind: str) -> Iterator[subprocess.Popen[bytes]]:
    """A worker inside the block, told to stop at its end if it still runs."""
    worker = start_worker(settings, kind)
    try:
        yield worker
    finally:
        worker.terminate()
        worker.wait(60)

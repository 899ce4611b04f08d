"""The whole stack as a user has it: servers, coordinator, web, Flower, an imaging and two segment workers."""

import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pantile.client.api import ApiClient
from pantile.local.processes import our_processes
from pantile.local.stack import Stack

Pantile = Callable[..., subprocess.CompletedProcess[str]]

QUICK = {"PANTILE_LEASE_S": "8", "PANTILE_RECONCILE_INTERVAL_S": "1", "PANTILE_DEVICE": "cpu"}
"""Short leases, so that a death is noticed within seconds."""


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """A running and supervised stack."""
    os.environ |= QUICK
    with (
        tempfile.TemporaryDirectory(prefix="pantile-e2e-") as home,
        Stack(Path(home), processes=our_processes(segment_workers=2)) as stack,
    ):
        supervision = threading.Thread(target=stack.supervise)
        supervision.start()
        yield stack
        stack.stop_asked.set()
        supervision.join()


@pytest.fixture(scope="session")
def pantile(stack: Stack) -> Pantile:
    """Runs `pantile …` as a user would, against the stack; gives what it printed and its exit code."""

    def run(*arguments: str, expect: int = 0) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "-m", "pantile", *arguments],
            env=os.environ | {"PANTILE_HOME": str(stack.plan.home), "COLUMNS": "200", "NO_COLOR": "1"},
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
        assert done.returncode == expect, done.stdout + done.stderr
        return done

    return run


@pytest.fixture(scope="session")
def api(stack: Stack) -> Iterator[ApiClient]:
    """The stack's API."""
    with ApiClient(stack.settings().api_url, token=stack.state.credentials.api_token) as api:
        yield api

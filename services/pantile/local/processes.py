"""Our own processes as the embedded stack runs them: `python -m pantile …` with settings by environment."""

import os
import signal
import sys
from dataclasses import dataclass
from typing import ClassVar

from pantile.domain.sources import LOOPBACK
from pantile.local.children import Child, Launch, start_child
from pantile.local.state import HOST, StackState

DRAIN_S = 6.0
"""How long a worker may go on when the stack stops, well within the stack's own grace."""

_US = (sys.executable, "-m", "pantile")


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """A process beside the servers; it is ready when its address answers, or else when it has touched its ready file.

    `{port}` in the command stands for the port of that name in the stack's state, `health_path` is what is asked there.
    """

    is_server: ClassVar[bool] = False
    stop_signal: ClassVar[int] = signal.SIGTERM

    name: str
    command: tuple[str, ...]
    health_path: str = ""
    has_metrics: bool = False

    def metrics(self, state: StackState) -> str:
        """Where it shows its metrics; empty for one that has none."""
        return f"{state.url(metrics_port(self.name))}/metrics" if self.has_metrics else ""

    def address(self, state: StackState) -> str:
        """Its http address; empty for one that serves nothing."""
        return state.url(self.name) if self.health_path else ""

    def probe(self, state: StackState) -> str:
        """Its health page, or its ready file."""
        if self.health_path:
            return state.url(self.name) + self.health_path
        return state.ready_file(self.name).as_uri()

    def start(self, state: StackState) -> Child:
        """Starts it with the stack's settings in place of the user's own."""
        ready_file = state.ready_file(self.name)
        ready_file.unlink(missing_ok=True)
        port = str(state.ports.get(self.name, ""))
        launch = Launch(
            command=[part.replace("{port}", port) for part in self.command],
            environment={"PANTILE_FETCH_ALLOW": LOOPBACK}
            | os.environ
            | state.environment()
            | {
                "PANTILE_READY_FILE": str(ready_file),
                "PANTILE_METRICS_HOST": HOST,
                "PANTILE_METRICS_PORT": str(state.ports[metrics_port(self.name)] if self.has_metrics else 0),
                "PANTILE_DRAIN_S": str(DRAIN_S),
                "PYTHONUNBUFFERED": "1",
            },
            folder=ready_file.parent,
        )
        return start_child(self.name, launch, state.log(self.name))

    def settle(self, state: StackState) -> None:
        """Nothing."""


def metrics_port(name: str) -> str:
    """The name, in a stack's state, of the port at which a process shows its metrics."""
    return f"metrics of {name}"


def our_processes(segment_workers: int = 1) -> tuple[Process, ...]:
    """Coordinator, web, Flower, one imaging worker, which evaluates as well, and so many segment workers."""
    return (
        Process(name="coordinator", command=(*_US, "coordinator"), has_metrics=True),
        Process(
            name="web",
            command=(*_US, "web", "--host", "127.0.0.1", "--port", "{port}"),
            health_path="/healthz",
            has_metrics=True,
        ),
        Process(name="flower", command=(*_US, "flower", "--port", "{port}"), health_path="/healthcheck"),
        Process(name="imaging", command=(*_US, "worker", "imaging", "--evaluates"), has_metrics=True),
        *(
            Process(name=f"segment-{number}", command=(*_US, "worker", "segment"), has_metrics=True)
            for number in range(1, segment_workers + 1)
        ),
    )

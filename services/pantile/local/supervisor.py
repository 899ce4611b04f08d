"""The process that owns a stack: this one until Ctrl-C, or one of its own in the background."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from pydantic import TypeAdapter

from pantile.domain.errors import PantileError, StackError
from pantile.local.stack import Stack, StackPlan, make_folders
from pantile.local.state import StackState, find_stack

_PLAN = TypeAdapter(StackPlan)
_READY = "ready"
_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def run_in_foreground(stack: Stack, on_ready: Callable[[StackState], None]) -> None:
    """Starts the stack, tells `on_ready`, and watches it until Ctrl-C, SIGTERM or the end of the terminal."""
    with _stopped_by_signals(stack.stop_asked):
        try:
            on_ready(stack.start())
            stack.supervise()
        finally:
            stack.stop()


def run_in_background(plan: StackPlan) -> StackState:
    """Leaves the stack with a supervisor in a session of its own; returns once it is ready, or raises `StackError`."""
    make_folders(plan.home)
    reading, writing = os.pipe()
    command = [sys.executable, "-m", "pantile.local.supervisor", _PLAN.dump_json(plan).decode(), str(writing)]
    with (plan.home / "logs" / "supervisor.log").open("ab") as log, os.fdopen(reading, encoding="utf-8") as report:
        supervisor = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            pass_fds=[writing],
            cwd=plan.home / "run",
        )
        os.close(writing)
        try:
            said = report.read()
        except KeyboardInterrupt:
            supervisor.terminate()
            supervisor.wait()
            raise
    state = find_stack(plan.home)
    if said != _READY or state is None:
        supervisor.wait()
        raise StackError(said or f"the supervisor ended at once; see {plan.home / 'logs' / 'supervisor.log'}")
    return state


def main(plan_json: str, report_to: str) -> int:
    """Owns a stack on behalf of `run_in_background`, and tells it through a pipe how the start went."""
    with os.fdopen(int(report_to), "w", encoding="utf-8") as report:
        stack = Stack.from_plan(_PLAN.validate_json(plan_json))

        def tell_ready(_: StackState) -> None:
            report.write(_READY)
            report.close()

        try:
            run_in_foreground(stack, tell_ready)
        except PantileError as error:
            if report.closed:
                raise
            report.write(error.detail if isinstance(error, StackError) else str(error))
            return 1
    return 0


@contextmanager
def _stopped_by_signals(asked: threading.Event) -> Iterator[None]:
    def ask(_signum: int, _frame: FrameType | None) -> None:
        asked.set()

    # What is ignored stays so: nohup and a shell's background jobs mean it.
    heeded = [signum for signum in _STOP_SIGNALS if signal.getsignal(signum) is not signal.SIG_IGN]
    previous = {signum: signal.signal(signum, ask) for signum in heeded}
    try:
        yield
    finally:
        for signum, handler in previous.items():
            signal.signal(signum, handler)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

"""How a stack ends: in order, within a time, and also when its owner was killed and left its children behind."""

import signal
import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import psutil  # type: ignore[import-untyped, unused-ignore]  # stubs are a package of their own

from pantile.domain.errors import StackError
from pantile.local.children import end_process, end_processes, identify
from pantile.local.lock import FileLock, home_lock
from pantile.local.state import RunningService, read_state, write_state

_LOCK_WAIT_S = 3.0
_POLL_S = 0.05


def end_services(services: Iterable[RunningService], grace_s: float) -> None:
    """Ends our processes first and the servers after them; each lot has `grace_s` before it is killed."""
    services = tuple(services)
    for lot in ([s for s in services if not s.is_server], [s for s in services if s.is_server]):
        end_processes([(service.identity, service.stop_signal) for service in lot], grace_s)


def end_leftovers(home: Path, grace_s: float) -> bool:
    """Ends what a killed owner left running, and says whether there was anything; only for the holder of the lock."""
    state = read_state(home)
    left = [service for service in state.services if service.identity.is_running()] if state else []
    if state is not None:
        end_services(state.services, grace_s)
        write_state(replace(state, services=(), supervisor=None, is_ready=False))
    _end_postmaster(home / "postgres", grace_s)
    return bool(left)


def stop_stack(home: Path, *, grace_s: float = 10.0) -> bool:
    """Ends the stack of a folder, whoever owns it, and what a killed owner left; False where nothing ran."""
    home = home.expanduser().resolve()
    if not home.is_dir():
        return False
    lock = home_lock(home)
    had_owner = not lock.acquire()
    if had_owner:
        _stop_owner(home, grace_s)
        _wait_for(lock, home)
    try:
        return end_leftovers(home, grace_s) or had_owner
    finally:
        lock.release()


def _stop_owner(home: Path, grace_s: float) -> None:
    """The owner gives our processes their grace and the servers theirs; only then is it killed itself."""
    state = read_state(home)
    if state is not None and state.supervisor is not None:
        end_process(state.supervisor, signal.SIGTERM, 3 * grace_s)


def _wait_for(lock: FileLock, home: Path) -> None:
    deadline = time.monotonic() + _LOCK_WAIT_S
    while not lock.acquire():
        if time.monotonic() > deadline:
            raise StackError(f"somebody else is just starting or stopping it in {home}; try again")
        time.sleep(_POLL_S)


def _end_postmaster(folder: Path, grace_s: float) -> None:
    """Ends a PostgreSQL of this folder that no state file tells of, and clears away a lock file that blocks the next.

    After a reboot the pid in `postmaster.pid` can belong to anybody, and PostgreSQL would refuse to start.
    """
    lock_file = folder / "postmaster.pid"
    try:
        pid = int(lock_file.read_text(encoding="utf-8").split("\n")[0])
        name = psutil.Process(pid).name()
    except FileNotFoundError:
        return
    except (ValueError, psutil.NoSuchProcess):
        name = ""
    if name == "postgres":
        end_processes([(identify(pid), signal.SIGINT)], grace_s)
    lock_file.unlink(missing_ok=True)

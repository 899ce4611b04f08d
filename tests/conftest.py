"""Real servers for every test that asks: one embedded stack a session, a database and a bucket for each test."""

import os
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import httpx
import psycopg
import pytest
import uvicorn
from pydantic import SecretStr
from redis import Redis

from pantile.catalog.database import Database
from pantile.catalog.schema import migrate
from pantile.local.stack import Stack, keep_api_token
from pantile.objects import ObjectStore
from pantile.queue import Sender
from pantile.settings import Settings

ROOT = Path(__file__).parents[1]
_TEMPLATE = "pantile_template"

_HASTE = ("ALTER SYSTEM SET fsync = off", "ALTER SYSTEM SET full_page_writes = off", "SELECT pg_reload_conf()")
"""What a database that is thrown away does without; a crash of the server is a test of its own."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--all-faults` runs the suite of faults whole; without it, tests/faults says what it left out."""
    parser.addoption("--all-faults", action="store_true", help="Run all of tests/faults, with 300 jobs a cohort.")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real tissue and checkpoints beside the project; skips, naming it, where it is not there."""
    folder = Path(os.environ.get("PANTILE_SHARED", ROOT.parent / "shared"))
    if not (folder / "data" / "bcss").is_dir():
        pytest.skip(f"needs the real tissue in {folder}")
    return folder


@pytest.fixture(scope="session")
def servers() -> Iterator[Settings]:
    """Settings of PostgreSQL, Redis and S3 servers that run for the whole session; none of our processes."""
    # Not below pytest's own folder, which each session closes to other users: as root, PostgreSQL runs as another.
    with tempfile.TemporaryDirectory(prefix="pantile-tests-") as home, Stack(Path(home), processes=[]) as stack:
        settings = stack.settings()
        template = _with_database(settings, _TEMPLATE)
        for statement in _HASTE:
            _administer(settings, statement)
        _administer(settings, f"CREATE DATABASE {_TEMPLATE}")
        migrate(template.database_url.get_secret_value())
        keep_api_token(template)
        yield settings


@pytest.fixture
def settings(servers: Settings, tmp_path: Path) -> Iterator[Settings]:
    """Settings of a migrated database, an empty bucket and an emptied Redis that belong to this test."""
    with own_database(servers) as empty:
        Redis.from_url(servers.broker_url.get_secret_value()).flushall()
        bucket = f"test-{uuid4().hex[:12]}"
        own = empty.model_copy(
            update={"s3_bucket": bucket, "home": tmp_path, "reconcile_interval_s": 0.5, "lease_s": 3.0}
        )
        ObjectStore.from_settings(own).create_bucket()
        yield own


@contextmanager
def own_database(servers: Settings, *, template: str = _TEMPLATE) -> Iterator[Settings]:
    """Settings of a database that is a copy of another one, dropped after the block."""
    name = f"test_{uuid4().hex[:12]}"
    _administer(servers, f"CREATE DATABASE {name} TEMPLATE {template}")
    try:
        yield _with_database(servers, name)
    finally:
        _administer(servers, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def database(settings: Settings) -> Iterator[Database]:
    """The test's catalog."""
    database = Database.from_settings(settings, application="pantile tests")
    yield database
    database.close()


@pytest.fixture
def objects(settings: Settings) -> ObjectStore:
    """The test's bucket."""
    return ObjectStore.from_settings(settings)


@pytest.fixture
def sender(settings: Settings) -> Iterator[Sender]:
    """A sender of messages to the test's Redis."""
    sender = Sender(settings)
    yield sender
    sender.close()


@pytest.fixture
def api_token(settings: Settings) -> str:
    """An API token with all scopes."""
    return settings.api_token.get_secret_value()


@pytest.fixture
def web_url(settings: Settings, api_token: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of a web service over the test's servers; commands find a token for it, as `PANTILE_API_TOKEN`."""
    monkeypatch.setenv("PANTILE_API_TOKEN", api_token)
    from pantile.web.app import create_app  # noqa: PLC0415 — only the tests that ask for it

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    app = create_app(settings.model_copy(update={"web_port": port, "web_url": url}))
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_config=None))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + 20
    while not _answers(f"{url}/healthz"):
        assert time.monotonic() < deadline, "the web service does not answer"
        time.sleep(0.05)
    yield url
    server.should_exit = True
    thread.join(10)


@pytest.fixture(scope="session")
def write_onnx() -> Callable[..., bytes]:
    """Writes an ONNX file, `write_onnx(classes=2, patch_px=64)`: 1 where an image is bright, 0 where not."""
    from onnx import TensorProto, helper  # noqa: PLC0415 — only the tests that ask for it

    def write(*, classes: int = 2, patch_px: int = 64) -> bytes:
        values = [0.0] * 3 + [1.0] + [0.0] * (3 * classes - 4)
        weight = helper.make_tensor("weight", TensorProto.FLOAT, [classes, 3, 1, 1], values)
        bias = helper.make_tensor("bias", TensorProto.FLOAT, [classes], [0.0, 0.0] + [-9.0] * (classes - 2))
        image, logits = (
            helper.make_tensor_value_info(name, TensorProto.FLOAT, ["patches", channels, patch_px, patch_px])
            for name, channels in (("image", 3), ("logits", classes))
        )
        node = helper.make_node("Conv", ["image", "weight", "bias"], ["logits"])
        graph = helper.make_graph([node], "brightness", [image], [logits], [weight, bias])
        imports = [helper.make_opsetid("", 20)]
        model = helper.make_model(graph, opset_imports=imports, ir_version=10, producer_name="a hand")
        written: bytes = model.SerializeToString()
        return written

    return write


def _answers(address: str) -> bool:
    try:
        return httpx.get(address, timeout=2).is_success
    except httpx.HTTPError:
        return False


def _with_database(settings: Settings, name: str) -> Settings:
    base, _, _ = settings.database_url.get_secret_value().rpartition("/")
    return settings.model_copy(update={"database_url": SecretStr(f"{base}/{name}")})


def _administer(settings: Settings, statement: str) -> None:
    with psycopg.connect(settings.database_url.get_secret_value(), autocommit=True) as connection:
        connection.execute(statement)

"""MinIO as a process of its own, where its server is there: `make minio` builds it."""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from pantile.settings import Settings

_USER, _PASSWORD = "pantile-tests", "only-for-tests"
_BUILT = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "pantile"


def find_minio() -> Path:
    """The server: PANTILE_MINIO, one on the path, or the newest that `make minio` built; skips where there is none."""
    named = os.environ.get("PANTILE_MINIO") or shutil.which("minio")
    built = sorted(_BUILT.glob("minio-*/minio"))
    if not named and not built:
        pytest.skip("needs MinIO's server: `make minio` builds it")
    return Path(named) if named else built[-1]


@contextmanager
def running_minio() -> Iterator[Settings]:
    """Settings of a MinIO that runs for the block on an empty folder."""
    program = find_minio()
    with tempfile.TemporaryDirectory(prefix="pantile-minio-") as folder, socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
        probe.close()
        environment = os.environ | {"MINIO_ROOT_USER": _USER, "MINIO_ROOT_PASSWORD": _PASSWORD, "HOME": folder}
        command = [str(program), "server", "--quiet", "--address", address, "--console-address", "127.0.0.1:0"]
        server = subprocess.Popen([*command, f"{folder}/data"], env=environment, stdout=subprocess.DEVNULL)
        try:
            _await(f"http://{address}/minio/health/ready")
            yield Settings(
                s3_endpoint=f"http://{address}", s3_access_key=SecretStr(_USER), s3_secret_key=SecretStr(_PASSWORD)
            )
        finally:
            server.terminate()
            server.wait(30)


def _await(address: str) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            if httpx.get(address, timeout=2).is_success:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.1)
    pytest.fail("MinIO does not become ready")

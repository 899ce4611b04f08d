"""The account that Compose's init step makes on a real MinIO: rights to its bucket, and to nothing else."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from pantile.domain.errors import ObjectRefused, PantileError
from pantile.objects import ObjectStore

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "infra" / "docker" / "minio" / "make-account.sh"
KEYS = {
    "MINIO_ROOT_USER": "root",
    "MINIO_ROOT_PASSWORD": "a-password-of-roots",
    "ACCOUNT_ACCESS_KEY": "pantile",
    "ACCOUNT_SECRET_KEY": "a-key-of-the-accounts",
}


def find_program(name: str) -> str:
    """A program from `.make/bin` or the PATH; skips, naming it, where there is none."""
    found = shutil.which(name, path=str(ROOT / ".make" / "bin")) or shutil.which(name)
    if found is None:
        pytest.skip(f"needs {name} (built from its source, as in infra/docker/minio/Dockerfile)")
    return found


@pytest.fixture(scope="module")
def minio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a MinIO of its own, on which the step has run twice."""
    program, mc = find_program("minio"), find_program("mc")
    home = tmp_path_factory.mktemp("minio")
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    environment = {"PATH": f"{Path(mc).parent}:{os.environ['PATH']}", "HOME": str(home), "TMPDIR": str(home), **KEYS}
    command = [
        program,
        "server",
        "--quiet",
        "--address",
        f"127.0.0.1:{port}",
        "--certs-dir",
        str(home / "certs"),
        str(home / "data"),
    ]
    server = subprocess.Popen(command, env={**environment, "MINIO_BROWSER": "off", "MINIO_UPDATE": "off"})
    try:
        address = f"http://127.0.0.1:{port}"
        deadline = time.monotonic() + 60
        while not is_ready(address):
            assert time.monotonic() < deadline, "MinIO does not answer"
            time.sleep(0.1)
        for _ in range(2):
            made = subprocess.run(
                ["/bin/sh", SCRIPT, address, "study"], env=environment, capture_output=True, text=True, check=False
            )
            assert made.returncode == 0, made.stdout + made.stderr
            assert KEYS["ACCOUNT_SECRET_KEY"] not in made.stdout + made.stderr
        yield address
    finally:
        server.terminate()
        server.wait()


def is_ready(address: str) -> bool:
    try:
        return httpx.get(f"{address}/minio/health/ready", timeout=2).is_success
    except httpx.HTTPError:
        return False


def store(address: str, bucket: str) -> ObjectStore:
    return ObjectStore(
        bucket,
        endpoint=address,
        public_endpoint=address,
        region="us-east-1",
        access_key=KEYS["ACCOUNT_ACCESS_KEY"],
        secret_key=KEYS["ACCOUNT_SECRET_KEY"],
    )


def test_the_account_does_all_that_pantile_does_in_its_bucket(minio: str) -> None:
    objects = store(minio, "study")
    objects.create_bucket()
    objects.put("rois/a", b"tissue", media_type="image/png")
    objects.copy("rois/a", "rois/b")

    assert objects.get("rois/b") == b"tissue"
    assert list(objects.keys("rois/")) == ["rois/a", "rois/b"]
    assert httpx.get(objects.presign_get("rois/a", expires_s=60)).content == b"tissue"
    assert httpx.put(objects.presign_put("incoming/c", expires_s=60), content=b"x").is_success
    objects.delete("rois/a")
    assert objects.size("rois/a") is None


def test_the_account_has_no_other_bucket_and_makes_none(minio: str) -> None:
    elsewhere = store(minio, "elsewhere")

    with pytest.raises(ObjectRefused):
        elsewhere.put("rois/a", b"tissue", media_type="image/png")
    with pytest.raises(PantileError):
        elsewhere.create_bucket()


def test_the_account_administers_nothing(minio: str, tmp_path: Path) -> None:
    host = f"http://{KEYS['ACCOUNT_ACCESS_KEY']}:{KEYS['ACCOUNT_SECRET_KEY']}@{minio.removeprefix('http://')}"
    environment = {"PATH": os.environ["PATH"], "MC_CONFIG_DIR": str(tmp_path), "MC_HOST_store": host}

    asked = subprocess.run(
        [find_program("mc"), "admin", "user", "list", "store"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert asked.returncode != 0
    assert "Access Denied" in asked.stdout + asked.stderr

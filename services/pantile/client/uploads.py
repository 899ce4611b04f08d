"""Uploads: files on this machine hashed, and put under presigned addresses, several at once and until they are there.

What has arrived is known to the bucket and the catalog, not here: after an interruption, the same call goes on.
"""

import hashlib
import os
import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import httpx

from pantile.client.api import ApiClient
from pantile.client.connections import open_http, reason
from pantile.domain.errors import FileRefused, PantileError, TransferFailed
from pantile.schemas.uploads import Upload

AT_ONCE = 8

OnBytes = Callable[[int], None]
"""Told of bytes as they go, from any thread; negative when a try is begun again."""

_PAGE = 64
_CHUNK_BYTES = 1 << 20
_TIMEOUT_S = 60.0
_TRIES = 5
_FIRST_PAUSE_S = 0.5
_TRANSIENT = frozenset({408, 429, 500, 502, 503, 504})


@dataclass(frozen=True, slots=True, kw_only=True)
class HashedFile:
    """A file with its digest and size."""

    file: Path
    sha256: str
    bytes: int


@dataclass(slots=True)
class Uploaded:
    """What became of a cohort's uploads: how many arrived, and what went wrong with the others, by ROI."""

    arrived: int = 0
    failures: dict[str, str] = field(default_factory=dict)


def ignore_bytes(_: int) -> None:
    """An `OnBytes` that nobody listens to."""


def hash_file(file: Path, on_bytes: OnBytes = ignore_bytes) -> HashedFile:
    """A file's SHA-256 (hex) and size; raises `FileRefused` when it cannot be read."""
    digest, size = hashlib.sha256(), 0
    try:
        with file.open("rb") as opened:
            while chunk := opened.read(_CHUNK_BYTES):
                digest.update(chunk)
                size += len(chunk)
                on_bytes(len(chunk))
    except OSError as error:
        raise FileRefused(f"{file}, {error.strerror or error}") from error
    return HashedFile(file=file, sha256=digest.hexdigest(), bytes=size)


def hash_files(files: Sequence[Path], on_bytes: OnBytes = ignore_bytes) -> list[HashedFile]:
    """The digests of files, in their order; raises `FileRefused` for the first that cannot be read."""
    with _threads(min(AT_ONCE, os.cpu_count() or 1)) as (threads, stop):
        return list(threads.map(lambda file: hash_file(file, _stoppable(on_bytes, stop)), files))


def upload_images(
    api: ApiClient, cohort: str, files: Mapping[str, HashedFile], on_bytes: OnBytes = ignore_bytes
) -> Uploaded:
    """Uploads those of a cohort's awaited images that are among `files` (by digest), and says which have arrived.

    Images of others that are awaited, too, are left alone. An image that cannot be uploaded holds up no other.
    """
    outcome = Uploaded()
    with _threads(AT_ONCE) as (threads, stop), open_http(timeout_s=_TIMEOUT_S, connections=AT_ONCE) as http:
        for page in api.uploads(cohort, limit=_PAGE):
            ours = [upload for upload in page.uploads if upload.url is None or upload.sha256 in files]
            put = partial(_put_image, http, files, _stoppable(on_bytes, stop))
            problems = list(threads.map(put, ours))
            arrived = [upload.roi_id for upload, problem in zip(ours, problems, strict=True) if problem is None]
            if arrived:
                outcome.arrived += api.take_uploads(cohort, arrived).taken
            outcome.failures |= {
                upload.roi: problem for upload, problem in zip(ours, problems, strict=True) if problem is not None
            }
    return outcome


def _put_image(http: httpx.Client, files: Mapping[str, HashedFile], on_bytes: OnBytes, upload: Upload) -> str | None:
    """Why an image could not be uploaded; None when it has arrived."""
    if upload.url is None:
        if upload.sha256 in files:
            on_bytes(files[upload.sha256].bytes)
        return None
    try:
        put_file(http, upload.url, files[upload.sha256], on_bytes)
    except PantileError as error:
        return error.detail
    return None


def upload_file(url: str, hashed: HashedFile, on_bytes: OnBytes = ignore_bytes) -> None:
    """Puts one file under a presigned address; raises `FileRefused`, `TransferFailed`."""
    with open_http(timeout_s=_TIMEOUT_S) as http:
        put_file(http, url, hashed, on_bytes)


def put_file(http: httpx.Client, url: str, hashed: HashedFile, on_bytes: OnBytes) -> None:
    """Puts a file under a presigned address, trying again after what may pass.

    Raises:
        FileRefused: the file has changed since it was hashed, or cannot be read.
        TransferFailed: the object store refuses it, or cannot be reached for a while.
    """
    for attempt in range(_TRIES):
        problem = _try_to_put(http, url, hashed, on_bytes)
        if problem is None:
            return
        if attempt < _TRIES - 1:
            time.sleep(_FIRST_PAUSE_S * 2**attempt * random.uniform(0.8, 1.2))  # noqa: S311 — not a secret
    raise TransferFailed(f"{hashed.file}, {problem}")


def _try_to_put(http: httpx.Client, url: str, hashed: HashedFile, on_bytes: OnBytes) -> str | None:
    """One try: None when the file has arrived, or what went wrong that may pass."""
    sent = 0

    def count(size: int) -> None:
        nonlocal sent
        sent += size
        on_bytes(size)

    try:
        response = http.put(url, content=_read(hashed, count), headers={"Content-Length": str(hashed.bytes)})
    except httpx.HTTPError as error:
        on_bytes(-sent)
        return reason(error)
    if response.is_success:
        return None
    on_bytes(-sent)
    problem = f"the object store answers {response.status_code} {response.reason_phrase}"
    if response.status_code in _TRANSIENT:
        return problem
    raise TransferFailed(f"{hashed.file}, {problem}")


def _read(hashed: HashedFile, on_bytes: OnBytes) -> Iterator[bytes]:
    """Exactly as many bytes as were hashed, for that many were announced."""
    try:
        with hashed.file.open("rb") as opened:
            if os.fstat(opened.fileno()).st_size != hashed.bytes:
                raise FileRefused(f"{hashed.file} has changed since it was read first; submit it again")
            while chunk := opened.read(_CHUNK_BYTES):
                yield chunk
                on_bytes(len(chunk))
    except OSError as error:
        raise FileRefused(f"{hashed.file}, {error.strerror or error}") from error


def _stoppable(on_bytes: OnBytes, stop: threading.Event) -> OnBytes:
    def count(size: int) -> None:
        if stop.is_set():
            raise TransferFailed("it was stopped")
        on_bytes(size)

    return count


@contextmanager
def _threads(number: int) -> Iterator[tuple[ThreadPoolExecutor, threading.Event]]:
    """Threads that end at the next piece of work when the block is left by an error or Ctrl-C."""
    stop = threading.Event()
    threads = ThreadPoolExecutor(number)
    try:
        yield threads, stop
    except BaseException:
        stop.set()
        raise
    finally:
        threads.shutdown(cancel_futures=True)

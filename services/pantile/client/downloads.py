"""Downloads: class maps and overlays brought into a folder, each written whole, checked, and never fetched twice."""

import hashlib
import os
import re
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit
from uuid import uuid4

import httpx

from pantile.client.connections import open_http, reason
from pantile.client.uploads import hash_file
from pantile.domain.errors import FileRefused, PantileError, TransferFailed

AT_ONCE = 8

_TIMEOUT_S = 60.0
_TRIES = 4
_FIRST_PAUSE_S = 0.5
_CHUNK_BYTES = 1 << 20
_SERVER_ERROR = 500
_SHA256 = re.compile(r"[0-9a-f]{64}")
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
_LONGEST_NAME = 180
"""Below the 255 bytes that file systems take, with room for what is put before and behind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Download:
    """An object to be brought to a file; `sha256` is checked where it is known."""

    url: str
    file: Path
    sha256: str | None = None


def safe_name(text: str) -> str:
    """The text as (part of) a file name, on any system; two texts never become one name."""
    cleaned = _UNSAFE.sub("_", text).lstrip(".")[:_LONGEST_NAME] or "_"
    if cleaned == text:
        return text
    return f"{cleaned}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def named_digest(url: str) -> str | None:
    """The digest by which an object is named, read from its address: `overlays/{sha}.jpg`."""
    stem = PurePosixPath(urlsplit(url).path).stem
    return stem if _SHA256.fullmatch(stem) else None


def download_files(downloads: Iterable[Download], on_file: Callable[[], None]) -> Mapping[Path, str]:
    """Brings objects to their files, several at once, sparing those that are there; gives what failed, and why.

    `on_file` is called, from any thread, after each that is there.
    """
    wanted = list(downloads)
    threads = ThreadPoolExecutor(AT_ONCE)
    try:
        with open_http(timeout_s=_TIMEOUT_S, connections=AT_ONCE) as http:
            problems = list(threads.map(partial(_bring, http, on_file), wanted))
    finally:
        threads.shutdown(cancel_futures=True)
    return {download.file: problem for download, problem in zip(wanted, problems, strict=True) if problem is not None}


def _bring(http: httpx.Client, on_file: Callable[[], None], download: Download) -> str | None:
    try:
        if not _is_there(download):
            fetch(http, download)
    except PantileError as error:
        return error.detail
    on_file()
    return None


def _is_there(download: Download) -> bool:
    is_known = download.sha256 is not None and download.file.is_file()
    return is_known and hash_file(download.file).sha256 == download.sha256


def fetch(http: httpx.Client, download: Download) -> None:
    """Brings one object to its file, trying again after what may pass; raises `TransferFailed`, `FileRefused`."""
    for attempt in range(_TRIES):
        problem = _try_to_fetch(http, download)
        if problem is None:
            return
        if attempt < _TRIES - 1:
            time.sleep(_FIRST_PAUSE_S * 2**attempt)
    raise TransferFailed(f"{download.file.name}, {problem}")


def _try_to_fetch(http: httpx.Client, download: Download) -> str | None:
    digest, draft = hashlib.sha256(), _draft_of(download.file)
    try:
        with http.stream("GET", download.url) as response, draft.open("wb") as file:
            if not response.is_success:
                return _status_problem(response, download)
            for chunk in response.iter_bytes(_CHUNK_BYTES):
                digest.update(chunk)
                file.write(chunk)
        if download.sha256 not in {None, digest.hexdigest()}:
            return "its bytes are not those that were stored"
        draft.replace(download.file)
    except httpx.HTTPError as error:
        return reason(error)
    except OSError as error:
        raise FileRefused(f"{download.file}, {error.strerror or error}") from error
    finally:
        draft.unlink(missing_ok=True)
    return None


def _status_problem(response: httpx.Response, download: Download) -> str:
    problem = f"the object store answers {response.status_code} {response.reason_phrase}"
    if response.status_code < _SERVER_ERROR:
        raise TransferFailed(f"{download.file.name}, {problem}")
    return problem


def make_folder(folder: Path) -> Path:
    """The folder, made if it is not there; raises `FileRefused`."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileRefused(f"{folder}, {error.strerror or error}") from error
    return folder


def write_whole(file: Path, content: bytes) -> None:
    """Writes a file under another name and puts it in place; raises `FileRefused`."""
    draft = _draft_of(file)
    try:
        draft.write_bytes(content)
        draft.replace(file)
    except OSError as error:
        raise FileRefused(f"{file}, {error.strerror or error}") from error
    finally:
        draft.unlink(missing_ok=True)


def _draft_of(file: Path) -> Path:
    return file.with_name(f".{uuid4().hex[:12]}.{os.getpid()}.part")

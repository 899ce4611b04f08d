"""The Genomic Data Commons over its public HTTPS interface: lists of slides, their files, clinical tables."""

import hashlib
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from pantile.client.connections import open_http, reason
from pantile.domain.errors import FileRefused, GdcDown, GdcRefused, TransferFailed
from pantile.domain.gdc import (
    CASE_FIELDS,
    FILE_FIELDS,
    GdcFile,
    case_filter,
    clinical_rows,
    file_from,
    slide_filter,
)

GDC_URL = "https://api.gdc.cancer.gov"

_TIMEOUT_S = 120.0
_PAGE = 1000
_TRIES = 5
_FIRST_PAUSE_S = 1.0
_PARTIAL, _TOO_MANY, _SERVER_ERROR = 206, 429, 500


class GdcClient:
    """Asks the GDC, or whatever speaks as it does."""

    def __init__(self, address: str = GDC_URL, *, first_pause_s: float = _FIRST_PAUSE_S) -> None:
        self._http = open_http(timeout_s=_TIMEOUT_S, base_url=address)
        self._first_pause_s = first_pause_s

    def __enter__(self) -> Self:
        """The client; its connections are closed at the end of the block."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._http.close()

    def slides(self, projects: Sequence[str]) -> Iterator[GdcFile]:
        """The diagnostic slides of projects, by file name; raises `GdcDown`, `GdcRefused`."""
        for hit in self._hits("/files", slide_filter(projects), FILE_FIELDS, sort="file_name:asc"):
            yield file_from(hit)

    def clinical(self, projects: Sequence[str]) -> Iterator[tuple[str, str, str, str]]:
        """Rows of the clinical table of projects, one a diagnosis; raises as `slides` does."""
        for hit in self._hits("/cases", case_filter(projects), CASE_FIELDS, sort="submitter_id:asc"):
            yield from clinical_rows(hit)

    def _hits(self, path: str, filters: object, fields: Sequence[str], *, sort: str) -> Iterator[dict[str, Any]]:
        start, total = 0, 1
        while start < total:
            body = {"filters": filters, "fields": ",".join(fields), "from": start, "size": _PAGE, "sort": sort}
            data = self._ask(path, body)
            try:
                hits, total = data["hits"], int(data["pagination"]["total"])
            except (KeyError, TypeError, ValueError) as error:
                raise GdcRefused("the answer is not of the shape that the GDC describes") from error
            yield from hits
            start += max(1, len(hits))

    def _ask(self, path: str, body: object) -> dict[str, Any]:
        for attempt in range(_TRIES):
            try:
                answer = self._http.post(path, json=body)
            except httpx.HTTPError as error:
                problem = reason(error)
            else:
                if answer.is_success:
                    return _data_of(answer)
                problem = f"it answers {answer.status_code} {answer.reason_phrase}"
                if answer.status_code < _SERVER_ERROR and answer.status_code != _TOO_MANY:
                    raise GdcRefused(problem)
            self._pause(attempt)
        raise GdcDown(problem)

    def fetch(self, file: GdcFile, folder: Path, on_bytes: Callable[[int], None]) -> Path:
        """Brings a file into a folder, going on where an interrupted download stopped, and checks its MD5.

        A file that is there whole is not fetched again. `on_bytes` hears of bytes that need not be fetched any more.

        Raises:
            TransferFailed: it does not come, or is not what the manifest says.
            FileRefused: it cannot be written.
        """
        target = folder / file.name
        if target.is_file() and target.stat().st_size == file.bytes and _md5_of(target) == file.md5:
            on_bytes(file.bytes)
            return target
        draft = folder / f".{file.id}.part"
        try:
            self._fetch_parts(file, draft, on_bytes)
            if _md5_of(draft) != file.md5:
                draft.unlink()
                raise TransferFailed(f"{file.name}, its MD5 is not that of the manifest; it will be fetched anew")
            draft.replace(target)
        except OSError as error:
            raise FileRefused(f"{target}, {error.strerror or error}") from error
        return target

    def _fetch_parts(self, file: GdcFile, draft: Path, on_bytes: Callable[[int], None]) -> None:
        problem = ""
        on_bytes(_size_of(draft))
        for attempt in range(_TRIES):
            have = _size_of(draft)
            if have == file.bytes and draft.exists():
                return
            if attempt:
                self._pause(attempt - 1)
            problem = self._fetch_rest(file, draft, have if have < file.bytes else 0, on_bytes)
        if _size_of(draft) != file.bytes:
            raise TransferFailed(f"{file.name}, {problem}; {_size_of(draft):,} of {file.bytes:,} bytes are kept")

    def _fetch_rest(self, file: GdcFile, draft: Path, have: int, on_bytes: Callable[[int], None]) -> str:
        """Appends what comes to the first `have` bytes; gives what went wrong, if anything."""
        headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
        try:
            with self._http.stream("GET", f"/data/{file.id}", headers=headers, follow_redirects=True) as answer:
                if not answer.is_success:
                    return f"the GDC answers {answer.status_code} {answer.reason_phrase}"
                goes_on = answer.status_code == _PARTIAL
                if not goes_on:  # a server that knows no ranges sends the whole file
                    on_bytes(-_size_of(draft))
                with draft.open("ab" if goes_on else "wb") as body:
                    for (
                        part
                    ) in answer.iter_raw():  # in pieces of a size of ours, the last would be lost with the answer
                        body.write(part)
                        on_bytes(len(part))
        except httpx.HTTPError as error:
            return reason(error)
        return "it ended early"

    def _pause(self, attempt: int) -> None:
        time.sleep(self._first_pause_s * 2**attempt)


def _data_of(answer: httpx.Response) -> dict[str, Any]:
    try:
        data = answer.json()["data"]
    except (ValueError, KeyError, TypeError) as error:
        raise GdcRefused("the answer is not of the shape that the GDC describes") from error
    if not isinstance(data, dict):
        raise GdcRefused("the answer is not of the shape that the GDC describes")
    return data


def _size_of(file: Path) -> int:
    return file.stat().st_size if file.exists() else 0


def _md5_of(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()

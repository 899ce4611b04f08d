"""Fetching a ROI's image from where the submission said it is: the bucket's incoming folder, s3:// or http(s)://."""

from io import BytesIO
from typing import BinaryIO

import httpcore
import httpx

from pantile.catalog.chores import Ingest
from pantile.catalog.holdings import incoming_key
from pantile.domain.errors import (
    ImageTooLarge,
    ImageUnreachable,
    ObjectCorrupt,
    ObjectMissing,
    ObjectRefused,
    ServiceDown,
)
from pantile.domain.sources import parse_allowed, split_s3
from pantile.objects import ObjectStore, open_bucket, sha256_of
from pantile.settings import Settings
from pantile_workers.checked_http import AddressRefused, CheckedTransport

_MAX_REDIRECTS = 5

_FINAL = (
    AddressRefused,
    httpx.InvalidURL,
    httpx.UnsupportedProtocol,
    httpcore.UnsupportedProtocol,
    httpx.TooManyRedirects,
)
"""Trouble with an address that stays."""

_PASSING = (httpx.HTTPError, httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError)
"""Trouble with a server that may pass."""


class AddressDown(ServiceDown):
    """The server that holds the image does not answer."""


class UploadCorrupt(ImageUnreachable):
    """The upload is not the image that was announced; send it again."""


def fetch_image(ingest: Ingest, objects: ObjectStore, settings: Settings) -> bytes:
    """The bytes of the ROI's image.

    Raises:
        ImageUnreachable: the address has no image, or refuses it.
        UploadCorrupt: the upload is missing or not what was announced.
        ImageTooLarge: the file has more bytes than allowed.
        AddressDown, ObjectStoreDown: trouble that may pass.
    """
    max_bytes = int(settings.max_image_mib * 2**20)
    if not ingest.is_remote:
        return _fetch_upload(ingest, objects, max_bytes=max_bytes)
    body = BytesIO()  # hands its bytes over without a copy
    fetch_address(ingest.source, body, settings, max_bytes=max_bytes)
    return body.getvalue()


def fetch_address(address: str, body: BinaryIO, settings: Settings, *, max_bytes: int) -> None:
    """Writes what is at an s3:// or http(s):// address into `body`; raises as `fetch_image` does."""
    if address.lower().startswith("s3://"):
        _fetch_object(address, body, settings, max_bytes=max_bytes)
    else:
        _fetch_http(address, body, settings, max_bytes=max_bytes)


def _fetch_upload(ingest: Ingest, objects: ObjectStore, *, max_bytes: int) -> bytes:
    expected = ingest.expected_sha256 or ""
    try:
        data = objects.get(incoming_key(expected), max_bytes=max_bytes)
    except ObjectMissing as error:
        raise UploadCorrupt(str(error)) from error
    except ObjectCorrupt as error:
        raise ImageTooLarge(_limit(max_bytes)) from error
    if sha256_of(data) != expected:
        objects.delete(incoming_key(expected))
        raise UploadCorrupt(f"its digest is {sha256_of(data)[:12]}…, not {expected[:12]}…")
    return data


def _fetch_object(address: str, body: BinaryIO, settings: Settings, *, max_bytes: int) -> None:
    bucket, key = split_s3(address)
    if not bucket or not key:
        raise ImageUnreachable(f"{address} names no object, as s3://bucket/key would")
    if bucket not in parse_allowed(settings.fetch_allow).buckets | {settings.s3_bucket}:
        raise ImageUnreachable(f"s3://{bucket} is not allowed; PANTILE_FETCH_ALLOW names the buckets that are")
    try:
        for part in open_bucket(bucket, settings).chunks(key):
            _write(body, part, max_bytes=max_bytes)
    except ObjectMissing as error:
        raise ImageUnreachable(address) from error
    except ObjectRefused as error:
        raise ImageUnreachable(f"{address} is closed to Pantile, or no address") from error


def _fetch_http(address: str, body: BinaryIO, settings: Settings, *, max_bytes: int) -> None:
    try:
        with _open_client(settings) as client, client.stream("GET", address) as answer:
            answer.raise_for_status()
            _read_body(answer, body, max_bytes=max_bytes)
    except httpx.HTTPStatusError as error:
        refused = f"{address} answered {error.response.status_code}"
        if error.response.is_server_error:
            raise AddressDown(refused) from error
        raise ImageUnreachable(refused) from error
    except _FINAL as error:
        raise ImageUnreachable(f"{address}, {error}") from error
    except _PASSING as error:
        raise AddressDown(f"{address}, {error or type(error).__name__}") from error


def _open_client(settings: Settings) -> httpx.Client:
    transport = CheckedTransport(parse_allowed(settings.fetch_allow), longest_s=settings.fetch_longest_s)
    return httpx.Client(
        transport=transport,
        follow_redirects=True,
        max_redirects=_MAX_REDIRECTS,
        timeout=settings.fetch_timeout_s,
        trust_env=False,
        headers={"Accept-Encoding": "identity"},
    )


def _read_body(answer: httpx.Response, body: BinaryIO, *, max_bytes: int) -> None:
    """The bytes as they come: a compressed answer would be a bomb's way around `max_bytes`."""
    encoding = answer.headers.get("Content-Encoding", "identity")
    if encoding.lower() != "identity":
        raise AddressRefused(f"the answer is packed ({encoding}), which nobody asked for")
    for part in answer.iter_raw():
        _write(body, part, max_bytes=max_bytes)


def _write(body: BinaryIO, part: bytes, *, max_bytes: int) -> None:
    if body.tell() + len(part) > max_bytes:
        raise ImageTooLarge(_limit(max_bytes))
    body.write(part)


def _limit(max_bytes: int) -> str:
    return f"the file has more than {max_bytes / 2**20:,g} MiB"

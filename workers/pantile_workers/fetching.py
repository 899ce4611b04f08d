"""Fetching a ROI's image from where the submission said it is: the bucket's incoming folder, s3:// or http(s)://."""

import httpx

from pantile.catalog.chores import Ingest
from pantile.coordinator.submit import incoming_key
from pantile.domain.errors import ImageTooLarge, ImageUnreachable, ObjectCorrupt, ObjectMissing, ServiceDown
from pantile.objects import ObjectStore, fetch_s3, sha256_of
from pantile.settings import Settings

_MAX_REDIRECTS = 5


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
    if ingest.source.lower().startswith("s3://"):
        return _fetch_object(ingest, settings, max_bytes=max_bytes)
    return _fetch_http(ingest.source, settings, max_bytes=max_bytes)


def _fetch_upload(ingest: Ingest, objects: ObjectStore, *, max_bytes: int) -> bytes:
    expected = ingest.expected_sha256 or ""
    try:
        data = objects.get(incoming_key(expected), max_bytes=max_bytes)
    except (ObjectMissing, ObjectCorrupt) as error:
        raise UploadCorrupt(str(error)) from error
    if sha256_of(data) != expected:
        objects.delete(incoming_key(expected))
        raise UploadCorrupt(f"its digest is {sha256_of(data)[:12]}…, not {expected[:12]}…")
    return data


def _fetch_object(ingest: Ingest, settings: Settings, *, max_bytes: int) -> bytes:
    try:
        return fetch_s3(ingest.source, settings, max_bytes=max_bytes)
    except ObjectMissing as error:
        raise ImageUnreachable(ingest.source) from error
    except ObjectCorrupt as error:
        raise ImageTooLarge(str(error)) from error


def _fetch_http(address: str, settings: Settings, *, max_bytes: int) -> bytes:
    parts: list[bytes] = []
    read = 0
    try:
        with (
            httpx.Client(
                follow_redirects=True, max_redirects=_MAX_REDIRECTS, timeout=settings.fetch_timeout_s
            ) as client,
            client.stream("GET", address) as answer,
        ):
            answer.raise_for_status()
            for part in answer.iter_bytes():
                read += len(part)
                if read > max_bytes:
                    raise ImageTooLarge(f"{address} has more than {max_bytes} bytes")
                parts.append(part)
    except httpx.HTTPStatusError as error:
        refused = f"{address} answered {error.response.status_code}"
        if error.response.is_client_error:
            raise ImageUnreachable(refused) from error
        raise AddressDown(refused) from error
    except (httpx.InvalidURL, httpx.UnsupportedProtocol, httpx.TooManyRedirects) as error:
        raise ImageUnreachable(f"{address}: {error}") from error
    except httpx.HTTPError as error:
        raise AddressDown(f"{address}: {error or type(error).__name__}") from error
    return b"".join(parts)

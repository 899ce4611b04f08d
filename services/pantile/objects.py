"""Object storage: bytes under names made of their own SHA-256, verified on the way in and out.

The only home of boto3.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from pantile.domain.errors import ObjectCorrupt, ObjectMissing, ObjectRefused, ObjectStoreDown
from pantile.metrics import S3_SECONDS, SERVER_ERRORS
from pantile.settings import Settings

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_CHUNK_BYTES = 1 << 20
_MISSING = {"404", "NoSuchKey", "NotFound", "NoSuchBucket"}
_REFUSED = {"403", "AccessDenied", "InvalidArgument", "InvalidBucketName", "InvalidURI", "KeyTooLongError"}

# Signature v4 and checksums only where required: what MinIO, rclone and Amazon's own S3 all take.
_PROTOCOL = Config(
    signature_version="s3v4",
    s3={"addressing_style": "path"},
    # Not the mode "standard", by which all requests of a process have one quota of retries: it is used up by an outage,
    # and filled again only by successes, so that afterwards each single error would cost a job an attempt.
    retries={"mode": "legacy", "total_max_attempts": 5},
    connect_timeout=3,
    read_timeout=20,
    max_pool_connections=32,
    request_checksum_calculation="when_required",
    response_checksum_validation="when_required",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredObject:
    """An object in the bucket: its key, digest and size."""

    key: str
    sha256: str
    bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedObject:
    """An object as lists show it: its key, its size, and when it was last written, by the store's clock."""

    key: str
    bytes: int
    written_at: datetime


def sha256_of(data: bytes) -> str:
    """SHA-256 (hex) of some bytes."""
    return hashlib.sha256(data).hexdigest()


class ObjectStore:
    """One bucket."""

    def __init__(
        self, bucket: str, *, endpoint: str, public_endpoint: str, region: str, access_key: str, secret_key: str
    ) -> None:
        self.bucket = bucket
        self._endpoint = endpoint
        self._public_endpoint = public_endpoint or endpoint
        self._session = boto3.session.Session(
            region_name=region, aws_access_key_id=access_key or None, aws_secret_access_key=secret_key or None
        )
        self._connecting = Lock()

    @classmethod
    def from_settings(cls, settings: Settings) -> "ObjectStore":
        """The bucket that the settings name."""
        return cls(
            settings.s3_bucket,
            endpoint=settings.s3_endpoint,
            public_endpoint=settings.s3_public_endpoint,
            region=settings.s3_region,
            access_key=settings.s3_access_key.get_secret_value(),
            secret_key=settings.s3_secret_key.get_secret_value(),
        )

    def _connect(self, endpoint: str) -> "S3Client":
        # Clients may be shared by threads, but a session may not make two at once (boto3's guide on multithreading).
        with self._connecting:
            return self._session.client("s3", endpoint_url=endpoint or None, config=_PROTOCOL)

    @cached_property
    def _client(self) -> "S3Client":
        return self._connect(self._endpoint)

    @cached_property
    def _public_client(self) -> "S3Client":
        return self._connect(self._public_endpoint)

    def create_bucket(self) -> None:
        """Makes the bucket if it is not there; raises `ObjectStoreDown`."""
        with _asking("bucket", self.bucket):
            try:
                self._client.head_bucket(Bucket=self.bucket)
            except ClientError as error:
                if _code(error) not in _MISSING:
                    raise
                self._client.create_bucket(Bucket=self.bucket)

    def put(self, key: str, data: bytes, *, media_type: str) -> StoredObject:
        """Writes some bytes under a key, checked for having arrived whole.

        Raises:
            ObjectStoreDown: they did not, or the store does not answer.
        """
        with _asking("put", key):
            self._client.put_object(Bucket=self.bucket, Key=key, Body=data, ContentType=media_type)
        if self.size(key) != len(data):
            raise ObjectStoreDown(f"{key} did not arrive whole")
        return StoredObject(key=key, sha256=sha256_of(data), bytes=len(data))

    def put_named(self, folder: str, data: bytes, *, suffix: str, media_type: str) -> StoredObject:
        """Writes some bytes under `folder/{their SHA-256}{suffix}`, unless they are there already."""
        key = f"{folder}/{sha256_of(data)}{suffix}"
        if self.size(key) == len(data):
            return StoredObject(key=key, sha256=sha256_of(data), bytes=len(data))
        return self.put(key, data, media_type=media_type)

    def put_file(self, folder: str, path: Path, *, media_type: str) -> StoredObject:
        """Writes a file under `folder/{its SHA-256}{its suffix}`, unless it is there already, without holding it."""
        with path.open("rb") as file:
            sha256, size = hashlib.file_digest(file, "sha256").hexdigest(), file.tell()
            key = f"{folder}/{sha256}{path.suffix}"
            stored = StoredObject(key=key, sha256=sha256, bytes=size)
            if self.size(key) == size:
                return stored
            file.seek(0)
            with _asking("put", key):
                self._client.put_object(Bucket=self.bucket, Key=key, Body=file, ContentType=media_type)
        if self.size(key) != size:
            raise ObjectStoreDown(f"{key} did not arrive whole")
        return stored

    def get(self, key: str, *, sha256: str | None = None, max_bytes: int | None = None) -> bytes:
        """An object's bytes.

        Raises:
            ObjectMissing: there is no such object.
            ObjectCorrupt: its digest is not `sha256`, or it is larger than `max_bytes`.
            ObjectStoreDown: the store does not answer.
        """
        parts: list[bytes] = []
        read = 0
        for part in self.chunks(key):
            read += len(part)
            if max_bytes is not None and read > max_bytes:
                raise ObjectCorrupt(f"{key} has more than {max_bytes} bytes")
            parts.append(part)
        data = b"".join(parts)
        if sha256 is not None and sha256_of(data) != sha256:
            raise ObjectCorrupt(key)
        return data

    def chunks(self, key: str) -> Iterator[bytes]:
        """An object's bytes in pieces of 1 MiB; raises as `get` does."""
        with _asking("get", key):
            yield from self._client.get_object(Bucket=self.bucket, Key=key)["Body"].iter_chunks(_CHUNK_BYTES)

    def fetch(self, key: str, path: Path, *, sha256: str) -> None:
        """Writes an object's bytes to a file, without holding them; raises as `get` does."""
        digest = hashlib.sha256()
        with path.open("wb") as file:
            for part in self.chunks(key):
                digest.update(part)
                file.write(part)
        if digest.hexdigest() != sha256:
            raise ObjectCorrupt(key)

    def head(self, key: str, *, bytes_: int) -> bytes:
        """The first bytes of an object, by range; raises as `get` does."""
        if self.size(key) == 0:
            return b""  # no range of an empty object can be had
        return self.get_range(key, start=0, bytes_=bytes_)

    def get_range(self, key: str, *, start: int, bytes_: int) -> bytes:
        """Some bytes from the middle of an object, as many as there are; raises as `get` does.

        Raises:
            ObjectCorrupt: the store gives more than was asked for.
        """
        with _asking("get", key):
            asked = f"bytes={start}-{start + bytes_ - 1}"
            answer = self._client.get_object(Bucket=self.bucket, Key=key, Range=asked)
            part = answer["Body"].read(bytes_ + 1)
        if len(part) > bytes_:
            raise ObjectCorrupt(f"{key}, of which {asked} was asked for")
        return part

    def size(self, key: str) -> int | None:
        """An object's size in bytes, or None where there is none; raises `ObjectStoreDown`."""
        try:
            with _asking("size", key):
                return self._client.head_object(Bucket=self.bucket, Key=key)["ContentLength"]
        except ObjectMissing:
            return None

    def copy(self, source: str, target: str) -> None:
        """Copies an object within the bucket; raises `ObjectMissing`, `ObjectStoreDown`."""
        with _asking("copy", source):
            self._client.copy_object(Bucket=self.bucket, Key=target, CopySource={"Bucket": self.bucket, "Key": source})

    def delete(self, key: str) -> None:
        """Removes an object; one that is not there is no error. Raises `ObjectStoreDown`."""
        try:
            with _asking("delete", key):
                self._client.delete_object(Bucket=self.bucket, Key=key)
        except ObjectMissing:
            return

    def keys(self, prefix: str = "") -> Iterator[str]:
        """The keys that begin with `prefix`; raises `ObjectStoreDown`."""
        for lot in self.lots(prefix):
            yield from (listed.key for listed in lot)

    def lots(self, prefix: str) -> Iterator[list[ListedObject]]:
        """The objects whose keys begin with `prefix`, at most 1,000 at a time; raises `ObjectStoreDown`."""
        with _asking("list", prefix):
            for page in self._client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix):
                yield [
                    ListedObject(key=item["Key"], bytes=item["Size"], written_at=item["LastModified"])
                    for item in page.get("Contents", [])
                ]

    def reach_publicly(self, key: str) -> None:
        """Asks for an object at the address that clients are given; raises `ObjectMissing`, `ObjectStoreDown`."""
        with _asking("size", key):
            self._public_client.head_object(Bucket=self.bucket, Key=key)

    def presign_put(self, key: str, *, expires_s: int) -> str:
        """An address to which a client may PUT the object for `expires_s` seconds."""
        return self._public_client.generate_presigned_url(
            "put_object", Params={"Bucket": self.bucket, "Key": key}, ExpiresIn=expires_s
        )

    def presign_get(self, key: str, *, expires_s: int) -> str:
        """An address from which a client may GET the object for `expires_s` seconds."""
        return self._public_client.generate_presigned_url(
            "get_object", Params={"Bucket": self.bucket, "Key": key}, ExpiresIn=expires_s
        )


def open_bucket(bucket: str, settings: Settings) -> ObjectStore:
    """Any bucket, with this system's credentials."""
    return ObjectStore.from_settings(settings.model_copy(update={"s3_bucket": bucket}))


def _code(error: ClientError) -> str:
    response: dict[str, Any] = dict(error.response)
    return str(response.get("Error", {}).get("Code", ""))


@contextmanager
def _asking(operation: str, key: str) -> Iterator[None]:
    """Times what is asked of the store, and translates its errors."""
    try:
        with S3_SECONDS.labels(operation).time():
            yield
    except ClientError as error:
        if _code(error) in _MISSING:
            raise ObjectMissing(key) from error
        if _code(error) in _REFUSED:
            raise ObjectRefused(f"{key}: {_code(error)}") from error
        SERVER_ERRORS.labels("objects").inc()
        raise ObjectStoreDown(f"{key}: {_code(error)}") from error
    except (BotoCoreError, OSError) as error:
        SERVER_ERRORS.labels("objects").inc()
        raise ObjectStoreDown(f"{key}: {error}") from error

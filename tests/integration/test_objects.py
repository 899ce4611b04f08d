"""The bucket: what comes out is what went in, or an error says which; on every store that there is.

rclone's server is there always, MinIO's where `make minio` built it. docs/docker.md names where they differ.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from uuid import uuid4

import boto3
import httpx
import pytest
from boto3.s3.transfer import TransferConfig
from botocore.exceptions import ClientError
from pydantic import SecretStr

from pantile.domain.errors import ObjectCorrupt, ObjectMissing, ObjectStoreDown
from pantile.objects import ObjectStore, sha256_of
from pantile.settings import Settings
from tests.faults.proxies import Mode, Proxy
from tests.minio_server import running_minio

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

MIB = 1 << 20


@pytest.fixture(scope="module")
def minio() -> Iterator[Settings]:
    """Settings of a MinIO for this module's tests."""
    with running_minio() as settings:
        yield settings


@pytest.fixture(params=["rclone", "minio"])
def settings(request: pytest.FixtureRequest, servers: Settings) -> Settings:
    """Settings of an empty bucket on each store."""
    store: Settings = servers if request.param == "rclone" else request.getfixturevalue("minio")
    own = store.model_copy(update={"s3_bucket": f"test-{uuid4().hex[:12]}"})
    ObjectStore.from_settings(own).create_bucket()
    return own


@pytest.fixture
def is_minio(request: pytest.FixtureRequest) -> bool:
    """Whether the store is MinIO."""
    return "minio" in request.node.callspec.params.values()


@pytest.fixture
def other_client(settings: Settings) -> "S3Client":
    """Another program's client of the same bucket, with boto3's own defaults."""
    return boto3.client(
        "s3",
        endpoint_url=settings.s3_endpoint,
        aws_access_key_id=settings.s3_access_key.get_secret_value(),
        aws_secret_access_key=settings.s3_secret_key.get_secret_value(),
        region_name=settings.s3_region,
    )


def test_bytes_are_named_by_their_digest_and_written_once(objects: ObjectStore) -> None:
    first = objects.put_named("class-maps", b"abc", suffix=".png", media_type="image/png")
    second = objects.put_named("class-maps", b"abc", suffix=".png", media_type="image/png")

    assert first == second
    assert first.key == f"class-maps/{sha256_of(b'abc')}.png"
    assert objects.get(first.key, sha256=first.sha256) == b"abc"
    assert list(objects.keys("class-maps/")) == [first.key]


def test_a_file_goes_in_and_comes_out_without_being_held(objects: ObjectStore, tmp_path: Path) -> None:
    (tmp_path / "a.szi").write_bytes(b"abc")

    stored = objects.put_file("pyramids", tmp_path / "a.szi", media_type="application/zip")
    objects.fetch(stored.key, tmp_path / "b", sha256=stored.sha256)

    assert stored.key == f"pyramids/{sha256_of(b'abc')}.szi"
    assert stored == objects.put_file("pyramids", tmp_path / "a.szi", media_type="application/zip")
    assert (tmp_path / "b").read_bytes() == b"abc"
    with pytest.raises(ObjectCorrupt):
        objects.fetch(stored.key, tmp_path / "b", sha256=sha256_of(b"abd"))


def test_a_range_is_what_lies_there(objects: ObjectStore) -> None:
    objects.put("a", bytes(range(100)), media_type="text/plain")

    assert objects.get_range("a", start=10, bytes_=3) == bytes([10, 11, 12])
    assert objects.get_range("a", start=98, bytes_=9) == bytes([98, 99])
    with pytest.raises(ObjectMissing):
        objects.get_range("b", start=0, bytes_=1)


def test_other_bytes_than_stored_are_noticed(objects: ObjectStore) -> None:
    objects.put("a", b"abc", media_type="text/plain")

    with pytest.raises(ObjectCorrupt):
        objects.get("a", sha256=sha256_of(b"abd"))
    with pytest.raises(ObjectCorrupt, match="more than 2 bytes"):
        objects.get("a", max_bytes=2)


@pytest.mark.parametrize(
    "ask",
    [lambda objects: objects.get("no/such"), lambda objects: objects.copy("no/such", "b")],
    ids=["get", "copy"],
)
def test_a_missing_object_is_named(objects: ObjectStore, ask: Callable[[ObjectStore], object]) -> None:
    with pytest.raises(ObjectMissing, match="no/such"):
        ask(objects)
    assert objects.size("no/such") is None


def test_removing_twice_is_no_error(objects: ObjectStore) -> None:
    objects.put("a", b"abc", media_type="text/plain")

    objects.delete("a")
    objects.delete("a")

    assert objects.size("a") is None


def test_a_client_without_credentials_uploads_and_downloads_by_presigned_address(objects: ObjectStore) -> None:
    put = httpx.put(objects.presign_put("incoming/x", expires_s=60), content=b"abc")
    got = httpx.get(objects.presign_get("incoming/x", expires_s=60))

    assert put.is_success
    assert got.content == b"abc"
    assert objects.get("incoming/x") == b"abc"


def test_the_first_bytes_are_read_by_range(objects: ObjectStore) -> None:
    objects.put("a", b"0123456789", media_type="text/plain")

    assert objects.head("a", bytes_=4) == b"0123"


def test_a_store_that_does_not_answer_is_named(settings: Settings) -> None:
    nowhere = ObjectStore.from_settings(settings.model_copy(update={"s3_endpoint": "http://127.0.0.1:1"}))

    with pytest.raises(ObjectStoreDown, match="does not answer"):
        nowhere.size("a")


def test_single_errors_are_borne_after_an_outage_as_before(settings: Settings, objects: ObjectStore) -> None:
    objects.put("a", b"abc", media_type="text/plain")
    port = urlsplit(settings.s3_endpoint).port or 0
    proxy = Proxy(lambda: port, share=0.3)
    flaky = ObjectStore.from_settings(
        settings.model_copy(update={"s3_endpoint": f"http://127.0.0.1:{proxy.port}", "s3_public_endpoint": ""})
    )

    def get_in_vain(_: int) -> None:
        with suppress(ObjectStoreDown):
            flaky.get("a")

    proxy.set(Mode.DOWN)
    with ThreadPoolExecutor(60) as pool:
        list(pool.map(get_in_vain, range(60)))
    proxy.set(Mode.ERRORS)

    assert [flaky.get("a") for _ in range(12)] == [b"abc"] * 12
    assert proxy.meddled > 0
    proxy.close()


def test_an_object_that_another_program_put_in_parts_is_read_as_any_other(
    settings: Settings, objects: ObjectStore, other_client: "S3Client", tmp_path: Path
) -> None:
    data = bytes(range(256)) * (12 * MIB // 256)
    (tmp_path / "large").write_bytes(data)

    parts = TransferConfig(multipart_threshold=5 * MIB, multipart_chunksize=5 * MIB)
    other_client.upload_file(str(tmp_path / "large"), settings.s3_bucket, "rois/large", Config=parts)
    objects.copy("rois/large", "rois/copy")
    objects.fetch("rois/copy", tmp_path / "back", sha256=sha256_of(data))

    assert objects.size("rois/large") == len(data)
    assert objects.get_range("rois/large", start=5 * MIB - 2, bytes_=4) == data[5 * MIB - 2 : 5 * MIB + 2]


def test_more_objects_than_one_answer_holds_are_all_listed(objects: ObjectStore) -> None:
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda number: objects.put(f"rois/{number}", b"", media_type="image/png"), range(1100)))

    lots = list(objects.lots("rois/"))

    assert max(len(lot) for lot in lots) <= 1000
    assert sum(len(lot) for lot in lots) == len(set(objects.keys())) == 1100


def test_a_wrong_key_is_refused(settings: Settings) -> None:
    stranger = ObjectStore.from_settings(settings.model_copy(update={"s3_secret_key": SecretStr("wrong")}))

    with pytest.raises(ObjectStoreDown):
        stranger.get("a")


def test_a_presigned_address_is_for_one_object_and_one_use(objects: ObjectStore, is_minio: bool) -> None:
    objects.put("a", b"abc", media_type="text/plain")
    objects.put("b", b"abc", media_type="text/plain")
    address = objects.presign_get("a", expires_s=60)
    ranged = httpx.get(address, headers={"Range": "bytes=1-1"})

    # rclone 1.75 answers 200 where 206 is meant; the bytes are those of the range.
    assert (ranged.status_code, ranged.content) == (206 if is_minio else 200, b"b")
    assert httpx.get(address.replace("/a?", "/b?")).status_code == 403
    assert httpx.put(address, content=b"other").status_code == 403
    assert objects.get("a") == b"abc"


def test_an_object_beside_a_folder_of_its_name(objects: ObjectStore, is_minio: bool) -> None:
    """Where stores differ, and which Pantile does without: its keys are never the beginning of others."""
    objects.put("a/b", b"1", media_type="text/plain")

    if is_minio:
        objects.put("a", b"2", media_type="text/plain")
        assert list(objects.keys()) == ["a"]
        assert objects.get("a/b") == b"1"
    else:
        with pytest.raises(ObjectStoreDown):
            objects.put("a", b"2", media_type="text/plain")


def test_a_put_that_asks_for_there_to_be_none(
    settings: Settings, objects: ObjectStore, other_client: "S3Client", is_minio: bool
) -> None:
    """Where stores differ, and which Pantile does without: writing twice under a digest writes the same."""
    objects.put("a", b"first", media_type="text/plain")

    if is_minio:
        with pytest.raises(ClientError, match="PreconditionFailed"):
            other_client.put_object(Bucket=settings.s3_bucket, Key="a", Body=b"second", IfNoneMatch="*")
        assert objects.get("a") == b"first"
    else:
        other_client.put_object(Bucket=settings.s3_bucket, Key="a", Body=b"second", IfNoneMatch="*")
        assert objects.get("a") == b"second"

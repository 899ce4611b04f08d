"""The bucket: what comes out is what went in, or an error says which."""

from collections.abc import Callable

import httpx
import pytest

from pantile.domain.errors import ObjectCorrupt, ObjectMissing, ObjectStoreDown
from pantile.objects import ObjectStore, sha256_of
from pantile.settings import Settings


def test_bytes_are_named_by_their_digest_and_written_once(objects: ObjectStore) -> None:
    first = objects.put_named("class-maps", b"abc", suffix=".png", media_type="image/png")
    second = objects.put_named("class-maps", b"abc", suffix=".png", media_type="image/png")

    assert first == second
    assert first.key == f"class-maps/{sha256_of(b'abc')}.png"
    assert objects.get(first.key, sha256=first.sha256) == b"abc"
    assert list(objects.keys("class-maps/")) == [first.key]


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

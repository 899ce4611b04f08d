"""Pyramids are made once an image, on the queue, from the image as it lies in the bucket."""

from collections.abc import Callable
from io import BytesIO
from zipfile import ZipFile

from pantile.catalog.database import Database, Row
from pantile.catalog.pyramids import ask_pyramids, want_pyramids
from pantile.coordinator.submit import Submission
from pantile.objects import ObjectStore

Submit = Callable[..., Submission]
Work = Callable[[], list[str]]
Jpeg = Callable[[int], bytes]


def _ask(database: Database) -> int:
    with database.transaction() as connection:
        rois = [row["id"] for row in connection.execute("SELECT id FROM rois ORDER BY id")]
        return ask_pyramids(connection, rois)


def _want(database: Database) -> None:
    with database.transaction() as connection:
        for row in connection.execute("SELECT id FROM rois").fetchall():
            want_pyramids(connection, [row["id"]])


def _rows(database: Database, table: str) -> list[Row]:
    with database.transaction() as connection:
        return connection.execute(f"SELECT * FROM {table} ORDER BY 1").fetchall()  # noqa: S608 — named by these tests


def _chores(database: Database) -> list[str]:
    return [row["state"] for row in _rows(database, "chores") if row["kind"] == "pyramid"]


def test_the_pyramid_of_a_stored_image_is_made_and_kept(
    database: Database, objects: ObjectStore, register: Callable[..., None], submit: Submit, work: Work, jpeg: Jpeg
) -> None:
    register("lung")
    submit({"a.jpg": jpeg(0)})
    assert _ask(database) == 0, "an image that is not there yet"
    work()

    asked = _ask(database)
    said = work()

    (pyramid,) = _rows(database, "pyramids")
    assert asked == 1
    assert said[0] == f"10 levels; {pyramid['bytes']} bytes"
    assert (pyramid["width_px"], pyramid["height_px"], pyramid["levels"]) == (400, 320, 10)
    szi = objects.get(pyramid["object_key"], sha256=pyramid["sha256"])
    assert pyramid["object_key"] == f"pyramids/{pyramid['sha256']}.szi"
    assert "pyramid/pyramid_files/9/0_0.jpg" in ZipFile(BytesIO(szi)).namelist()
    assert _ask(database) == 0


def test_two_rois_of_one_image_share_its_pyramid(
    database: Database, register: Callable[..., None], submit: Submit, work: Work, jpeg: Jpeg
) -> None:
    register("lung")
    submit({"a.jpg": jpeg(0)}, cohort="A")
    submit({"b.jpg": jpeg(0)}, cohort="B")
    work()
    work()

    assert (_ask(database), _ask(database)) == (1, 0)

    work()
    assert len(_rows(database, "pyramids")) == 1
    assert _chores(database) == ["succeeded"]


def test_looking_at_an_roi_asks_for_its_pyramid_but_not_again_where_that_failed(
    database: Database, objects: ObjectStore, register: Callable[..., None], submit: Submit, work: Work, jpeg: Jpeg
) -> None:
    register("lung")
    submit({"a.jpg": jpeg(0)})
    work()
    _want(database)
    _want(database)
    for key in list(objects.keys("rois/")):
        objects.delete(key)
    for _ in range(4):
        work()
        with database.transaction() as connection:
            connection.execute("UPDATE chores SET not_before = now() WHERE state = 'waiting'")

    assert _chores(database) == ["failed"]
    _want(database)
    assert _chores(database) == ["failed"]
    assert _ask(database) == 1
    assert _chores(database) == ["waiting"]

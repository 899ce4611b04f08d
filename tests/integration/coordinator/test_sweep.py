"""Objects without a row are set aside when old enough, come back if a row names them, and go for good later."""

import threading
import time
from collections.abc import Callable

from pantile.catalog.cohorts import Cohort
from pantile.catalog.database import Database
from pantile.catalog.holdings import incoming_key
from pantile.coordinator.loop import run_coordinator
from pantile.coordinator.sweep import Swept, find_abandoned, sweep
from pantile.objects import ObjectStore
from pantile.settings import Settings

MakeCohort = Callable[..., Cohort]

OLD_S = -60.0
"""An age that every object has, and that the time since it was set aside has as well."""


def put(objects: ObjectStore, *keys: str) -> None:
    for key in keys:
        objects.put(key, b"bytes", media_type="image/png")


def test_what_no_row_names_is_removed_and_the_rest_stays(
    database: Database, objects: ObjectStore, make_cohort: MakeCohort
) -> None:
    make_cohort(images=1)
    put(
        objects,
        "rois/0",
        "checkpoints/toy",
        "rois/1",
        "class-maps/a.png",
        "confidence/b.png",
        "overlays/c.jpg",
        "pyramids/e.szi",
        "overviews/f.jpg",
        "mine/d",
    )

    swept = sweep(database, objects, age_s=OLD_S)

    assert swept == Swept(set_aside=6, removed=6)
    assert sorted(objects.keys()) == ["checkpoints/toy", "mine/d", "rois/0"]


def test_what_would_be_set_aside_is_named_and_left(
    database: Database, objects: ObjectStore, make_cohort: MakeCohort
) -> None:
    make_cohort(images=1)
    put(objects, "rois/0", "rois/1", "class-maps/a.png", "mine/d")
    before = sorted(objects.keys())

    assert find_abandoned(database, objects, age_s=OLD_S) == ["class-maps/a.png", "rois/1"]
    assert sorted(objects.keys()) == before


def test_a_young_object_is_spared(database: Database, objects: ObjectStore) -> None:
    put(objects, "class-maps/a.png")

    assert sweep(database, objects, age_s=3600) == Swept()
    assert list(objects.keys()) == ["class-maps/a.png"]


def test_uploads_that_are_awaited_are_spared(database: Database, objects: ObjectStore, make_cohort: MakeCohort) -> None:
    make_cohort(images=2)
    awaited, done = f"{0:064x}", f"{1:064x}"
    with database.transaction() as connection:
        connection.execute("UPDATE rois SET state = 'awaiting' WHERE expected_sha256 = %s", [awaited])
    put(objects, incoming_key(awaited), incoming_key(done))

    sweep(database, objects, age_s=OLD_S)

    assert list(objects.keys()) == [incoming_key(awaited)]


def test_what_was_set_aside_comes_back_when_a_row_names_it(
    database: Database, objects: ObjectStore, make_cohort: MakeCohort
) -> None:
    put(objects, "rois/0")
    time.sleep(1.1)
    set_aside = sweep(database, objects, age_s=0.5)
    (aside,) = objects.keys()
    make_cohort(images=1)

    back = sweep(database, objects, age_s=3600)

    assert (set_aside, back) == (Swept(set_aside=1), Swept(put_back=1))
    assert aside.startswith("swept/")
    assert list(objects.keys()) == ["rois/0"]
    assert objects.get("rois/0") == b"bytes"


def test_the_coordinator_sweeps_at_intervals(settings: Settings, objects: ObjectStore) -> None:
    put(objects, "class-maps/a.png")
    hasty = settings.model_copy(update={"sweep_interval_s": 0.2, "sweep_age_s": 1.0})
    stop = threading.Event()
    thread = threading.Thread(target=lambda: run_coordinator(hasty, stop=stop, on_ready=lambda: None))
    thread.start()

    deadline = time.monotonic() + 30
    while list(objects.keys()) and time.monotonic() < deadline:
        time.sleep(0.1)
    stop.set()
    thread.join(20)

    assert list(objects.keys()) == []

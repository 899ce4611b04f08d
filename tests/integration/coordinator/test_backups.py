"""A backup is restored into an empty database, compared, and refused where it would do harm."""

import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from pantile.catalog import cohorts, holdings, score_events
from pantile.catalog.database import Database
from pantile.coordinator.backups import Compared, back_up, read_backup, restore
from pantile.domain.errors import RestoreRefused
from pantile.domain.studies import Study
from pantile.objects import ObjectStore
from pantile.settings import Settings
from tests.conftest import own_database

MakeStudy = Callable[..., Study]


@pytest.fixture
def backup(settings: Settings, objects: ObjectStore, make_study: MakeStudy, tmp_path: Path) -> Path:
    """A backup of a study, with an object in the bucket."""
    make_study()
    objects.put("rois/1", b"bytes", media_type="image/jpeg")
    path = tmp_path / "backup.zip"
    back_up(settings, path, actor="ann")
    return path


@pytest.fixture
def empty(settings: Settings, servers: Settings) -> Iterator[Settings]:
    """Settings of an empty database and the test's bucket."""
    with own_database(servers, template="template1") as other:
        yield settings.model_copy(update={"database_url": other.database_url})


def dump(settings: Settings, path: Path) -> dict[str, bytes]:
    """The text of each table but the audit log, which tells of backups."""
    back_up(settings, path, actor="test")
    with zipfile.ZipFile(path) as file:
        names = [name for name in file.namelist() if name.startswith("tables/") and "audit" not in name]
        return {name: file.read(name) for name in names}


def test_what_is_restored_is_what_was_backed_up(
    settings: Settings, empty: Settings, backup: Path, tmp_path: Path
) -> None:
    compared = restore(empty, backup, overwrite=False, actor="ann")

    assert compared == Compared()
    assert dump(empty, tmp_path / "after.zip") == dump(settings, tmp_path / "before.zip")
    with closing(Database.from_settings(empty, connections=1)) as database, database.transaction() as connection:
        lines = connection.execute("SELECT actor, action FROM audit ORDER BY id DESC LIMIT 2").fetchall()
        new = cohorts.open_cohort(connection, "NEW")
        study_id = connection.execute("SELECT id FROM studies").fetchone()
        assert study_id is not None
        assert score_events.check_study(connection, study_id["id"]).discrepancies == ()
    assert [tuple(line.values()) for line in lines] == [("test", "back up"), ("ann", "restore")]
    assert new.id == 3


def test_rules_and_counts_hold_after_a_restore(empty: Settings, backup: Path) -> None:
    restore(empty, backup, overwrite=False, actor="ann")

    with closing(Database.from_settings(empty, connections=1)) as database, database.transaction() as connection:
        before = cohorts.count_jobs(connection, 1)
        connection.execute("UPDATE jobs SET state = 'waiting' WHERE id = (SELECT min(job_id) FROM cohort_jobs)")
        after = cohorts.count_jobs(connection, 1)
    assert before != after


def test_objects_that_the_bucket_lacks_are_named(empty: Settings, backup: Path, objects: ObjectStore) -> None:
    objects.delete("rois/1")
    gone = restore(empty, backup, overwrite=False, actor="ann")
    objects.put("rois/1", b"other", media_type="image/jpeg")
    objects.put("rois/2", b"more", media_type="image/jpeg")
    whole = restore(empty, backup, overwrite=True, actor="ann")
    objects.put("rois/1", b"longer than before", media_type="image/jpeg")
    changed = restore(empty, backup, overwrite=True, actor="ann")

    assert gone == Compared(missing=("rois/1",))
    assert whole == Compared()
    assert changed == Compared(other_size=("rois/1",))


def test_a_catalog_that_holds_something_is_not_overwritten_unless_asked(settings: Settings, backup: Path) -> None:
    with pytest.raises(RestoreRefused, match="the catalog is not empty"):
        restore(settings, backup, overwrite=False, actor="ann")

    assert restore(settings, backup, overwrite=True, actor="ann") == Compared()


def test_nothing_is_restored_under_a_process_that_runs(empty: Settings, backup: Path) -> None:
    running = Database.from_settings(empty, connections=1, application="pantile web")
    with closing(running), running.transaction() as connection:
        holdings.read_clock(connection)

        with pytest.raises(RestoreRefused, match="stop these first: web"):
            restore(empty, backup, overwrite=False, actor="ann")


def test_what_is_no_backup_or_of_a_later_version_is_refused(empty: Settings, backup: Path, tmp_path: Path) -> None:
    other, later = tmp_path / "other.zip", tmp_path / "later.zip"
    other.write_bytes(b"no zip")
    with zipfile.ZipFile(backup) as file, zipfile.ZipFile(later, "w") as changed:
        changed.writestr("backup.json", file.read("backup.json").replace(b'"revision": "', b'"revision": "9'))

    with pytest.raises(RestoreRefused, match="is no backup"):
        restore(empty, other, overwrite=False, actor="ann")
    with pytest.raises(RestoreRefused, match="renew Pantile"):
        restore(empty, later, overwrite=False, actor="ann")


def test_a_backup_is_its_owner_s_alone_and_tells_what_is_in_it(backup: Path, settings: Settings) -> None:
    told = read_backup(backup)

    assert backup.stat().st_mode & 0o777 == 0o600
    assert (told.objects, told.object_bytes, told.bucket) == (1, 5, settings.s3_bucket)
    assert {"cohorts": 2, "studies": 1}.items() <= {table.name: table.rows for table in told.tables}.items()

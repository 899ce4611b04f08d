"""Operators' commands that talk to the servers themselves."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from pantile.catalog import cohorts
from pantile.catalog.database import Database
from pantile.cli.app import main
from pantile.objects import ObjectStore
from pantile.settings import Settings


@pytest.fixture(autouse=True)
def environment(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """The test's servers, as PANTILE_* names them."""
    for name in ("database_url", "broker_url", "s3_endpoint", "s3_bucket", "s3_access_key", "s3_secret_key", "home"):
        value = getattr(settings, name)
        plain = value.get_secret_value() if isinstance(value, SecretStr) else str(value)
        monkeypatch.setenv(f"PANTILE_{name.upper()}", plain)


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert isinstance(ended.value.code, int)
    return ended.value.code


def test_the_doctor_ends_with_nothing_to_complain_of(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("doctor") == 0

    out, err = capsys.readouterr()
    assert "0 faults" in out
    assert "Start one: `pantile worker segment`." in err


def test_the_doctor_ends_with_1_where_there_is_a_fault(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PANTILE_S3_BUCKET", "no-such-bucket")

    assert run("doctor") == 1
    assert "Run `pantile bucket create`." in capsys.readouterr().err


def test_a_sweep_names_what_it_would_set_aside_before_it_does(
    objects: ObjectStore, capsys: pytest.CaptureFixture[str]
) -> None:
    objects.put("class-maps/a.png", b"bytes", media_type="image/png")

    assert run("sweep", "--dry-run") == 0
    assert "0 objects would be set aside." in capsys.readouterr().out
    assert run("sweep") == 0
    assert "Set aside 0 objects" in capsys.readouterr().out


def test_a_catalog_is_backed_up_and_restored(
    database: Database, objects: ObjectStore, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    objects.put("rois/1", b"bytes", media_type="image/jpeg")
    with database.transaction() as connection:
        cohorts.open_cohort(connection, "C")
    file = tmp_path / "backup.zip"

    assert run("backup", str(file)) == 0
    assert "and a list of 1 object, 5 B." in capsys.readouterr().out
    assert run("backup", str(file)) == 2
    assert "is there already (--overwrite)" in capsys.readouterr().err
    assert run("restore", str(file)) == 2
    assert "the catalog is not empty" in capsys.readouterr().err
    assert run("restore", str(file), "--overwrite") == 0
    assert "the bucket has all that it had: 1 object." in capsys.readouterr().out
    objects.delete("rois/1")
    assert run("restore", str(file), "--overwrite") == 1
    assert "Objects that the bucket lacks (1): rois/1" in capsys.readouterr().err

"""What is submitted under pseudonyms is found by its old name nowhere: not in the database, not in the bucket."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from psycopg import sql

from pantile.catalog.database import Database
from pantile.cli.app import main
from pantile.domain.pseudonyms import Pseudonymiser
from pantile.objects import ObjectStore
from tests.integration.pantile_workers.test_slides import pixels, save  # noqa: F401 — a fixture

Work = Callable[[], list[str]]

KEY = "0123456789abcdef0123456789abcdef"
NUMBER = "S14-12345"


def _run(*arguments: str) -> int | str | None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    return ended.value.code


def _find(database: Database, objects: ObjectStore, word: str) -> list[str]:
    """Where a word is, in whatever case, in all columns of text or JSON of all tables, and in the names of objects."""
    found = [key for key in objects.keys() if word.lower() in key.lower()]  # noqa: SIM118 — no mapping
    with database.transaction() as connection:
        columns = connection.execute(
            """
            SELECT table_name, column_name FROM information_schema.columns
            WHERE table_schema = 'public' AND data_type IN ('text', 'jsonb', 'ARRAY', 'character varying')
            """
        ).fetchall()
        for column in columns:
            statement = sql.SQL("SELECT 1 FROM {table} WHERE position(lower(%s) IN lower({column}::text)) > 0").format(
                table=sql.Identifier(column["table_name"]), column=sql.Identifier(column["column_name"])
            )
            if connection.execute(statement, [word]).fetchone():
                found.append(f"{column['table_name']}.{column['column_name']}")
    return found


@pytest.fixture
def named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, web_url: str, register: Callable[..., None]) -> Path:
    """A folder for files that are named after a case; commands have the key."""
    monkeypatch.setenv("PANTILE_API_URL", web_url)
    monkeypatch.setenv("PANTILE_PSEUDONYM_KEY", KEY)
    register("lung")
    folder = tmp_path / f"{NUMBER} Smith"
    folder.mkdir()
    return folder


def test_of_a_submitted_image_no_name_is_kept(
    named: Path, database: Database, objects: ObjectStore, work: Work, jpeg: Callable[[int], bytes]
) -> None:
    (named / f"{NUMBER}-A1_0.25_tumor_original.jpg").write_bytes(jpeg(0))

    assert _run("submit", str(named), "--cohort", "C", "--pseudonymise") == 0
    work()

    assert _find(database, objects, NUMBER) == _find(database, objects, "Smith") == []
    own = Pseudonymiser(KEY)
    with database.transaction() as connection:
        (roi,) = connection.execute("SELECT case_id, slide, state FROM rois").fetchall()
    assert roi == {"case_id": own.name(NUMBER), "slide": own.name(f"{NUMBER}-A1"), "state": "stored"}
    # What the search would have found.
    assert "rois.case_id" in _find(database, objects, own.name(NUMBER))


def test_of_an_added_slide_no_name_is_kept_and_a_broken_one_tells_none(
    named: Path,
    database: Database,
    objects: ObjectStore,
    work: Work,
    tmp_path: Path,
    pixels: NDArray[np.uint8],  # noqa: F811 — the fixture
) -> None:
    save(named / f"{NUMBER}.tif", pixels)
    whole = (named / f"{NUMBER}.tif").read_bytes()
    (named / f"{NUMBER}-B1.tif").write_bytes(whole[: len(whole) // 2])
    links = tmp_path / "links"

    assert _run("slides", "add", str(named), "--cohort", "C", "--pseudonymise") == 2
    assert _run("slides", "add", str(named), "--cohort", "C", "--pseudonymise", "--links", str(links)) == 0
    work()

    assert _find(database, objects, NUMBER) == _find(database, objects, "Smith") == []
    own = Pseudonymiser(KEY)
    with database.transaction() as connection:
        rows = connection.execute("SELECT name, case_id, source, state FROM slides ORDER BY name").fetchall()
    assert {row["name"]: row["state"] for row in rows} == {
        own.name(NUMBER): "ready",
        own.name(f"{NUMBER}-B1"): "refused",
    }
    assert {row["case_id"] for row in rows} == {own.name(NUMBER)}
    assert rows[0]["source"] == str(links / f"{own.name(NUMBER)}.tif")


def test_without_a_key_nothing_is_sent(
    named: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], database: Database
) -> None:
    monkeypatch.setenv("PANTILE_PSEUDONYM_KEY", "")
    (named / f"{NUMBER}.jpg").write_bytes(b"x")

    assert _run("submit", str(named), "--cohort", "C", "--mpp", "0.25", "--pseudonymise") == 2

    assert "PANTILE_PSEUDONYM_KEY is not set" in capsys.readouterr().err
    with database.transaction() as connection:
        assert connection.execute("SELECT 1 FROM rois").fetchone() is None


def test_the_pseudonym_of_a_name_can_be_asked(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PANTILE_PSEUDONYM_KEY", KEY)

    assert _run("pseudonym", NUMBER, "slide7") == 0

    assert capsys.readouterr().out.splitlines() == [Pseudonymiser(KEY).name(NUMBER), "slide7"]

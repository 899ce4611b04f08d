"""Class maps go out as annotations, come back corrected as ground truth, and what that took is recorded."""

import csv
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pantile.catalog.database import Database
from pantile.cli.app import main
from pantile.domain.training import Columns, Tissue
from pantile_workers.training.tissue import find_files
from tests.integration.cli.test_export import CLASS_MAP, cohort  # noqa: F401 — a fixture

ROI = "TCGA-LUAD-05-4244_tumor"

Pantile = Callable[..., int]


@pytest.fixture
def pantile(web_url: str, quiet_service: None, cohort: None, monkeypatch: pytest.MonkeyPatch) -> Pantile:  # noqa: F811
    """`pantile …` as a user types it, over cohort C of one ROI; gives its exit code."""
    monkeypatch.setenv("PANTILE_API_URL", web_url)

    def run(*arguments: str) -> int:
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        assert isinstance(ended.value.code, int)
        return ended.value.code

    return run


def _correct(file: Path) -> None:
    """Makes stroma's pixel tumor, as somebody who paints over it would: its annotation gets the class of the other."""
    document = json.loads(file.read_text())
    for feature in document["features"]:
        feature["properties"]["classification"]["name"] = "Tumor"
    file.write_text(json.dumps(document))


def test_a_corrected_class_map_becomes_ground_truth_with_what_it_took(
    pantile: Pantile, database: Database, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, training = tmp_path / "out", tmp_path / "training"

    assert pantile("preannotate", "C", "--segmenter", "lung", "--tolerance", "0", "--out", str(out)) == 0
    assert [file.name for file in out.iterdir()] == [f"{ROI}_lung.geojson"]
    _correct(out / f"{ROI}_lung.geojson")
    assert pantile("corrections", "add", "C", str(out), "--training", str(training)) == 0

    with database.transaction() as connection:
        (truth,) = connection.execute("SELECT scheme->>'name' AS name, sha256 FROM ground_truths").fetchall()
    assert truth["name"] == "lung@1"
    table = tmp_path / "effort.csv"
    assert pantile("corrections", "list", "C", "--csv", str(table)) == 0
    rows = list(csv.DictReader(table.read_text().splitlines()))
    told = {row["class"]: (row["pixels_before"], row["pixels_after"], row["pixels_kept"]) for row in rows}
    assert told == {
        "all": ("6", "6", "5"),
        "GLASS": ("2", "2", "2"),
        "TUMOR": ("3", "4", "3"),
        "OTHER": ("1", "0", "0"),
    }
    assert {row["class"]: float(row["changed"]) for row in rows}["all"] == pytest.approx(1 / 6)
    assert 0 <= float(rows[0]["hours"]) < 1

    (listed,) = csv.DictReader((training / "tissue.csv").read_text().splitlines())
    class_map = np.asarray(Image.open(training / listed["class_map"]))
    wanted = np.where(CLASS_MAP == 2, 1, CLASS_MAP).repeat(4, axis=0).repeat(4, axis=1)
    assert np.array_equal(class_map, wanted)
    with Image.open(training / listed["image"]) as image:
        assert image.size == class_map.shape[::-1]
    (read,) = find_files(
        Tissue(
            folder=str(training),
            table="tissue.csv",
            columns=Columns(image="image", class_map="class_map", case="case", mpp="mpp"),
        )
    )
    assert (read.case, read.mpp) == ("TCGA-05-4244", 0.25)

    capsys.readouterr()
    assert pantile("corrections", "list", "C") == 0
    assert "1 of 1 ROI back; 16.7% of their pixels changed." in capsys.readouterr().out
    assert pantile("preannotate", "C", "--segmenter", "lung", "--out", str(out)) == 1


def test_what_went_out_keeps_its_time_and_returning_it_again_changes_nothing(
    pantile: Pantile, database: Database, tmp_path: Path
) -> None:
    def read() -> list[dict[str, object]]:
        with database.transaction() as connection:
            return connection.execute(
                "SELECT handed_at, returned_at FROM preannotations LEFT JOIN corrections USING (roi_id)"
            ).fetchall()

    arguments = ("C", "--segmenter", "lung", "--out", str(tmp_path))
    assert pantile("preannotate", *arguments) == 0
    first = read()
    assert pantile("preannotate", *arguments) == 0
    assert read() == first

    assert pantile("corrections", "add", "C", str(tmp_path)) == 0
    back = read()
    assert pantile("corrections", "add", "C", str(tmp_path)) == 0
    assert read() == back


def test_a_segmenter_that_the_cohort_lacks_is_asked_for(
    pantile: Pantile, database: Database, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert pantile("preannotate", "C", "--out", str(tmp_path)) == 2
    assert "as C has neither scores nor Dice; name one with --segmenter" in capsys.readouterr().err
    assert pantile("preannotate", "C", "--segmenter", "bone", "--out", str(tmp_path)) == 2


def test_an_unknown_class_is_refused_and_nothing_taken(
    pantile: Pantile, database: Database, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert pantile("preannotate", "C", "--segmenter", "lung", "--out", str(tmp_path)) == 0
    file = tmp_path / f"{ROI}_lung.geojson"
    file.write_text(file.read_text().replace('"OTHER"', '"Bone"'))

    assert pantile("corrections", "add", "C", str(tmp_path)) == 2

    assert f"{file.name}: annotation" in capsys.readouterr().err
    with database.transaction() as connection:
        assert connection.execute("SELECT 1 FROM ground_truths").fetchone() is None

"""Plates of a real study: drawn, captioned, the same on every run."""

import csv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pantile.catalog.database import Database
from pantile.cli import main
from pantile.objects import ObjectStore
from tests.study_fixture import SEGMENTERS, STUDY, UNTILED, SmallStudy, make_study


@pytest.fixture
def scored(database: Database, objects: ObjectStore) -> SmallStudy:
    """The small study, every output scored by its ROI and segmenter, but for the ROI whose image is lost."""
    study = make_study(database, objects)
    with database.transaction() as connection:
        connection.execute(
            """
            INSERT INTO scores (assignment_id, output_id, value, version, is_complete)
            SELECT a.id, o.id, 2 * ((o.roi_id + o.number) %% 6), 1, true FROM assignments a
            JOIN outputs o ON o.study_id = a.study_id AND o.roi_id = a.roi_id
            WHERE a.account_id = %s AND o.job_id IS NOT NULL
              AND a.key <> %s
            """,
            [study.accounts["r1"], study.assignments["r1"][UNTILED]],
        )
    return study


def _run(*arguments: str) -> object:
    """The command's exit code."""
    with pytest.raises(SystemExit) as ended:
        main(["plates", STUDY, *arguments])
    return ended.value.code


def test_plates_show_scores_and_foreign_cohorts(scored: SmallStudy, web_url: str, tmp_path: Path) -> None:
    out = tmp_path / "plates"

    assert _run("--out", str(out), "--api", web_url, "--seed", "7") == 0

    names = {path.name for path in out.iterdir()}
    assert {"scores.png", "classes.png", "classes.csv", "plates.csv"} <= names
    assert {f"foreign_{name}.png" for name in SEGMENTERS} <= names
    shown = list(csv.DictReader((out / "plates.csv").read_text("utf-8").splitlines()))
    by_score = [row for row in shown if row["plate"] == "scores"]
    assert {row["row"] for row in by_score} <= {f"Score {score}" for score in (0, 2, 4, 6, 8, 10)}
    assert all(row["row"] == f"Score {row['score']}" and row["seed"] == "7" for row in by_score)
    with Image.open(out / "scores.png") as plate:
        assert plate.info["dpi"] == pytest.approx((300, 300), abs=1)
        assert plate.width == 2126
        # Not all paper: every row has two pictures beside each other.
        assert (np.asarray(plate) != 255).mean() > 0.3


def test_the_same_seed_draws_the_same_plates(scored: SmallStudy, web_url: str, tmp_path: Path) -> None:
    for folder in ("a", "b"):
        _run("--out", str(tmp_path / folder), "--api", web_url, "--examples", "1")

    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()


def test_classes_of_every_segmenter_are_listed_with_their_colours(
    scored: SmallStudy, web_url: str, tmp_path: Path
) -> None:
    _run("--out", str(tmp_path), "--api", web_url)

    rows = list(csv.DictReader((tmp_path / "classes.csv").read_text("utf-8").splitlines()))
    tumor = next(row for row in rows if row["segmenter"] == "breast" and row["class"] == "TUMOR")
    assert (tumor["index"], tumor["group"], tumor["simplified"]) == ("1", "tumor", "#0000ff")
    assert {row["segmenter"] for row in rows} == set(SEGMENTERS)


def test_a_study_without_scores_has_no_plates(
    database: Database, objects: ObjectStore, web_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    make_study(database, objects)

    assert _run("--api", web_url) == 1
    assert "has no scores that could be shown yet" in capsys.readouterr().out

"""A study as the published one's files and as an RO-Crate, over the real servers."""

import csv
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from pantile.analysis.design import ARTICLE
from pantile.analysis.reading import read_text
from pantile.analysis.scores import read_scores
from pantile.catalog.database import Database
from pantile.cli import main
from pantile.objects import ObjectStore
from tests.study_fixture import SEGMENTERS, STUDY, SmallStudy, make_study
from tests.study_scores import evaluate_study, score_study


@pytest.fixture
def scored(database: Database, objects: ObjectStore) -> SmallStudy:
    """The small study, read by its first rater; one cohort's class maps have Dice."""
    study = make_study(database, objects)
    score_study(database, study, "r1")
    evaluate_study(database)
    return study


def _run(*arguments: str) -> object:
    with pytest.raises(SystemExit) as ended:
        main(list(arguments))
    return ended.value.code


def _read_crate(folder: Path) -> dict[str, Any]:
    """The entities of a crate by id, checked for what RO-Crate 1.1 asks of every crate."""
    document = json.loads((folder / "ro-crate-metadata.json").read_text("utf-8"))
    assert document["@context"][0] == "https://w3id.org/ro/crate/1.1/context"
    entities = {entity["@id"]: entity for entity in document["@graph"]}
    assert len(entities) == len(document["@graph"])
    assert all(entity["@type"] for entity in entities.values())
    descriptor, root = entities["ro-crate-metadata.json"], entities["./"]
    assert descriptor["conformsTo"] == {"@id": "https://w3id.org/ro/crate/1.1"}
    assert descriptor["about"] == {"@id": "./"}
    assert root["@type"] == "Dataset"
    assert {"name", "description", "datePublished", "license"} <= root.keys()
    for reference in _references(list(entities.values())):
        assert reference in entities or reference.startswith("https://")
    return entities


def _references(value: Any) -> set[str]:
    if isinstance(value, list):
        return set().union(*map(_references, value)) if value else set()
    if isinstance(value, dict):
        own = {value["@id"]} if set(value) == {"@id"} else set()
        return own.union(*(_references(each) for each in value.values()))
    return set()


def test_a_study_goes_out_as_the_published_files(scored: SmallStudy, web_url: str, tmp_path: Path) -> None:
    assert _run("export-study", STUDY, "--out", str(tmp_path / "out"), "--api", web_url) == 0

    out = tmp_path / "out"
    table, _ = read_scores(read_text(out / "scoring_data.csv"), ARTICLE)
    assert table.scored > 0
    wide = csv.DictReader((out / "pathologist_inference_ratings.csv").read_text("utf-8").splitlines())
    assert wide.fieldnames == [
        *("base_image", "cohort", "BRCA_score", "COADREAD_score", "LUNG_score", "RCC_score", "PRAD_score"),
    ]
    dice = sorted(out.rglob("detailed_dice_results.csv"))
    assert {path.parent.name for path in dice} == {
        *("BRCA_MODEL", "CRC_MODEL", "LUNG_MODEL", "KIDNEY_MODEL", "PROSTATE_MODEL"),
    }
    assert {path.relative_to(out).parts[0] for path in dice} == {"dice-results"}
    assert dice[0].read_text("utf-8").splitlines()[0].startswith("Slide,ROI,Overall_DICE,Non_Background_Percentage")


def test_a_release_is_an_ro_crate_that_describes_every_file(scored: SmallStudy, web_url: str, tmp_path: Path) -> None:
    out = tmp_path / "release"

    assert (
        _run("release", STUDY, "--out", str(out), "--author", "Jane Doe", "--author", "J. Roe", "--api", web_url) == 0
    )

    entities = _read_crate(out)
    there = {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()}
    parts = {part["@id"] for part in entities["./"]["hasPart"]}
    assert there == parts | {"ro-crate-metadata.json"}
    for part in parts:
        content = (out / part).read_bytes()
        assert entities[part]["sha256"] == hashlib.sha256(content).hexdigest()
        assert entities[part]["contentSize"] == str(len(content))
    assert {f"segmenters/{name}.json" for name in SEGMENTERS} <= parts
    assert [entities[author["@id"]]["name"] for author in entities["./"]["author"]] == ["Jane Doe", "J. Roe"]
    cited = yaml.safe_load((out / "CITATION.cff").read_text("utf-8"))
    assert (cited["cff-version"], [each["name"] for each in cited["authors"]]) == ("1.2.0", ["Jane Doe", "J. Roe"])
    datasheet = (out / "DATASHEET.md").read_text("utf-8")
    assert "## Composition" in datasheet
    assert "`data/scoring_data.csv`" in datasheet


def test_raters_stay_unnamed_unless_asked_for(scored: SmallStudy, web_url: str, tmp_path: Path) -> None:
    release = ("release", STUDY, "--author", "A", "--api", web_url)
    assert _run(*release, "--out", str(tmp_path / "without")) == 0
    assert _run(*release, "--out", str(tmp_path / "with"), "--raters") == 0

    names = {path.name for path in (tmp_path / "with").rglob("*")} - {
        path.name for path in (tmp_path / "without").rglob("*")
    }

    assert names == {"long.csv", "events.csv"}
    for path in (tmp_path / "without").rglob("*.csv"):
        rows = list(csv.reader(path.read_text("utf-8").splitlines()))
        assert all("r1" not in row for row in rows)


def test_a_release_takes_a_folder_of_its_own(
    scored: SmallStudy, web_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "something").touch()

    assert _run("release", STUDY, "--out", str(tmp_path), "--author", "A", "--api", web_url) == 2
    assert "is not empty; a release takes a folder of its own" in capsys.readouterr().err

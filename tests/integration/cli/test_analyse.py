"""`pantile analyse` of a study that a Pantile has."""

import csv
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from pantile.catalog.database import Database
from pantile.cli.app import main
from pantile.domain.studies import Study
from tests.study_fixture import make_study as make_small_study
from tests.study_scores import evaluate_study, score_study

STUDY = "/v1/studies/pan-cancer"
CSV = {"Content-Type": "text/csv"}
HEADER = "file_name,tcga_project,tcga_case_id,tcga_sample_id,tcga_uuid,slide_mpp,tissue_type,model,score,comment"

Analyse = Callable[..., int]


@pytest.fixture
def analyse(web_url: str, monkeypatch: pytest.MonkeyPatch, quiet_service: None) -> Analyse:
    """`pantile analyse …` as a user types it; gives its exit code."""
    monkeypatch.setenv("PANTILE_API_URL", web_url)

    def run(*arguments: str) -> int:
        with pytest.raises(SystemExit) as ended:
            main(["analyse", *arguments])
        assert isinstance(ended.value.code, int)
        return ended.value.code

    return run


@pytest.fixture
def http(web_url: str, api_token: str) -> Iterator[httpx.Client]:
    """The API, as an admin."""
    with httpx.Client(base_url=web_url, headers={"Authorization": f"Bearer {api_token}"}, timeout=60) as client:
        yield client


@pytest.fixture
def scored(make_study: Callable[..., Study], http: httpx.Client) -> None:
    """A study of which r1 scored everything, and r2 every other ROI, a point lower."""
    make_study(rois=12, missing=2)
    for rater, purpose, every, less in (("r1", "primary", 1, 0), ("r2", "second", 2, 1)):
        account = {"name": rater, "role": "rater", "password": "correct horse battery"}
        http.post("/v1/accounts", json=account).raise_for_status()
        http.put(f"{STUDY}/members/{rater}", json={"role": "rater"}).raise_for_status()
        rois = http.get(f"{STUDY}/rois").json()["rois"][::every]
        lines = [_line(roi, number, less) for roi in rois for number in range(1, 6)]
        answer = http.post(
            f"{STUDY}/import",
            params={"rater": rater, "purpose": purpose},
            content="\n".join([HEADER, *lines]).encode(),
            headers=CSV,
        )
        assert answer.status_code == 200, answer.text


def _line(roi: dict[str, Any], number: int, less: int) -> str:
    case = "-".join(["TCGA", *roi["slide"].split("-")[2:4]])
    score = "" if number in roi["missing"] else str((sum(roi["slide"].encode()) + 2 * number) % 9 + 1 - less)
    name = f"{roi['slide']}_0.253_{roi['tissue_type']}_model{number}.jpg"
    return f"{name},{roi['cohort']},{case},{case}-01Z,,0.253,{roi['tissue_type']},model{number},{score},"


@pytest.mark.usefixtures("scored")
def test_a_study_of_a_pantile_is_analysed_by_its_name(
    analyse: Analyse, http: httpx.Client, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert analyse("pan-cancer", "--out", str(tmp_path), "--draws", "100") == 0

    said = capsys.readouterr().out
    exported = http.get(f"{STUDY}/export", params={"kind": "study"}).content
    raters = (tmp_path / "tables" / "raters_short.csv").read_text(encoding="utf-8")
    cohorts = {row["Cohort"] for row in csv.DictReader((tmp_path / "tables" / "table1.csv").open(encoding="utf-8"))}
    assert "scores of 12 ROIs." in said
    assert (tmp_path / "pan-cancer" / "scoring_data.csv").read_bytes() == exported
    assert "Pooled" in raters
    assert {"LUAD", "SKCM"} <= cohorts
    assert (tmp_path / "tables" / "order.csv").is_file()


def test_the_dice_of_a_study_is_that_of_its_exported_files(
    analyse: Analyse, web_url: str, database: Database, tmp_path: Path
) -> None:
    study = make_small_study(database)
    score_study(database, study, "r1")
    evaluate_study(database)
    with pytest.raises(SystemExit) as ended:
        main(["export-study", "pan-cancer", "--out", str(tmp_path / "files"), "--api", web_url])
    assert ended.value.code == 0

    assert analyse("pan-cancer", "--out", str(tmp_path / "own"), "--draws", "100") == 0
    assert analyse(str(tmp_path / "files"), "--out", str(tmp_path / "of_files"), "--draws", "100") == 0

    for file in ("tables/dice.csv", "tables/dice_agreement.csv", "figures/figure3C.csv", "figures/figure3E.csv"):
        assert _sorted(tmp_path / "own" / file) == _sorted(tmp_path / "of_files" / file), file
    inputs = (tmp_path / "own" / "tables" / "inputs.csv").read_text(encoding="utf-8")
    assert "by the protocol published-code" in inputs
    assert "10 outputs of normal tissue, left out" in inputs


def _sorted(file: Path) -> list[str]:
    return sorted(file.read_text(encoding="utf-8").splitlines())


def test_a_study_that_is_not_there_is_told(
    analyse: Analyse, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert analyse("no-study", "--out", str(tmp_path)) == 2

    assert "no such study" in capsys.readouterr().err.lower()


def test_a_study_without_scores_is_told(
    analyse: Analyse, make_study: Callable[..., Study], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make_study(rois=6)

    assert analyse("pan-cancer", "--out", str(tmp_path)) == 2

    assert "no tumor ROI with a score" in capsys.readouterr().err

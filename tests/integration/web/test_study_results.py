"""The page of a study's results shows what an analysis of the study says, to those who may know the segmenters."""

import csv
import re
from html import unescape
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from pantile.analysis.analyse import analyse
from pantile.analysis.catalog_study import find_design, write_study_files
from pantile.analysis.read_study import find_files, read_study
from pantile.analysis.study import Options
from pantile.analysis.table import Table, show
from pantile.catalog import studies, study_members
from pantile.catalog.database import Database
from pantile.catalog.study_setup import create_study
from pantile.domain.dice import DiceProtocol
from pantile.domain.studies import StudyPlan, StudyRole
from tests.integration.web.scoring import OpenBrowser
from tests.study_fixture import SEGMENTERS, STUDY, SmallStudy
from tests.study_scores import evaluate_study, score_study

PAGE = f"/studies/{STUDY}/results"
DICE = f"/v1/studies/{STUDY}/dice.csv"
HTML = {"Accept": "text/html"}


@pytest.fixture
def scored(database: Database, small_study: SmallStudy) -> SmallStudy:
    """The small study, read once whole and twice in part, with Dice."""
    score_study(database, small_study, "r1", "r2")
    evaluate_study(database)
    return small_study


def _analysed(database: Database, folder: Path, protocol: DiceProtocol) -> dict[str, Table]:
    """The tables of an analysis, and the numbers of its figures, by name."""
    with database.transaction() as connection:
        study = studies.find_study(connection, STUDY)
        design = find_design(connection, study)
        write_study_files(connection, study, folder, protocol)
    sections = analyse(read_study(find_files(folder), design, name=STUDY), Options(), lambda _: None)
    tables = [table for section in sections for table in section.tables]
    return {each.name: each for each in (*tables, *(fig.numbers for section in sections for fig in section.figures))}


def _rows(page: str, caption: str) -> list[list[str]]:
    """The cells of the table with that caption, as people read them."""
    table = next(part for part in re.findall(r"<table.*?</table>", page, re.DOTALL) if caption in part)
    rows = re.findall(r"<tr.*?</tr>", table, re.DOTALL)[1:]
    return [
        [
            unescape(re.sub(r"<[^>]+>", "", cell)).strip()
            for cell in re.findall(r"<t[hd][ >].*?</t[hd]>", row, re.DOTALL)
        ]
        for row in rows
    ]


@pytest.mark.parametrize("protocol", [*DiceProtocol])
def test_the_page_shows_what_an_analysis_says(
    protocol: DiceProtocol, scored: SmallStudy, open_browser: OpenBrowser, database: Database, tmp_path: Path
) -> None:
    tables = _analysed(database, tmp_path, protocol)

    with open_browser("admin") as browser:
        page = browser.get(PAGE, params={"protocol": protocol}, headers=HTML).text

    shown = _rows(page, "Table 1")
    means = [[cell.partition(" n ")[0] for cell in row] for row in shown]
    assert means == [[show(cell) for cell in row] for row in tables["table1"].rows]
    counts = {(row[0], row[1]): row[3] for row in tables["cells"].rows}
    assert {row[0]: [cell.partition(" n ")[2] for cell in row[2:7]] for row in shown[:-1]} == {
        cohort: [str(counts.get((cohort, title.title()), "")) for title in SEGMENTERS]
        for cohort in {row[0] for row in tables["table1"].rows[:-1]}
    }
    drawn = dict(re.findall(r"<title>(\w+ on \w+): ([\d.]+)", page))
    assert {name: drawn[name] for name in drawn if " on all" not in name and not name.startswith("all")} == {
        f"{row[1]} on {row[0]}": f"{row[3]:.2f}" for row in tables["figure4B"].rows
    }
    agreement = [[row[0], row[1].replace(" (home)", ""), *row[2:5]] for row in _rows(page, "bias is a tenth")]
    expected = [
        [it[0], str(it[1]).replace(" (home)", ""), show(it[2]), it[3], it[4]] for it in tables["dice_agreement"].rows
    ]
    assert agreement == expected
    assert page.count('class="point"') == len(tables["figure3E"].rows)


def test_dice_is_of_the_class_map_that_the_study_shows(
    scored: SmallStudy, open_browser: OpenBrowser, database: Database
) -> None:
    """A later job of the same segmenter on the same ROI has Dice as well, which the study does not take."""
    with database.transaction() as connection:
        pinned = connection.execute("SELECT count(*) AS n FROM outputs WHERE job_id IS NOT NULL").fetchone()
        connection.execute(
            """
            UPDATE outputs SET job_id = NULL, sha256 = NULL
            WHERE id = (SELECT id FROM outputs WHERE job_id IS NOT NULL ORDER BY id LIMIT 1)
            """
        )

    with open_browser("admin") as browser:
        rows = list(csv.DictReader(browser.get(DICE).text.splitlines()))

    assert pinned is not None
    assert len(rows) == pinned["n"] - 1
    assert {row["protocol"] for row in rows} == {"published-code"}
    assert len({(row["roi"], row["model"]) for row in rows}) == len(rows)
    assert {row["tissue_type"] for row in rows} == {"tumor", "normal"}


def _statuses(browser: TestClient) -> list[int]:
    return [browser.get(PAGE, headers=HTML).status_code, browser.get(DICE).status_code]


def test_segmenters_are_named_to_nobody_who_still_scores_blindly(
    scored: SmallStudy, open_browser: OpenBrowser, database: Database
) -> None:
    everybody = ("admin", "r1", "r2", "adj", "view")

    before = {name: _statuses(open_browser(name)) for name in everybody}
    with database.transaction() as connection:
        connection.execute("UPDATE studies SET state = 'unblinded'")
    after = {name: _statuses(open_browser(name)) for name in everybody}
    with database.transaction() as connection:
        plan = StudyPlan(name="next", title="Next", seed=1, cohorts=("TCGA-SKCM",), segmenters=SEGMENTERS)
        study_members.set_member(
            connection, create_study(connection, plan, actor="test"), "r1", StudyRole.RATER, actor="test"
        )
    with_another = {name: _statuses(open_browser(name)) for name in everybody}

    assert before == {"admin": [200, 200], **{key: [403, 403] for key in everybody[1:]}}
    assert after == {key: [200, 200] for key in everybody}
    assert with_another == {**after, "r1": [403, 403]}


def test_a_study_without_scores_says_what_it_lacks(small_study: SmallStudy, open_browser: OpenBrowser) -> None:
    with open_browser("admin") as browser:
        page = browser.get(PAGE, headers=HTML)

    assert page.status_code == 200
    assert "No tumor ROI is scored yet." in page.text
    assert "No scored tumor ROI has Dice yet." in page.text


def test_progress_tells_what_is_not_scored_by_cohort_and_rater(
    small_study: SmallStudy, open_browser: OpenBrowser, database: Database
) -> None:
    with database.transaction() as connection:
        connection.execute("UPDATE assignments SET state = 'void' WHERE key = %s", [small_study.assignments["r1"][6]])
    score_study(database, small_study, "r2")
    with database.transaction() as connection:
        connection.execute(
            "UPDATE assignments SET state = 'skipped' WHERE key = %s", [small_study.assignments["r2"][0]]
        )

    with open_browser("admin") as browser:
        left = browser.get(f"/v1/studies/{STUDY}/progress").json()["left"]
        page = browser.get(f"/studies/{STUDY}/progress", headers=HTML).text

    assert [tuple(row.values()) for row in left] == [
        ("TCGA-LUAD", None, "primary", 1, 0, 1),
        ("TCGA-LUAD", "r1", "primary", 4, 0, 4),
        ("TCGA-SKCM", "r1", "primary", 7, 0, 7),
        ("TCGA-SKCM", "r2", "second", 6, 5, 1),
    ]
    assert ["TCGA-SKCM", "r2", "second", "1 of 6", ""] in _rows(page, "By cohort and rater")

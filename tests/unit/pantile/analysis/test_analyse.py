"""A whole analysis: what it writes, what it says took part, and that the report needs nothing else."""

import csv
import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from pantile.analysis.analyse import analyse
from pantile.analysis.design import ARTICLE, categories, parse_cutoffs
from pantile.analysis.read_study import clinical_files, find_files, read_study
from pantile.analysis.report import write_analysis
from pantile.analysis.study import Options, Study
from pantile.domain.errors import FileRefused, InputRefused, ScoresRefused

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
FIGURES = ["3A", "3B", "3C", "3D", "3E", "3E_chance", "4A", "4B", "4C", "4D", "6B"]


@pytest.fixture(scope="module")
def study_read(generated: Path) -> Study:
    return read_study(find_files(generated), ARTICLE, name="generated")


@pytest.fixture(scope="module")
def written(study_read: Study, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("out")
    options = Options(draws=200)
    excluded = study_read.exclusions.__class__(reasons={str(study_read.scores.rois[0]): "blurred"})
    study = replace(study_read, exclusions=excluded)
    write_analysis(folder, study, analyse(study, options, lambda _: None), options, now=NOW, tell=lambda _: None)
    return folder


def rows_of(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))


def test_every_figure_is_there_as_svg_png_and_csv(written: Path) -> None:
    for name in (*(f"figure{it}" for it in FIGURES), "supplementary6", "table1"):
        assert (written / "figures" / f"{name}.png").read_bytes().startswith(b"\x89PNG")
        assert ET.fromstring((written / "figures" / f"{name}.svg").read_bytes()).tag.endswith("svg")  # noqa: S314
        assert len(rows_of(written / "figures" / f"{name}.csv")) > 1


def test_figures_of_cells_show_what_the_tables_say(written: Path) -> None:
    cells = {(row["Cohort"], row["Segmenter"]): row["Mean"] for row in rows_of(written / "tables" / "cells.csv")}

    shown = {(row["Cohort"], row["Segmenter"]): row["Mean"] for row in rows_of(written / "figures" / "figure4B.csv")}

    assert shown == cells
    assert len(cells) == 105


def test_the_report_needs_nothing_from_outside(written: Path) -> None:
    page = (written / "report.html").read_text(encoding="utf-8")

    assert not re.findall(r"""(?:src|href)=['"](?!data:|#)""", page)
    assert "<script" not in page
    assert "@import" not in page


def test_the_report_is_well_formed_and_every_link_has_its_target(written: Path) -> None:
    page = (written / "report.html").read_text(encoding="utf-8")
    reader = Balance()

    reader.feed(page)

    assert not reader.open
    assert reader.links <= reader.names
    assert reader.pictures_without_words == 0


class Balance(HTMLParser):
    """What is opened and not closed, which places are linked and which are named."""

    void = frozenset({"meta", "img", "br"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.links: set[str] = set()
        self.names: set[str] = set()
        self.pictures_without_words = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.names.add(given.get("id") or "")
        if tag == "a":
            self.links.add((given["href"] or "").removeprefix("#"))
        self.pictures_without_words += tag == "img" and not given.get("alt")
        if tag not in self.void:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_report_says_what_was_read_and_that_it_is_generated(written: Path, study_read: Study) -> None:
    page = (written / "report.html").read_text(encoding="utf-8")

    assert study_read.files[0].sha256 in page
    assert "Generated data." in page
    assert "2026-03-01 12:00 UTC" in page
    assert (written / "GENERATED.txt").is_file()


def test_tables_say_how_many_took_part_before_and_after_exclusions(written: Path) -> None:
    page = (written / "report.html").read_text(encoding="utf-8")

    assert page.count("7,616 ROIs before exclusions, 1 excluded.") >= 8
    assert rows_of(written / "tables" / "exclusions.csv")[0]["Reason"] == "blurred"


def test_the_same_input_writes_the_same_tables_and_figures(study_read: Study, tmp_path: Path) -> None:
    part = replace(
        study_read,
        scores=study_read.scores.where(study_read.scores.cohorts == "CHOL"),
        second=None, dice=None, diagnoses=None,
    )  # fmt: skip
    options = Options(draws=150)
    for name in ("a", "b"):
        sections = analyse(part, options, lambda _: None)
        write_analysis(tmp_path / name, part, sections, options, now=NOW, tell=lambda _: None)

    files = [path.relative_to(tmp_path / "a") for path in (tmp_path / "a").rglob("*.*") if path.is_file()]

    assert len(files) > 20
    for file in files:
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes(), file


def test_scores_alone_are_enough(study_read: Study) -> None:
    alone = Study(name="alone", scores=study_read.scores.where(study_read.scores.cohorts == "OV"), files=())

    titles = [section.title for section in analyse(alone, Options(draws=100), lambda _: None)]

    assert titles == ["Scores by cohort and segmenter", "At home and elsewhere", "What the means hang on"]


def test_a_study_without_scores_of_tumor_is_refused(study_read: Study) -> None:
    normal = study_read.scores.where(study_read.scores.tissue_types == "normal")

    with pytest.raises(ScoresRefused, match="no tumor ROI with a score"):
        analyse(Study(name="none", scores=normal, files=()), Options(), lambda _: None)


def test_a_second_rater_of_other_outputs_is_told(study_read: Study) -> None:
    scores = study_read.scores
    first, second = scores.where(scores.cohorts == "OV"), scores.where(scores.cohorts == "UCEC")

    study = Study(name="x", scores=first, second=second, files=())
    raters = next(it for it in analyse(study, Options(draws=100), lambda _: None) if it.title == "Two raters")

    assert raters.text.startswith("No two outputs have a score of both raters yet.")
    assert not raters.tables


@pytest.mark.parametrize("rois", [1, 2, 3])
def test_a_study_of_which_next_to_nothing_is_scored_is_analysed(study_read: Study, tmp_path: Path, rois: int) -> None:
    rows = np.flatnonzero(study_read.scores.tissue_types == "tumor")[:rois]
    chosen = np.isin(np.arange(len(study_read.scores.rois)), rows)
    scores = study_read.scores.where(chosen)
    scores.scores[0, 1:] = np.nan
    assert study_read.dice is not None
    dice = study_read.dice.where(np.arange(len(study_read.dice.rois)) < rois)
    study = Study(name="x", scores=scores, second=scores, dice=dice, files=())

    sections = analyse(study, Options(draws=100), lambda _: None)
    written = write_analysis(tmp_path, study, sections, Options(), now=NOW, tell=lambda _: None)

    assert written.report.is_file()


def test_cut_offs_are_what_one_types() -> None:
    assert [(it.name, it.low, it.high) for it in parse_cutoffs("bad=0, fine=7")] == [
        ("bad", 0, 7),
        ("fine", 7, pytest.approx(10)),
    ]


@pytest.mark.parametrize("text", ["poor=0,good", "good=5,excellent=8", "poor=0,good=9,fair=5", "poor=0,good=11"])
def test_cut_offs_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(InputRefused, match="cut-off"):
        parse_cutoffs(text)


def test_the_best_score_belongs_to_the_highest_category() -> None:
    assert categories()[-1].high > 10


def test_a_folder_without_scores_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileRefused, match="no folder with a scoring_data"):
        find_files(tmp_path)
    with pytest.raises(FileRefused, match=r"has no \.tsv file"):
        clinical_files([tmp_path])

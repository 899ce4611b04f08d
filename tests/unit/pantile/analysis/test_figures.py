"""Figures: every word is on the page, none lies on another, none is too small for print, colours are the study's."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.backend_bases import DrawEvent, Event
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from pantile.analysis.analyse import analyse
from pantile.analysis.design import ARTICLE, Design, make_design
from pantile.analysis.dice_figures import draw_dice
from pantile.analysis.figure import WIDTH_IN, Figure
from pantile.analysis.read_study import find_files, read_study
from pantile.analysis.study import Options, Study

SMALLEST_PT = 5.4
TOUCH_PX = 1.0

EIGHT = ("breast", "colon", "lung", "kidney", "prostate", "stomach-mucinous", "thyroid", "breast-dcis-lcis-v2")


@pytest.fixture(scope="module")
def study_read(generated: Path) -> Study:
    return replace(read_study(find_files(generated), ARTICLE, name="generated"), is_generated=True)


@pytest.fixture(scope="module")
def figures(study_read: Study) -> list[Figure]:
    return figures_of(study_read)


def figures_of(study: Study) -> list[Figure]:
    return [figure for section in analyse(study, Options(draws=100), lambda _: None) for figure in section.figures]


def words_of(figure: Figure, kind: str) -> tuple[list[tuple[Text, Bbox]], Bbox]:
    """Every text of a figure as it is saved, where it is in pixels, and where the page is."""
    found = list[tuple[Text, Bbox]]()
    pages = list[Bbox]()

    def look(event: Event) -> None:
        assert isinstance(event, DrawEvent)
        shown = (it for it in _texts(figure) if it.get_visible() and it.get_text().strip())
        found[:] = [(it, it.get_window_extent(event.renderer)) for it in shown]
        pages[:] = [figure.plot.bbox.frozen()]

    listener = figure.plot.canvas.mpl_connect("draw_event", look)
    figure.svg() if kind == "svg" else figure.png()
    figure.plot.canvas.mpl_disconnect(listener)
    return found, pages[0]


def _texts(figure: Figure) -> Iterator[Text]:
    plot = figure.plot
    for axis in plot.axes:
        yield from (it for it in axis.texts)
        yield from (axis.title, axis.xaxis.label, axis.yaxis.label)
        for side in (axis.xaxis, axis.yaxis):
            low, high = sorted(side.get_view_interval())
            for tick in side.get_major_ticks():
                if low <= tick.get_loc() <= high:
                    yield from (tick.label1, tick.label2)
    yield from plot.texts
    for legend in plot.legends:
        yield from legend.get_texts()


def faults_of(figure: Figure, kind: str = "svg") -> list[str]:
    words, page = words_of(figure, kind)
    faults = [
        f"{text.get_text()!r} is cut off"
        for text, box in words
        if box.x0 < page.x0 or box.y0 < page.y0 or box.x1 > page.x1 or box.y1 > page.y1
    ]
    faults += [f"{text.get_text()!r} is no word" for text, _ in words if "nan" in text.get_text()]
    faults += [f"{text.get_text()!r} is too small" for text, _ in words if float(text.get_fontsize()) < SMALLEST_PT]
    for (one, a), (other, b) in combinations(words, 2):
        wide, high = min(a.x1, b.x1) - max(a.x0, b.x0), min(a.y1, b.y1) - max(a.y0, b.y0)
        are_slanted = float(one.get_rotation()) % 90 and float(other.get_rotation()) % 90
        if wide > TOUCH_PX and high > TOUCH_PX and not are_slanted:
            faults.append(f"{one.get_text()!r} lies on {other.get_text()!r}")
    return faults


def seen_as(study: Study, design: Design, cohorts: Sequence[str]) -> Study:
    """The study as if it had other segmenters, and those cohorts alone."""
    columns = np.arange(len(design.segmenters)) % len(ARTICLE.segmenters)
    assert study.second is not None
    assert study.dice is not None
    scores, second = (
        replace(part, design=design, scores=part.scores[:, columns]).where(np.isin(part.cohorts, cohorts))
        for part in (study.scores, study.second)
    )
    dice = replace(study.dice, design=design, dice=study.dice.dice[:, columns], scores=study.dice.scores[:, columns])
    return replace(study, scores=scores, second=second, dice=dice)


@pytest.mark.parametrize("kind", ["svg", "png"])
def test_every_word_can_be_read(figures: list[Figure], kind: str) -> None:
    assert len(figures) == 13
    assert {figure.name: faults_of(figure, kind) for figure in figures} == {figure.name: [] for figure in figures}
    assert all(figure.plot.get_figwidth() <= WIDTH_IN for figure in figures)


@pytest.mark.parametrize("number", [1, 2, 8])
def test_every_word_can_be_read_with_fewer_and_more_segmenters(study_read: Study, number: int) -> None:
    names = EIGHT[-number:]
    design = make_design([(place, name, ["TCGA-OV"]) for place, name in enumerate(names, 1)])

    figures = figures_of(seen_as(study_read, design, ["OV", "STAD", "CESC"]))

    assert len(figures) == 13
    assert {figure.name: faults_of(figure) for figure in figures} == {figure.name: [] for figure in figures}


@pytest.mark.filterwarnings("error::UserWarning")
@pytest.mark.parametrize(("rois", "segmenters"), [(1, 1), (1, 5), (2, 5), (6, 5)])
def test_every_word_can_be_read_when_next_to_nothing_is_scored(study_read: Study, rois: int, segmenters: int) -> None:
    chosen = np.flatnonzero(study_read.scores.tissue_types == "tumor")[:rois]
    scores = study_read.scores.where(np.isin(np.arange(len(study_read.scores.rois)), chosen))
    scores = replace(scores, cohorts=np.full(rois, "HEIDELBERG-2024-SARCOMA"), scores=scores.scores.copy())
    scores.scores[:, segmenters:] = np.nan
    assert study_read.dice is not None
    dice = study_read.dice.where(np.arange(len(study_read.dice.rois)) < rois)

    figures = figures_of(Study(name="small", scores=scores, second=scores, dice=dice, files=()))

    assert {"figure3C", "figure3E", "figure4A", "figure4B", "figure4C", "figure4D"} <= {it.name for it in figures}
    assert {figure.name: faults_of(figure) for figure in figures} == {figure.name: [] for figure in figures}


def test_values_too_few_for_a_box_are_shown_one_by_one(study_read: Study) -> None:
    dice = study_read.dice
    assert dice is not None
    few = dice.where(np.arange(len(dice.rois)) < 3)

    (axis,) = draw_dice(few).plot.axes

    shown = [float(y) for dots in axis.collections for _, y in np.asarray(dots.get_offsets())]
    assert shown == few.dice.T.ravel().tolist()
    assert not axis.patches


def test_segmenters_have_the_colours_of_the_study(figures: list[Figure]) -> None:
    plot = next(figure.plot for figure in figures if figure.name == "figure4A")

    shown = [mpl.colors.to_hex(axis.patches[0].get_facecolor()).upper() for axis in plot.axes]

    assert shown == ["#0077BB", "#33BBEE", "#009988", "#EE7733", "#CC3311"]


def test_a_figure_of_generated_data_says_so(figures: list[Figure]) -> None:
    for figure in figures:
        assert "generated data, not the study's" in [text.get_text() for text in figure.plot.texts]


def test_the_only_segmenter_of_a_study_has_no_runner_up(study_read: Study) -> None:
    alone = seen_as(study_read, make_design([(1, "lung", [])]), ["OV"])

    tables = [table for section in analyse(alone, Options(draws=100), lambda _: None) for table in section.tables]

    (row,) = next(table.rows for table in tables if table.name == "ranking")
    assert row[2] == "Lung"
    assert row[5:] == (None,) * 4

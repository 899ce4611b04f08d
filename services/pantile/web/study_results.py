"""What a study's results are so far, by the functions of the analysis, in the shapes that its page shows."""

from dataclasses import dataclass

import numpy as np

from pantile.analysis.catalog_study import find_design, find_dice, find_scores
from pantile.analysis.design import Design
from pantile.analysis.dice_agreement import DELTA, DiceAgreement, compare_dice
from pantile.analysis.dice_files import DiceTable
from pantile.analysis.scores import ScoreTable
from pantile.analysis.summaries import Moments, Summary, codes_of, summarise
from pantile.analysis.table import mean_sd
from pantile.catalog.database import Connection
from pantile.domain.dice import DiceProtocol
from pantile.domain.studies import Study
from pantile.web.charts import Chart, scores_against_dice
from pantile.web.heat_maps import HeatMap, draw_heat_map

SEED = 1
"""As of the report, so that what is drawn by lot is the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MeanCell:
    """Mean ± SD as people read it, and of how many scores."""

    text: str
    n: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MeanRow:
    """A row of Table 1: its cohort, tumor ROIs with a score, a cell for each segmenter and one over all."""

    cohort: str
    rois: int
    cells: tuple[MeanCell, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreResults:
    """Table 1 and the heat map."""

    scores: int
    rois: int
    patients: int
    titles: tuple[str, ...]
    rows: tuple[MeanRow, ...]
    heat_map: HeatMap


@dataclass(frozen=True, slots=True, kw_only=True)
class DiceResults:
    """Scores against Dice: figures by cohort and segmenter, and a chart a segmenter."""

    rois: int
    protocol: DiceProtocol
    delta: float
    agreements: tuple[DiceAgreement, ...]
    charts: tuple[tuple[str, int, Chart], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyResults:
    """What there is so far; None where nothing is."""

    scores: ScoreResults | None
    dice: DiceResults | None


def find_results(connection: Connection, study: Study, protocol: DiceProtocol) -> StudyResults:
    """The results of the tumor ROIs whose first reading is done."""
    design = find_design(connection, study)
    scores = find_scores(connection, study, design)
    dice = find_dice(connection, study, design, protocol)
    return StudyResults(
        scores=_scores(scores.tumor) if scores is not None and len(scores.tumor.rois) else None,
        dice=_dice(dice, protocol) if dice is not None and not np.isnan(dice.scores).all() else None,
    )


def _scores(table: ScoreTable) -> ScoreResults:
    summary = summarise(table)
    return ScoreResults(
        scores=table.scored,
        rois=len(table.rois),
        patients=len(codes_of(np.char.add(np.char.add(table.cohorts, " "), table.cases))[0]),
        titles=table.design.titles,
        rows=_rows(summary),
        heat_map=draw_heat_map(summary, table.design),
    )


def _rows(summary: Summary) -> tuple[MeanRow, ...]:
    def row(cohort: str, rois: int, cells: Moments, last: Moments, *place: int) -> MeanRow:
        own = [(cells.n[place], cells.mean[place], cells.sd[place]), (last.n[place], last.mean[place], last.sd[place])]
        n, mean, sd = (np.append(*pair) for pair in zip(*own, strict=True))
        return MeanRow(
            cohort=cohort,
            rois=rois,
            cells=tuple(
                MeanCell(text=mean_sd(float(m), float(s)), n=int(count))
                for count, m, s in zip(n, mean, sd, strict=True)
            ),
        )

    return (
        *(
            row(cohort, int(summary.rois[at]), summary.cells, summary.rows, at)
            for at, cohort in enumerate(summary.cohorts)
        ),
        row("All ROIs", int(summary.rois.sum()), summary.columns, summary.overall),
    )


def _dice(table: DiceTable, protocol: DiceProtocol) -> DiceResults:
    return DiceResults(
        rois=len(table.rois),
        protocol=protocol,
        delta=DELTA,
        agreements=tuple(compare_dice(table, seed=SEED)),
        charts=tuple(_charts(table, table.design)),
    )


def _charts(table: DiceTable, design: Design) -> list[tuple[str, int, Chart]]:
    charts = []
    for place, title in enumerate(design.titles):
        pairs = np.stack([table.dice[:, place], table.scores[:, place] / 10], axis=1)
        known = pairs[~np.isnan(pairs).any(axis=1)].tolist()
        if known:
            charts.append((title, len(known), scores_against_dice(known, delta=DELTA)))
    return charts

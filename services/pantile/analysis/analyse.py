"""From a study to everything that is said of it: sections of tables and figures, in the order of the report."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from pantile.analysis import (
    comparison_tables,
    dice_figures,
    dice_tables,
    rater_figures,
    rater_tables,
    score_figures,
    score_tables,
    subgroup_figures,
)
from pantile.analysis.article import read_article
from pantile.analysis.bootstrap import Draws, draw_means
from pantile.analysis.claims import judge_claims
from pantile.analysis.comparisons import compare_cells, compare_native, compare_segmenters
from pantile.analysis.dice_agreement import DiceAgreement, compare_dice
from pantile.analysis.dice_files import DiceTable
from pantile.analysis.figure import Figure
from pantile.analysis.influence import leave_sites_out, leave_trained_out, split_by_mpp
from pantile.analysis.long_files import Readings
from pantile.analysis.mixed_model import fit_mixed_model
from pantile.analysis.order_effects import measure_order, measure_repeats
from pantile.analysis.reading import how_many
from pantile.analysis.scores import ScoreTable, roi_name
from pantile.analysis.side_files import Exclusions, trained_note
from pantile.analysis.study import Options, Section, Study, Tell
from pantile.analysis.subgroups import find_subgroups
from pantile.analysis.summaries import summarise
from pantile.analysis.table import Table
from pantile.domain.errors import ScoresRefused


def analyse(study: Study, options: Options, tell: Tell) -> list[Section]:
    """Every section that the study has something for.

    Raises:
        ScoresRefused: no tumor ROI with a score is left.
    """
    before = study.scores.tumor
    kept = study.exclusions.keep(before)
    if not len(kept.rois):
        raise ScoresRefused(f"{study.name} has no tumor ROI with a score, or every one is excluded")
    note = score_tables.say_n(before, kept)
    tell(f"Drawing patients {options.draws:,} times")
    draws = draw_means(kept, draws=options.draws, seed=options.seed)
    tell("Scores")
    sections = [_scores(study, kept, draws, options, note)]
    tell("Native against foreign cohorts")
    sections.append(_homes(kept, draws, options, note))
    if study.second is not None:
        tell("Raters")
        sections.append(_raters(study, study.second))
    if study.dice is not None:
        tell("Dice")
        sections.append(_dice(study.dice, study.exclusions, options))
    if study.diagnoses is not None:
        tell("Diagnoses")
        sections += _subgroups(study, kept, options, note)
    tell("What the means hang on")
    sections += [_influence(study, kept, note), *_claims(kept)]
    if study.is_generated:
        for figure in (figure for section in sections for figure in section.figures):
            figure.stamp("generated data, not the study's")
    return sections


def _scores(study: Study, kept: ScoreTable, draws: Draws, options: Options, note: str) -> Section:
    summary = summarise(kept)
    return Section(
        title="Scores by cohort and segmenter",
        text="Scores go from 0 (useless) to 10 (perfect). Cohorts are the projects that the scores name; colon "
        "and rectum are one, as in the article. Intervals come from drawing patients, not ROIs: ROIs of one patient "
        "are alike.",
        tables=(
            score_tables.table_1(summary, kept, note),
            score_tables.margins_table(summary, draws, kept, note),
            score_tables.categories_table(kept, options.categories, note),
            score_tables.cohort_categories_table(summary, options.categories, kept, note),
            score_tables.ranking_table(summary, draws, kept, note),
            score_tables.cells_table(summary, draws, kept, note),
            score_tables.coverage_table(study.exclusions.keep(study.scores), note),
        ),
        figures=(
            score_figures.draw_table_1(score_tables.table_1(summary, kept, note)),
            score_figures.draw_distributions(kept, summary),
            score_figures.draw_heat_map(kept, summary),
            score_figures.draw_cohorts(kept, summary, draws, options.categories),
        ),
    )


def _homes(kept: ScoreTable, draws: Draws, options: Options, note: str) -> Section:
    cells = compare_cells(kept, margin=options.margin)
    tables = [
        comparison_tables.native_table(compare_native(kept, draws), note),
        comparison_tables.equivalence_table(cells, options.margin, note),
        comparison_tables.foreign_table(cells, options.margin, note),
    ]
    if (found := compare_segmenters(kept)) is not None:
        tables.append(comparison_tables.friedman_table(found, kept.design.titles, note))
    if (model := fit_mixed_model(kept)) is not None:
        tables.append(comparison_tables.mixed_table(model, note))
    return Section(
        title="At home and elsewhere",
        text="Native cohorts are those that a segmenter was trained on; its scores there may profit from slides that "
        "it has seen. No difference shown is not equality: equivalence is tested by itself.",
        tables=tuple(tables),
        figures=(score_figures.draw_native(kept, draws),),
    )


def _raters(study: Study, second: ScoreTable) -> Section:
    before = len(rater_tables.pair_raters(study.scores, second).ratings)
    pairs = rater_tables.pair_raters(study.exclusions.keep(study.scores), study.exclusions.keep(second))
    left_out = before - len(pairs.ratings)
    pairs = replace(pairs, remark=f"{pairs.remark} {before:,} outputs before exclusions, {left_out:,} excluded.")
    if len(pairs.ratings) < 2:
        # A study that is being scored may have come no further.
        return Section(title="Two raters", text=f"No two outputs have a score of both raters yet. {pairs.remark}")
    tables = [rater_tables.short_raters_table(pairs), rater_tables.raters_table(pairs)]
    return Section(
        title="Two raters",
        text="ICC(C,1) ignores that one rater is stricter, ICC(A,1) and the bias do not: they belong together.",
        tables=tuple(tables),
        figures=(
            rater_figures.draw_raters(pairs),
            rater_figures.draw_raters_by_segmenter(pairs, study.scores.design),
        ),
    )


def _dice(dice: DiceTable, exclusions: Exclusions, options: Options) -> Section:
    kept = dice.where(~exclusions.hits(dice.rois.tolist()))
    left_out = len(dice.rois) - len(kept.rois)
    note = f"n = {how_many(len(kept.rois), 'ROI')} with ground truth; {len(dice.rois):,} before exclusions, "
    note += f"{left_out:,} excluded."
    found = compare_dice(kept, draws=options.draws, seed=options.seed)
    return Section(
        title="Dice, and scores against Dice",
        text="Dice is the overlap with the ground truth, by the protocol that the files have: where that "
        "is known, it stands with what was read, at the end.",
        tables=(
            dice_tables.dice_table(kept, note, draws=options.draws, seed=options.seed),
            *((dice_tables.dice_agreement_table(found, note),) if found else ()),
            *((dice_tables.dice_agreement_numbers(found, note),) if found else ()),
        ),
        figures=(
            dice_figures.draw_dice(kept),
            dice_figures.draw_dice_means(kept),
            *(_against_dice(kept, found) if found else ()),
        ),
    )


def _against_dice(kept: DiceTable, found: Sequence[DiceAgreement]) -> tuple[Figure, Figure]:
    colours = [segmenter.colour for segmenter in kept.design.segmenters]
    return dice_figures.draw_scores_against_dice(kept, found), dice_figures.draw_chance(found, colours)


def _subgroups(study: Study, kept: ScoreTable, options: Options, note: str) -> list[Section]:
    diagnoses = study.diagnoses or {}
    found = find_subgroups(kept, diagnoses)
    if not found:
        return []
    unknown = sum(case not in diagnoses for case in kept.cases.tolist())
    note += f" {how_many(unknown, 'ROI')} of cases without a diagnosis."
    return [
        Section(
            title="Primary diagnoses",
            text="A case counts once, with one diagnosis, however often it stands in the clinical tables.",
            tables=(
                dice_tables.subgroups_table(found, note, draws=options.draws, seed=options.seed),
                dice_tables.composition_table(found),
            ),
            figures=(subgroup_figures.draw_subgroups(found), subgroup_figures.draw_composition(found)),
        )
    ]


def _influence(study: Study, kept: ScoreTable, note: str) -> Section:
    tables: list[Table] = []
    if sites := leave_sites_out(kept):
        tables.append(comparison_tables.sites_table(sites, note))
    if by_mpp := split_by_mpp(kept):
        tables.append(comparison_tables.subset_table("mpp", "Slides scanned at 40x", by_mpp, part="at 40x", note=note))
    if study.trained is not None:
        rows = np.isin(study.scores.rois, kept.rois)
        trained = study.trained[rows]
        tables.append(
            comparison_tables.subset_table(
                "training", "At home, with and without what was trained on", leave_trained_out(kept, trained),
                part="untrained", note=f"{note} ROIs in training: {trained_note(kept.design, trained)}.",
            )
        )  # fmt: skip
    if study.readings is not None:
        tables += _readings(study.readings, study.exclusions)
    return Section(
        title="What the means hang on",
        text="Sites, scanning, training and the order of scoring: whatever could move a mean without the segmenter.",
        tables=tuple(tables),
    )


def _readings(readings: Readings, exclusions: Exclusions) -> list[Table]:
    left = readings.where(~exclusions.hits([roi_name(output) for output in readings.outputs.tolist()]))
    left_out = len(readings.scores) - len(left.scores)
    note = f"{len(left.scores):,} scores; {len(readings.scores):,} before exclusions, {left_out:,} excluded."
    effects, repeats = measure_order(left), measure_repeats(left)
    return [
        *([rater_tables.panes_table(effects, note)] if effects is not None else []),
        *([rater_tables.repeats_table(repeats, note)] if repeats else []),
    ]


def _claims(kept: ScoreTable) -> list[Section]:
    article, summary = read_article(), summarise(kept)
    printed = comparison_tables.printed_table(summary, article, kept.design.titles)
    claims = judge_claims(summary, article)
    if printed is None or not claims:
        return []
    return [
        Section(
            title="The article's table and claims",
            text="The cohorts are the article's, so its printed Table 1 and what its text says of it can be looked up.",
            tables=(printed, comparison_tables.claims_table(claims)),
        )
    ]

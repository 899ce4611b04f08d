"""The generated study gives back the article's Table 1, and its claims the verdicts that the printed table allows."""

from pathlib import Path

import numpy as np
import pytest

from pantile.analysis.article import read_article, rounds_to
from pantile.analysis.claims import Verdict, count_range, judge_claims
from pantile.analysis.design import ARTICLE
from pantile.analysis.generated_files import CLINICAL_FOLDER, SCORES_FILE, SECOND_FILE, write_generated
from pantile.analysis.generated_scores import plan_rois, spread_scores
from pantile.analysis.reading import read_text
from pantile.analysis.scores import ScoreTable, read_scores
from pantile.analysis.side_files import read_diagnoses
from pantile.analysis.subgroups import find_subgroups
from pantile.analysis.summaries import summarise

ARTICLE_SAYS = read_article()


def test_all_105_cells_come_back_as_printed(study: ScoreTable) -> None:
    cells = summarise(study).cells

    assert rounds_to(cells.mean, ARTICLE_SAYS.cells[..., 0]).sum() == 105
    assert rounds_to(cells.sd, ARTICLE_SAYS.cells[..., 1]).sum() == 105


def test_all_21_rows_come_back_as_printed(study: ScoreTable) -> None:
    rows = summarise(study).rows

    assert rounds_to(rows.mean, ARTICLE_SAYS.rows[:, 0]).all()
    assert rounds_to(rows.sd, ARTICLE_SAYS.rows[:, 1]).all()


def test_all_five_columns_come_back_as_printed(study: ScoreTable) -> None:
    columns = summarise(study).columns

    assert rounds_to(columns.mean, ARTICLE_SAYS.columns[:, 0]).all()
    assert rounds_to(columns.sd, ARTICLE_SAYS.columns[:, 1]).all()


def test_columns_are_weighted_by_rois_and_not_by_cohorts(study: ScoreTable) -> None:
    assert np.round(summarise(study).cells.mean.mean(axis=0), 1)[2] == 8.1


def test_the_counts_are_the_articles(study: ScoreTable, generated: Path) -> None:
    whole, file = read_scores(read_text(generated / SCORES_FILE), ARTICLE)
    second, _ = read_scores(read_text(generated / SECOND_FILE), ARTICLE)

    assert file.rows == 54_560
    assert (len(study.rois), int((whole.tissue_types == "normal").sum())) == (7616, 3296)
    assert plan_rois(ARTICLE_SAYS).sum() == 7616
    assert second.scored == 598


def test_the_subgroups_are_the_articles(study: ScoreTable, generated: Path) -> None:
    tables = [read_text(path) for path in sorted((generated / CLINICAL_FOLDER).glob("*.tsv"))]
    diagnoses, _ = read_diagnoses(tables, study.cases.tolist())

    found = {subgroup.name: subgroup for subgroup in find_subgroups(study, diagnoses)}

    assert len(found["squamous"].table.rois) == 775
    assert len(found["diffuse_stomach"].table.rois) == 78
    assert len(found["diffuse_outside_breast"].table.rois) > 78
    assert "adenosquamous" in found["squamous"].remark
    assert "LUSC" not in set(found["squamous"].table.cohorts)


def test_the_same_seed_writes_the_same_files(generated: Path, tmp_path: Path) -> None:
    write_generated(tmp_path, seed=7)

    for path in generated.rglob("*.*sv"):
        assert path.read_bytes() == (tmp_path / path.relative_to(generated)).read_bytes()


@pytest.mark.parametrize(("mean", "sd"), [(9.5, 0.9), (2.1, 1.4), (5.2, 2.7), (5.0, 2.0)])
def test_whole_scores_come_near_any_mean_and_spread(mean: float, sd: float) -> None:
    scores = np.repeat(np.arange(11), spread_scores(60, mean, sd))

    assert abs(scores.mean() - mean) < 0.05
    assert abs(scores.std(ddof=1) - sd) < 0.05


WANTED = {
    "lung_overall": Verdict.FOLLOWS,
    "kidney_overall": Verdict.FOLLOWS,
    "ov_lung": Verdict.FOLLOWS,
    "row_top3": Verdict.FOLLOWS,
    "row_bottom3": Verdict.FOLLOWS,
    "lung_top5_nonnative": Verdict.FOLLOWS,
    "lung_beats_kidney_on_kidney": Verdict.FOLLOWS,
    "lung_excellent": Verdict.OPEN,
    "lung_very_good": Verdict.CUTOFF,
    "breast_excellent": Verdict.OPEN,
    "breast_good": Verdict.CUTOFF,
    "colon_excellent": Verdict.FOLLOWS,
    "colon_good": Verdict.CUTOFF,
    "prostate_excellent": Verdict.FOLLOWS,
    "prostate_good": Verdict.CUTOFF,
    "one_rule": Verdict.FAILS,
}


def test_each_claim_gets_the_verdict_that_the_printed_table_allows(study: ScoreTable) -> None:
    found = judge_claims(summarise(study), ARTICLE_SAYS)

    assert {claim.name: claim.printed for claim in found} == WANTED


def test_every_claim_but_the_one_rule_holds_in_the_generated_scores(study: ScoreTable) -> None:
    found = judge_claims(summarise(study), ARTICLE_SAYS)

    assert [claim.name for claim in found if not claim.here] == ["one_rule"]
    assert next(it.printed_says for it in found if it.name == "one_rule") == "only a cut-off from 6.66 to 6.74"


def test_a_printed_8_may_be_below_8() -> None:
    assert count_range(np.array([8.0, 8.1, 7.9]), 8.0, 11.0) == (1, 2)


def test_other_cohorts_are_not_judged_by_the_articles_claims(study: ScoreTable) -> None:
    assert judge_claims(summarise(study.where(study.cohorts != "OV")), ARTICLE_SAYS) == []

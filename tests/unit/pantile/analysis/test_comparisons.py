"""Native against foreign, equivalence, segmenters against each other, and the mixed model."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from scipy import stats

from pantile.analysis.bootstrap import draw_means
from pantile.analysis.comparisons import (
    compare_cells,
    compare_native,
    compare_segmenters,
    correct,
    patient_means,
)
from pantile.analysis.influence import leave_sites_out, leave_trained_out
from pantile.analysis.mixed_model import fit_mixed_model, shares
from pantile.analysis.scores import ScoreTable
from tests.unit.pantile.analysis.tables import make_table


def some_study(seed: int = 5, patients: int = 60) -> ScoreTable:
    """Three cohorts, up to three ROIs a patient, some scores missing."""
    random = np.random.default_rng(seed)
    rois = np.repeat(np.arange(patients), random.integers(1, 4, size=patients))
    cohorts = np.array(["BRCA", "LUAD", "OV"])[rois % 3]
    home = np.stack([cohorts == "BRCA", cohorts == "x", cohorts == "LUAD", cohorts == "x", cohorts == "x"], axis=1)
    values = 5 + np.array([0, 1, 2, -2, -1]) + 1.5 * home
    values = values + random.normal(0, 1, size=(patients, 1))[rois] + random.normal(0, 0.7, size=(len(rois), 1))
    values = values + random.normal(0, 1, size=values.shape)
    values[random.random(values.shape) < 0.05] = np.nan
    sites = np.array(["A1", "B2", "C3", "D4"])[rois % 4]
    return make_table(values, cohorts=cohorts.tolist(), cases=[f"P{it}" for it in rois], sites=sites.tolist())


def test_patients_are_what_is_compared() -> None:
    values = np.array([[2.0] * 5, [4.0] * 5, [9.0] * 5])

    means, cohorts = patient_means(make_table(values, cohorts=["OV", "OV", "OV"], cases=["a", "a", "b"]))

    assert means[:, 0].tolist() == [3, 9]
    assert cohorts.tolist() == ["OV", "OV"]


def test_native_against_foreign_is_welch_on_patients_with_holm() -> None:
    table = some_study()

    found = compare_native(table, draw_means(table, draws=500, seed=1))

    means, cohorts = patient_means(table)
    breast = means[:, 0]
    known = ~np.isnan(breast)
    home = cohorts == "BRCA"
    expected = stats.ttest_ind(breast[known & home], breast[known & ~home], equal_var=False).pvalue
    assert found[0].p == pytest.approx(expected)
    assert found[0].p_holm == pytest.approx(min(1, 2 * found[0].p) if found[0].p < found[2].p else found[0].p, rel=1)
    assert found[0].low < found[0].difference < found[0].high
    assert np.isnan(found[1].p)


def test_equivalence_needs_means_within_the_margin() -> None:
    random = np.random.default_rng(3)
    values = np.concatenate(
        [random.normal(8, 1, (80, 5)), random.normal(8.1, 1, (80, 5)), random.normal(6, 1, (80, 5))]
    )
    table = make_table(
        values,
        cohorts=["BRCA"] * 80 + ["OV"] * 80 + ["SKCM"] * 80,
        cases=[str(number) for number in range(240)],
    )

    found = {it.cohort: it for it in compare_cells(table, margin=1.0) if it.segmenter == "Breast"}

    assert found["OV"].p_equivalence_holm < 0.05 < found["SKCM"].p_equivalence
    assert found["SKCM"].p_bh < 0.001
    assert len(compare_cells(table)) == 2 + 4 * 3


def test_correction_ignores_what_could_not_be_tested() -> None:
    assert correct([0.01, float("nan"), 0.04], "holm")[0] == 0.02


def test_friedman_finds_the_order_of_segmenters() -> None:
    found = compare_segmenters(some_study())

    assert found is not None
    assert np.argmin(found.mean_ranks) == 2
    assert found.p < 1e-6
    assert found.pairs.shape == (5, 5)
    assert 0 < found.concordance <= 1


def test_two_patients_are_too_few_to_compare_segmenters() -> None:
    table = make_table(np.arange(10.0).reshape(2, 5), cohorts=["OV"] * 2, cases=["a", "b"])

    assert compare_segmenters(table) is None


def test_mixed_model_equals_statsmodels_with_the_patients_intercept_kept() -> None:
    table = some_study(patients=45)
    rois, places = np.nonzero(~np.isnan(table.scores))
    frame = pd.DataFrame(
        {
            "score": table.scores[rois, places],
            "segmenter": np.array(table.design.titles)[places],
            "native": table.is_native()[rois, places].astype(int),
            "patient": table.cases[rois],
            "roi": table.rois[rois],
        }
    )
    frame["home"] = np.where(frame.native == 1, frame.segmenter, "no")
    oracle = smf.mixedlm(
        "score ~ 0 + C(segmenter) + C(home, Treatment('no'))",
        frame, groups="patient", re_formula="1", vc_formula={"roi": "0 + C(roi)"},
    ).fit(reml=True)  # fmt: skip

    found = fit_mixed_model(table)

    assert found is not None
    assert found.patient_variance == pytest.approx(float(oracle.cov_re.iloc[0, 0]), rel=2e-3)
    assert found.roi_variance == pytest.approx(float(oracle.vcomp[0]), rel=2e-3)
    assert found.residual_variance == pytest.approx(float(oracle.scale), rel=1e-3)
    effects = {effect.name: effect for effect in found.effects}
    assert effects["Breast: foreign"].value == pytest.approx(oracle.fe_params["C(segmenter)[Breast]"], abs=1e-3)
    name = "C(home, Treatment('no'))[T.Breast]"
    assert effects["Breast: native less foreign"].value == pytest.approx(oracle.fe_params[name], abs=1e-3)
    assert effects["Breast: native less foreign"].error == pytest.approx(oracle.bse_fe[name], rel=1e-2)
    assert sum(shares(found)) == pytest.approx(1)


def test_without_native_scores_there_is_no_model() -> None:
    assert fit_mixed_model(make_table(np.ones((3, 5)), cohorts=["OV"] * 3, cases=["a", "b", "c"])) is None


@pytest.mark.parametrize("spread", [0.0, 1.0])
def test_scores_that_do_not_vary_within_an_roi_break_nothing(spread: float) -> None:
    random = np.random.default_rng(1)
    scores = np.repeat(np.round(6 + spread * random.normal(size=(40, 1))), 5, axis=1)
    table = make_table(scores, cohorts=["BRCA", "OV"] * 20, cases=[str(number) for number in range(40)])

    model = fit_mixed_model(table)

    assert (model is None) == (spread == 0.0)
    assert compare_segmenters(table) is None


def test_a_site_that_drives_the_mean_is_named() -> None:
    values = np.array([[9.0] * 5, [3.0] * 5, [3.0] * 5])
    table = make_table(values, cohorts=["OV"] * 3, cases=["a", "b", "c"], sites=["A1", "B2", "C3"])

    found = leave_sites_out(table)[0]

    assert (found.mean, found.lowest, found.lowest_without) == (5.0, 3.0, "A1")


def test_what_was_trained_on_is_left_out_at_home() -> None:
    values = np.array([[9.0] * 5, [5.0] * 5])
    table = make_table(values, cohorts=["BRCA"] * 2, cases=["a", "b"])
    trained = np.zeros((2, 5), dtype=np.bool_)
    trained[0, 0] = True

    found = leave_trained_out(table, trained)

    assert [(it.segmenter, it.mean_all, it.n_part, it.mean_part) for it in found] == [("Breast", 7.0, 1, 5.0)]

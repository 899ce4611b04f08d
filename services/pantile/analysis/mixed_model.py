"""score ~ segmenter x native + (1 | patient) + (1 | ROI), fitted by REML in closed form over patients.

statsmodels fits the same model, and the tests hold the two together, but walks over the patients in Python. Random
intercepts of ROIs within patients have an inverse and a determinant that are sums over ROIs and patients, so that one
evaluation of the likelihood takes milliseconds at the study's size.
"""

from dataclasses import dataclass
from math import log

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, stats

from pantile.analysis.estimates import LEVEL
from pantile.analysis.scores import ScoreTable
from pantile.analysis.summaries import Floats, codes_of, sum_by

_WIDEST = 15.0
"""Bound on the logarithm of a variance's ratio to the residual one: where segmenters never differ within an ROI, the
residual variance is zero and the ratio without end."""

_ROUNDING = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """A fixed effect with its interval (Wald)."""

    name: str
    value: float
    error: float
    low: float
    high: float
    p: float


@dataclass(frozen=True, slots=True, kw_only=True)
class MixedModel:
    """The fitted model."""

    scores: int
    rois: int
    patients: int
    effects: tuple[Effect, ...]
    """For each segmenter its foreign mean, and how much higher it scores at home."""

    patient_variance: float
    roi_variance: float
    residual_variance: float
    log_likelihood: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sums:
    """What the likelihood needs of the data: sums over ROIs and patients of [X y]."""

    n: int
    p: int
    n_roi: Floats
    roi_sums: Floats
    """(rois, p + 1)."""

    patient_of: NDArray[np.int64]
    cross: Floats
    """(p + 1, p + 1)."""


def fit_mixed_model(table: ScoreTable) -> MixedModel | None:
    """The model of all scores; None without a segmenter that has native and foreign scores, or nothing to explain."""
    design, score, roi, names = _design(table)
    if not any(": native" in name for name in names) or _is_exact(design, score):
        return None
    patients, patient_of = codes_of(table.cases)
    data = np.hstack([design, score[:, None]])
    sums = _Sums(
        n=len(score),
        p=design.shape[1],
        n_roi=np.bincount(roi, minlength=len(table.rois)).astype(np.float64),
        roi_sums=sum_by(roi, data, len(table.rois)),
        patient_of=patient_of,
        cross=data.T @ data,
    )

    def lack_of_fit(ratios: Floats) -> float:
        return -_profile(sums, float(np.exp(ratios[0])), float(np.exp(ratios[1])))[0]

    best = optimize.minimize(lack_of_fit, np.zeros(2), method="Nelder-Mead", bounds=[(-_WIDEST, _WIDEST)] * 2)
    of_patient, of_roi = (float(ratio) for ratio in np.exp(best.x))
    likelihood, residual, beta, covariance = _profile(sums, of_patient, of_roi)
    return MixedModel(
        scores=sums.n,
        rois=int((sums.n_roi > 0).sum()),
        patients=len(patients),
        effects=tuple(_effect(*it) for it in zip(names, beta, np.sqrt(np.diag(covariance)), strict=True)),
        patient_variance=of_patient * residual,
        roi_variance=of_roi * residual,
        residual_variance=residual,
        log_likelihood=likelihood,
    )


def _is_exact(design: Floats, score: Floats) -> bool:
    """Whether the fixed effects leave nothing, as where all scores are equal or hardly any are there."""
    if len(score) <= design.shape[1]:
        return True
    rest = score - design @ np.linalg.lstsq(design, score, rcond=None)[0]
    return float(rest @ rest) < _ROUNDING * len(score)


def _design(table: ScoreTable) -> tuple[Floats, Floats, NDArray[np.int64], list[str]]:
    """The fixed effects, scores and ROIs, a row a score; only columns that can be told apart."""
    rois, places = np.nonzero(~np.isnan(table.scores))
    native = table.is_native()[rois, places]
    columns, names = [], []
    for place, segmenter in enumerate(table.design.segmenters):
        own = places == place
        if own.any():
            columns.append(own)
            names.append(f"{segmenter.title}: foreign" if (own & ~native).any() else f"{segmenter.title}: at home only")
        if (own & native).any() and (own & ~native).any():
            columns.append(own & native)
            names.append(f"{segmenter.title}: native less foreign")
    design = np.stack(columns, axis=1).astype(np.float64)
    return design, table.scores[rois, places], rois.astype(np.int64), names


def _profile(sums: _Sums, of_patient: float, of_roi: float) -> tuple[float, float, Floats, Floats]:
    """Restricted log-likelihood with the residual variance profiled out, that variance, effects and their covariance.

    Variances are given as ratios to the residual one.
    """
    shrink = of_roi / (1 + sums.n_roi * of_roi)
    weight = sums.n_roi / (1 + sums.n_roi * of_roi)
    patients = int(sums.patient_of.max()) + 1
    patient_weight = np.bincount(sums.patient_of, weights=weight, minlength=patients)
    patient_sums = sum_by(sums.patient_of, sums.roi_sums / (1 + sums.n_roi * of_roi)[:, None], patients)
    inner = of_patient / (1 + of_patient * patient_weight)
    cross = (
        sums.cross
        - sums.roi_sums.T @ (shrink[:, None] * sums.roi_sums)
        - patient_sums.T @ (inner[:, None] * patient_sums)
    )
    information, score, square = cross[: sums.p, : sums.p], cross[: sums.p, sums.p], cross[sums.p, sums.p]
    beta = np.linalg.solve(information, score)
    free = sums.n - sums.p
    residual = max(_ROUNDING, float(square - score @ beta) / free)
    determinant = float(np.log1p(sums.n_roi * of_roi).sum() + np.log1p(of_patient * patient_weight).sum())
    _, of_information = np.linalg.slogdet(information)
    likelihood = -0.5 * (free * (log(2 * np.pi * residual) + 1) + determinant + float(of_information))
    covariance = np.linalg.inv(information) * residual
    return likelihood, residual, beta.astype(np.float64), covariance.astype(np.float64)


def _effect(name: str, value: float, error: float) -> Effect:
    value, error = float(value), float(error)
    half = float(stats.norm.ppf(0.5 + LEVEL / 2)) * error
    p = 2 * float(stats.norm.sf(abs(value) / error)) if error > 0 else float("nan")
    return Effect(name=name, value=value, error=error, low=value - half, high=value + half, p=p)


def shares(model: MixedModel) -> tuple[float, float, float]:
    """How much of what segmenter and home leave open is due to the patient, to the ROI, and to neither."""
    total = model.patient_variance + model.roi_variance + model.residual_variance
    return model.patient_variance / total, model.roi_variance / total, model.residual_variance / total

"""ROIs by primary diagnosis: squamous carcinomas outside the lung, and diffuse ones, with the rule of each."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from pantile.analysis.scores import Mask, ScoreTable

_SQUAMOUS = re.compile(r"squamous", re.IGNORECASE)
_ADENOSQUAMOUS = re.compile(r"adenosquamous", re.IGNORECASE)
_DIFFUSE = re.compile(r"diffuse|signet.?ring|linitis", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Subgroup:
    """ROIs of some diagnoses, and what was counted on the way to them."""

    name: str
    title: str
    rule: str
    table: ScoreTable
    diagnoses: tuple[str, ...]
    """Of each ROI."""

    remark: str


def find_subgroups(table: ScoreTable, diagnoses: Mapping[str, str]) -> list[Subgroup]:
    """The subgroups of the article, the diffuse one under both definitions; without the empty ones."""
    known = np.array([diagnoses.get(case, "") for case in table.cases.tolist()], dtype=np.str_)
    squamous, mixed, diffuse = (_matches(known, it) for it in (_SQUAMOUS, _ADENOSQUAMOUS, _DIFFUSE))
    outside = table.cohorts != "LUSC"
    adenosquamous = int((mixed & outside).sum())
    found = [
        _subgroup(
            table, known, squamous & ~mixed & outside,
            name="squamous", title="Squamous cell carcinoma outside LUSC",
            rule="the diagnosis says squamous, and not adenosquamous",
            remark=f"{adenosquamous:,} adenosquamous, which the word squamous alone would take in, are left out",
        ),
        _subgroup(
            table, known, diffuse & (table.cohorts == "STAD"),
            name="diffuse_stomach", title="Diffuse gastric carcinoma",
            rule="the article's: diffuse type or signet ring, in STAD", remark="",
        ),
        _subgroup(
            table, known, diffuse & (table.cohorts != "BRCA"),
            name="diffuse_outside_breast", title="Diffuse carcinoma outside BRCA",
            rule="the study's code: diffuse type or signet ring, in every cohort but BRCA", remark="",
        ),
    ]  # fmt: skip
    return [subgroup for subgroup in found if len(subgroup.table.rois)]


def _subgroup(
    table: ScoreTable, known: np.ndarray, rows: Mask, *, name: str, title: str, rule: str, remark: str
) -> Subgroup:
    return Subgroup(
        name=name,
        title=title,
        rule=rule,
        table=table.where(rows),
        diagnoses=tuple(known[rows].tolist()),
        remark=remark,
    )


def _matches(texts: np.ndarray, pattern: re.Pattern[str]) -> Mask:
    return np.array([bool(pattern.search(text)) for text in texts.tolist()], dtype=np.bool_)

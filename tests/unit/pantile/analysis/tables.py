"""Small score tables for tests."""

import numpy as np
from numpy.typing import NDArray

from pantile.analysis.design import ARTICLE
from pantile.analysis.scores import ScoreTable


def make_table(
    values: NDArray[np.float64], *, cohorts: list[str], cases: list[str], sites: list[str] | None = None
) -> ScoreTable:
    """A table of tumor ROIs; NaN where no score is."""
    n = len(values)
    return ScoreTable(
        design=ARTICLE,
        rois=np.array([f"roi{number}" for number in range(n)], dtype=np.str_),
        cohorts=np.array(cohorts, dtype=np.str_),
        cases=np.array(cases, dtype=np.str_),
        sites=np.array(sites or [""] * n, dtype=np.str_),
        tissue_types=np.array(["tumor"] * n, dtype=np.str_),
        mpps=np.full(n, 0.25),
        scores=values,
    )

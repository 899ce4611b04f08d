"""What the article prints: its Table 1 and the counts of its text (`article.json`, which names the source)."""

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

HALF_DIGIT = 0.05
"""A printed 7.5 stands for anything from 7.45 to 7.55."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Article:
    """The printed Table 1, as [mean, SD], and the counts that go with it."""

    source: str
    cohorts: tuple[str, ...]
    cells: Floats
    """(cohorts, segmenters, 2)."""

    rows: Floats
    """(cohorts, 2)."""

    columns: Floats
    """(segmenters, 2)."""

    tumor_rois: int
    normal_rois: int
    twice_scored: int
    squamous_rois: int
    diffuse_rois: int
    dice_rois: tuple[tuple[str, int], ...]


@cache
def read_article() -> Article:
    """The article's numbers."""
    printed = json.loads(files("pantile.analysis").joinpath("article.json").read_text(encoding="utf-8"))
    return Article(
        source=printed["source"],
        cohorts=tuple(printed["cells"]),
        cells=np.array(list(printed["cells"].values()), dtype=np.float64),
        rows=np.array(list(printed["rows"].values()), dtype=np.float64),
        columns=np.array(printed["columns"], dtype=np.float64),
        tumor_rois=printed["tumor_rois"],
        normal_rois=printed["normal_rois"],
        twice_scored=printed["twice_scored"],
        squamous_rois=printed["squamous_rois"],
        diffuse_rois=printed["diffuse_rois"],
        dice_rois=tuple(printed["dice_rois"].items()),
    )


def rounds_to(value: Floats, printed: Floats) -> NDArray[np.bool_]:
    """Whether values, rounded to one digit, are the printed ones."""
    return np.isclose(np.round(value, 1), printed)

"""One rater's scores as a table of ROIs by segmenters, read from the study's CSV or from rows of its columns."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from pantile.analysis.design import Design, cohort_name
from pantile.analysis.reading import InputFile, Problems, TextFile, how_many, is_missing
from pantile.domain.rois import TissueType, parse_name, parse_tissue_type

_REQUIRED = ("file_name", "tcga_project", "tcga_case_id", "tissue_type", "model", "score")
_MODEL_SUFFIX = re.compile(r"(?:_model\d+)?(?:\.[A-Za-z]{3,4})?$")
_SITE = re.compile(r"TCGA-([A-Z0-9]{2})-[A-Z0-9]{4}")

Texts = NDArray[np.str_]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreTable:
    """Scores of ROIs (rows) by segmenters (columns), NaN where there is none, and what is known of each ROI."""

    design: Design
    rois: Texts
    cohorts: Texts
    cases: Texts
    sites: Texts
    """The tissue source site of the TCGA barcode, or nothing."""

    tissue_types: Texts
    mpps: NDArray[np.float64]
    scores: NDArray[np.float64]

    def where(self, rows: Mask) -> Self:
        """The same of some of the ROIs."""
        return replace(self, **{it.name: getattr(self, it.name)[rows] for it in fields(self) if it.name != "design"})

    @property
    def tumor(self) -> Self:
        """The ROIs of tumor tissue that have a score: what the article's tables are of."""
        return self.where((self.tissue_types == TissueType.TUMOR.value) & ~np.isnan(self.scores).all(axis=1))

    @property
    def cohort_names(self) -> tuple[str, ...]:
        """The cohorts that are there, by name."""
        return tuple(str(name) for name in np.unique(self.cohorts))

    @property
    def scored(self) -> int:
        """How many scores there are."""
        return int((~np.isnan(self.scores)).sum())

    def is_native(self) -> Mask:
        """(rois, segmenters) whether the segmenter was trained on the ROI's cohort."""
        return np.stack([np.isin(self.cohorts, list(it.native)) for it in self.design.segmenters], axis=1)


@dataclass(slots=True)
class _Roi:
    where: str
    cohort: str
    case: str
    tissue_type: TissueType
    mpp: float
    scores: dict[int, tuple[float, str]]


def read_scores(file: TextFile, design: Design, *, role: str = "scores") -> tuple[ScoreTable, InputFile]:
    """The scores of a file with the study's columns.

    Raises:
        ScoresRefused: a line has a score that is not a whole number from 0 to 10, an unknown model, another score for
            what an earlier line scored, or an ROI that is described differently than before.
    """
    return gather_scores(file.rows(_REQUIRED), design, name=file.name, sha256=file.sha256, role=role)


def gather_scores(
    rows: Iterable[tuple[str, Mapping[str, str]]], design: Design, *, name: str, sha256: str, role: str
) -> tuple[ScoreTable, InputFile]:
    """A table from rows of the study's columns, each with where it stands."""
    problems, places = Problems(name), design.place_of()
    rois: dict[str, _Roi] = {}
    count = repeated = 0
    for count, (where, row) in enumerate(rows, 1):  # noqa: B007 — the number of rows is wanted after the loop
        place = places.get(row["model"].lower())
        score = read_score(row["score"])
        if place is None:
            problems.add(where, f"model {row['model']!r} is unknown; known are {', '.join(places)}")
        elif isinstance(score, str):
            problems.add(where, score)
        elif roi := _roi_of(rois, where, row, problems):
            earlier = roi.scores.setdefault(place, (score, where))
            if earlier[1] != where:
                repeated += 1
                if not np.array_equal(earlier[0], score, equal_nan=True):
                    problems.add(where, f"scores {row['file_name']} {score:g}, {earlier[1]} scores it {earlier[0]:g}")
    if not rois and not problems.found:
        problems.add("line 1", "no scores follow the header")
    problems.raise_if_any()
    table = _table(rois, design)
    remarks = _remarks(table, rois, repeated)
    return table, InputFile(role=role, name=name, sha256=sha256, rows=count, remarks=remarks)


def roi_name(file_name: str) -> str:
    """The ROI that a file of the study shows: its name without the model and without the ending."""
    return _MODEL_SUFFIX.sub("", file_name)


def read_score(cell: str) -> float | str:
    """The score in a cell, NaN for none, or the sentence that says what is wrong with it."""
    if is_missing(cell):
        return float("nan")
    try:
        value = float(cell)
    except ValueError:
        return f"score {cell!r} is no number"
    if not 0 <= value <= 10:
        return f"score {cell} is not between 0 and 10"
    return value if value.is_integer() else f"score {cell} is no whole number"


def _roi_of(rois: dict[str, _Roi], where: str, row: Mapping[str, str], problems: Problems) -> _Roi | None:
    name = roi_name(row["file_name"])
    project, case = row["tcga_project"], row["tcga_case_id"]
    if not project or not case:
        parts = parse_name(row["file_name"])
        project, case = project or parts.cohort or "", case or parts.case or parts.slide
    case = case.upper()
    try:
        tissue_type = parse_tissue_type(row["tissue_type"])
        mpp = float(row.get("slide_mpp") or "nan")
    except ValueError as error:
        problems.add(where, str(error))
        return None
    if not name or not project:
        problems.add(where, "names no cohort" if name else "names no file")
        return None
    roi = _Roi(where, cohort_name(project), case, tissue_type, mpp, {})
    known = rois.setdefault(name, roi)
    if (known.cohort, known.case, known.tissue_type) != (roi.cohort, roi.case, roi.tissue_type):
        problems.add(where, f"says {roi.cohort}, {roi.case}, {roi.tissue_type} of {name}, unlike {known.where}")
        return None
    return known


def _table(rois: Mapping[str, _Roi], design: Design) -> ScoreTable:
    values = np.full((len(rois), len(design.segmenters)), np.nan)
    for number, roi in enumerate(rois.values()):
        for place, (score, _) in roi.scores.items():
            values[number, place] = score
    sites = [match[1] if (match := _SITE.match(roi.case)) else "" for roi in rois.values()]
    return ScoreTable(
        design=design,
        rois=np.array(list(rois), dtype=np.str_),
        cohorts=np.array([roi.cohort for roi in rois.values()], dtype=np.str_),
        cases=np.array([roi.case for roi in rois.values()], dtype=np.str_),
        sites=np.array(sites, dtype=np.str_),
        tissue_types=np.array([roi.tissue_type.value for roi in rois.values()], dtype=np.str_),
        mpps=np.array([roi.mpp for roi in rois.values()], dtype=np.float64),
        scores=values,
    )


def _remarks(table: ScoreTable, rois: Mapping[str, _Roi], repeated: int) -> tuple[str, ...]:
    remarks = []
    missing = np.isnan(table.scores)
    if unscored := int(missing.sum()):
        remarks.append(f"{unscored:,} of {how_many(missing.size, 'output')} have no score and are left out")
    if repeated:
        remarks.append(
            f"{how_many(repeated, 'row')} repeated an earlier one, word for word in what counts, and were taken once"
        )
    if strangers := sum(1 for roi in rois.values() if not roi.case.startswith("TCGA-")):
        remarks.append(f"{how_many(strangers, 'ROI')} without a TCGA barcode: the case given counts as the patient")
    return tuple(remarks)

"""A folder of generated files, laid out as the study's published data: something for every table and figure.

Nothing in it was scored or measured by anybody: file names, patients, second scores, Dice and diagnoses are drawn.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from pantile.analysis.article import Article, read_article
from pantile.analysis.design import ARTICLE, Design
from pantile.analysis.dice_files import COHORTS, DICE_FILE, RATINGS_FILE
from pantile.analysis.generated_scores import GeneratedCohort, generate_scores
from pantile.domain.csv_text import Cell, write_csv
from pantile.domain.study_csv import STUDY_COLUMNS

Floats = NDArray[np.float64]

SCORES_FILE = "scoring_data.csv"
SECOND_FILE = "scoring_data_second_rater.csv"
CLINICAL_FOLDER = "clinical-data"
DICE_FOLDER = "dice-results"
NOTE_FILE = "GENERATED.txt"
NOTE = (
    "These files are generated. They imitate the layout and the printed statistics of the study, and are not its data."
)

_CHARACTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_SITES = 8
_MPP = "0.2500"
_FOLDERS = {"breast": "BRCA", "colon": "CRC", "lung": "LUNG", "kidney": "KIDNEY", "prostate": "PROSTATE"}
_RATING_COLUMNS = ("BRCA_score", "COADREAD_score", "LUNG_score", "RCC_score", "PRAD_score")
_NOISE = 0.8
"""How far the second rater strays, in standard deviations of a segmenter's scores."""

_DICE = {"breast": (0.82, 0.10), "colon": (0.80, 0.13), "lung": (0.84, 0.13), "kidney": (0.70, 0.17)}
_DICE |= {"prostate": (0.69, 0.17)}
"""Mean and SD of Dice: the article's for breast, lung and prostate; the other two are free."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Roi:
    cohort: str
    project: str
    case: str
    slide: str
    tissue_type: str
    number: int

    def row(self, model: int, score: int | None) -> tuple[Cell, ...]:
        """Its row in the study's CSV."""
        name = f"{self.slide}_{_MPP}_{self.tissue_type}_original_roi_{self.number}_model{model}.jpg"
        return name, self.project, self.case, f"{self.case}-01Z", "", _MPP, self.tissue_type, f"model{model}", score, ""


def write_generated(folder: Path, *, seed: int = 1) -> None:
    """Writes everything; the same for the same seed."""
    folder.mkdir(parents=True, exist_ok=True)
    article, random = read_article(), np.random.default_rng([seed, 1])
    cohorts = generate_scores(article, seed=seed)
    rois = [
        pair for place, cohort in enumerate(cohorts) for pair in zip(_rois(cohort, place), cohort.scores, strict=True)
    ]
    (folder / NOTE_FILE).write_text(f"{NOTE}\nSeed {seed}.\n", encoding="utf-8")
    (folder / SCORES_FILE).write_text(write_csv(STUDY_COLUMNS, _score_rows(rois, article)), encoding="utf-8")
    second = write_csv(STUDY_COLUMNS, _second_rows(rois, article, random))
    (folder / SECOND_FILE).write_text(second, encoding="utf-8")
    _write_clinical(folder / CLINICAL_FOLDER, [roi for roi, _ in rois], article)
    _write_dice(folder, article, random)


def _rois(cohort: GeneratedCohort, place: int) -> Iterator[_Roi]:
    """The cohort's ROIs, under barcodes that nobody has."""
    counts: dict[int, int] = {}
    for patient in cohort.patients.tolist():
        counts[patient] = counts.get(patient, 0) + 1
        site, number = place * _SITES + patient % _SITES, place * 36 * 36 + patient
        barcode = f"{'ZYXWV'[site // 36]}{_CHARACTERS[site % 36]}-"
        barcode += "".join(_CHARACTERS[number // 36**digit % 36] for digit in (3, 2, 1, 0))
        project = cohort.name if cohort.name != "COADREAD" else ("READ" if patient % 4 == 3 else "COAD")
        yield _Roi(
            cohort=cohort.name,
            project=f"TCGA-{project}",
            case=f"TCGA-{barcode}",
            slide=f"TCGA-{project}-{barcode}-01Z-00-DX{counts[patient]}",
            tissue_type="tumor",
            number=1,
        )


def _score_rows(rois: list[tuple[_Roi, NDArray[np.int64]]], article: Article) -> Iterator[tuple[Cell, ...]]:
    for roi, scores in rois:
        for place, score in enumerate(scores.tolist(), 1):
            yield roi.row(place, score)
    # Benign tissue was looked at, not scored.
    for roi, _ in rois[:: len(rois) // article.normal_rois][: article.normal_rois]:
        normal = _Roi(
            cohort=roi.cohort, project=roi.project, case=roi.case, slide=roi.slide, tissue_type="normal", number=1
        )
        for place in range(1, 6):
            yield normal.row(place, None)


def _second_rows(
    rois: list[tuple[_Roi, NDArray[np.int64]]], article: Article, random: np.random.Generator
) -> Iterator[tuple[Cell, ...]]:
    """A second rater, a little stricter, on some ROIs; not every segmenter of the last ones."""
    spreads = np.array([sd for _, sd in article.columns])
    chosen = np.sort(random.choice(len(rois), size=-(-article.twice_scored // 5), replace=False))
    left = article.twice_scored
    for number in chosen.tolist():
        roi, scores = rois[number]
        second = np.clip(np.round(scores - 0.2 + random.normal(size=5) * spreads * _NOISE), 0, 10).astype(int)
        for place, score in enumerate(second.tolist()[:left], 1):
            yield roi.row(place, score)
        left -= min(5, left)


def _write_clinical(folder: Path, rois: list[_Roi], article: Article) -> None:
    folder.mkdir(exist_ok=True)
    diagnoses = _diagnoses(rois, article)
    by_project: dict[str, list[tuple[str, str]]] = {}
    for (project, case), diagnosis in diagnoses.items():
        by_project.setdefault(project, []).append((case, diagnosis))
    for project, cases in by_project.items():
        lines = ["case_id\tcase_submitter_id\tproject_id\tprimary_diagnosis"]
        for number, (case, diagnosis) in enumerate(cases):
            lines.append(f"{number}\t{case}\t{project}\t{diagnosis}")
            if number % 97 == 0:  # as in the GDC's tables, some cases have a second diagnosis
                lines.append(f"{number}\t{case}\t{project}\tNeoplasm, NOS")
        (folder / f"{project}.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")


_USUAL = {"LUSC": "Squamous cell carcinoma, NOS", "BRCA": "Infiltrating duct carcinoma, NOS", "SKCM": "Melanoma, NOS"}


def _diagnoses(rois: list[_Roi], article: Article) -> dict[tuple[str, str], str]:
    """A diagnosis per case, so that as many ROIs are squamous, and as many diffuse, as in the article."""
    found: dict[tuple[str, str], str] = {}
    left = {"squamous": article.squamous_rois, "diffuse": article.diffuse_rois}
    wanted = {"HNSC": "squamous", "CESC": "squamous", "ESCA": "squamous", "STAD": "diffuse"}
    by_case: dict[tuple[str, str], list[_Roi]] = {}
    for roi in rois:
        by_case.setdefault((roi.project, roi.case), []).append(roi)
    for number, (key, of_case) in enumerate(sorted(by_case.items(), key=lambda it: -_rank(it[0][0]))):
        cohort, size = of_case[0].cohort, len(of_case)
        kind = wanted.get(cohort, "")
        if kind and size <= left[kind] and not (cohort == "CESC" and number % 11 == 0):
            left[kind] -= size
            found[key] = _name(kind, number)
        elif cohort == "CESC" and number % 11 == 0:
            found[key] = "Adenosquamous carcinoma"
        elif cohort in ("COADREAD", "PAAD") and number % 60 == 0:
            found[key] = "Signet ring cell carcinoma"
        elif cohort == "BRCA" and number % 7 == 0:
            found[key] = "Lobular carcinoma, NOS"
        else:
            found[key] = _USUAL.get(cohort, "Adenocarcinoma, NOS")
    return found


def _rank(project: str) -> int:
    """Head and neck first, then cervix, then oesophagus: the last of them is squamous in part."""
    return {"TCGA-HNSC": 3, "TCGA-CESC": 2, "TCGA-ESCA": 1}.get(project, 0)


def _name(kind: str, number: int) -> str:
    if kind == "squamous":
        return "Basaloid squamous cell carcinoma" if number % 25 == 0 else "Squamous cell carcinoma, NOS"
    return "Signet ring cell carcinoma" if number % 3 == 0 else "Carcinoma, diffuse type"


def _write_dice(folder: Path, article: Article, random: np.random.Generator, design: Design = ARTICLE) -> None:
    """Dice and scores of the ROIs with ground truth: each segmenter's Dice has the mean and SD wanted."""
    sizes = dict(article.dice_rois)
    cohorts = np.repeat(list(sizes), list(sizes.values()))
    names = [f"GENERATED-{COHORT_CODES[cohort]}-{number:03}" for number, cohort in enumerate(cohorts.tolist())]
    dice = np.stack([_draw_dice(segmenter.name, cohorts, random) for segmenter in design.segmenters], axis=1)
    scores = np.clip(np.round(10 * dice + random.normal(0, 0.7, size=dice.shape)), 0, 10).astype(int)
    _write_ratings(folder / RATINGS_FILE, names, cohorts.tolist(), scores)
    for number, cohort in enumerate(sizes, 1):
        for place, segmenter in enumerate(design.segmenters):
            at = (
                folder
                / DICE_FOLDER
                / f"{number:02}_{COHORT_CODES[cohort]}_COHORT"
                / f"{_FOLDERS[segmenter.name]}_MODEL"
            )
            at.mkdir(parents=True, exist_ok=True)
            rows = [
                (f"{names[roi]}_{_MPP}", "roi_1", round(float(dice[roi, place]), 6))
                for roi in np.flatnonzero(cohorts == cohort).tolist()
            ]
            (at / DICE_FILE).write_text(write_csv(("Slide", "ROI", "Overall_DICE"), rows), encoding="utf-8")


COHORT_CODES = {name: code for code, name in COHORTS.items()}
"""What the study's folders call a cohort."""


def _draw_dice(segmenter: str, cohorts: NDArray[np.str_], random: np.random.Generator) -> Floats:
    """Dice of one segmenter: better at home; breast and lung alike, and high, on the prostate cohort."""
    liking = random.normal(size=len(cohorts)) + 1.2 * (cohorts == segmenter)
    if segmenter in ("breast", "lung"):
        liking = np.where(cohorts == "prostate", 0.45 + 0.25 * random.normal(size=len(cohorts)), liking)
    mean, sd = _DICE[segmenter]
    size = mean * (1 - mean) / sd**2 - 1
    places = (stats.rankdata(liking) - 0.5) / len(liking)
    return np.asarray(stats.beta.ppf(places, mean * size, (1 - mean) * size), dtype=np.float64)


def _write_ratings(path: Path, names: list[str], cohorts: list[str], scores: NDArray[np.int64]) -> None:
    rows = [
        (f"{name}_{_MPP}_original_roi_1", COHORT_CODES[cohort], *row)
        for name, cohort, row in zip(names, cohorts, scores.tolist(), strict=True)
    ]
    path.write_text(write_csv(("base_image", "cohort", *_RATING_COLUMNS), rows), encoding="utf-8")

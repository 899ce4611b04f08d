"""The article's study as it was published, in a folder on this machine: what it has of each ROI."""

import io
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pantile.analysis.reading import read_text
from pantile.analysis.score_lines import read_score_lines
from pantile.domain.cohorts import IMAGE_SUFFIXES
from pantile.domain.csv_text import csv_line
from pantile.domain.errors import FileRefused, ScoresRefused
from pantile.domain.rois import RoiKey
from pantile.domain.study_csv import RoiColumns, ScoredName, ScoreLine, parse_scored_name

SCORES, SECOND_SCORES = "scoring_data.csv", "scoring_data_second_rater.csv"
DICE_FOLDER, RATINGS, CLINICAL_FOLDER = "dice-results", "pathologist_inference_ratings.csv", "clinical-data"

_MASK = re.compile(r"(?P<scored>.+_model\d{1,3})_mask", re.IGNORECASE)


@dataclass(slots=True)
class PublishedRoi:
    """An ROI of the scores, with its image and its class maps by the segmenter's number, where they are there."""

    key: RoiKey
    columns: RoiColumns
    image: Path | None = None
    masks: dict[int, Path] = field(default_factory=dict)

    @property
    def mpp(self) -> float:
        """Microns per pixel; raises `ScoresRefused` where the scores do not say."""
        try:
            return float(self.columns.mpp)
        except ValueError as error:
            raise ScoresRefused(f"{self.columns.base} has the slide_mpp {self.columns.mpp!r}") from error

    @property
    def is_whole(self) -> bool:
        """Whether it can be looked at: its image and a class map are there."""
        return self.image is not None and bool(self.masks)


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedStudy:
    """The ROIs of a published study by (project, key), its files of scores, and what belongs to no ROI of them."""

    folder: Path
    rois: Mapping[tuple[str, RoiKey], PublishedRoi]
    files: tuple[str, ...]
    strangers: int

    @property
    def whole(self) -> list[PublishedRoi]:
        """The ROIs that can be imported."""
        return [roi for roi in self.rois.values() if roi.is_whole]


def read_published(folder: Path, *, images: Path | None = None, masks: Path | None = None) -> PublishedStudy:
    """What a folder has of the study; images and masks may lie elsewhere, in folders of any depth.

    Raises:
        ScoresRefused: a file of scores is wrong; the lines are named.
        FileRefused: there are no scores, or a file cannot be read.
    """
    if not (folder / SCORES).is_file():
        raise FileRefused(f"{folder} has no {SCORES}")
    files = tuple(name for name in (SCORES, SECOND_SCORES) if (folder / name).is_file())
    rois: dict[tuple[str, RoiKey], PublishedRoi] = {}
    for name in files:
        for line in read_score_lines(read_text(folder / name)):
            rois.setdefault(_at(line), PublishedRoi(key=line.name.key, columns=line.columns))
    by_key: dict[RoiKey, list[PublishedRoi]] = {}
    for roi in rois.values():
        by_key.setdefault(roi.key, []).append(roi)
    known = {key: own[0] for key, own in by_key.items() if len(own) == 1}
    strangers = 0
    for path, scored in _find_masks(masks or folder):
        if scored.key in known:
            known[scored.key].masks[scored.number] = path
        else:
            strangers += 1
    for path, scored in _find_images(images or folder):
        if scored.key in known:
            known[scored.key].image = path
    return PublishedStudy(folder=folder, rois=rois, files=files, strangers=strangers)


def _at(line: ScoreLine) -> tuple[str, RoiKey]:
    return line.columns.project, line.name.key


def _find_masks(folder: Path) -> Iterator[tuple[Path, ScoredName]]:
    """The masks below a folder, `{slide}_{mpp}_{tumor|normal}[_original][_roi_N]_model3_mask.png`."""
    for path in sorted(folder.rglob("*_mask.png")):
        match = _MASK.fullmatch(path.stem)
        scored = _scored(match["scored"]) if match else None
        if scored is not None:
            yield path, scored


def _find_images(folder: Path) -> Iterator[tuple[Path, ScoredName]]:
    """The ROIs' images below a folder, `{slide}_{mpp}_{tumor|normal}_original[_roi_N].jpg`."""
    for path in sorted(folder.rglob("*_original*")):
        scored = _scored(f"{path.stem}_model1") if path.suffix.lower() in IMAGE_SUFFIXES else None
        if scored is not None and not path.stem.endswith("_mask"):
            yield path, scored


def _scored(name: str) -> ScoredName | None:
    try:
        return parse_scored_name(name, tissue_type="")
    except ValueError:  # a name without a tissue type
        return None


def scores_of(study: PublishedStudy, name: str, wanted: Collection[tuple[str, RoiKey]]) -> tuple[str, int, int]:
    """A file of scores with the lines of some ROIs only; how many scores it has, and how many were left out.

    Of an output without a class map, the line stays but not its score: there would be nothing that it is of.
    """
    file = read_text(study.folder / name)
    lines = {line.where: line for line in read_score_lines(file)}
    kept, scores, left_out = io.StringIO(), 0, 0
    columns = list(next(iter(file.rows(())))[1])
    kept.write(csv_line(columns))
    for where, row in file.rows((), verbatim=("comment",)):
        line = lines[where]
        has_map = line.name.number in study.rois[_at(line)].masks
        if _at(line) in wanted and (has_map or line.value is None):
            kept.write(csv_line(row[column] for column in columns))
            scores += line.value is not None
        else:
            left_out += line.value is not None
    return kept.getvalue(), scores, left_out

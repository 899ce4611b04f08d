"""Ground truth: class maps drawn by experts, whose ROI their file names say, and what their indices mean."""

import csv
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from pantile.domain.csv_text import read_csv_rows
from pantile.domain.dice import DiceProtocol, Target
from pantile.domain.dice_remaps import find_dice_remap
from pantile.domain.errors import GroundTruthRefused
from pantile.domain.rois import TissueType
from pantile.domain.segmenters import Card

MAX_INDEX = 255

_SHAPE_TOLERANCE = 0.01
"""How far a class map's width and height may be from the ROI's shape: it may have been made at another resolution."""

_WORDS: Mapping[str, Target] = {target.name.lower(): target for target in Target} | {
    str(target.value): target for target in Target
}
_GROUP_WORDS = {"tumor": Target.TUMOR, "tumor_stroma": Target.TUMOR_STROMA, "ignored": Target.IGNORED}

_STUDY_NAME = re.compile(r"(?P<slide>.+)_class_map_ground_truth_roi_(?P<number>\d+)")
_SUFFIX = re.compile(r"(?:_(?:mask|class_map|ground_truth))+$")


@dataclass(frozen=True, slots=True, kw_only=True)
class TruthClass:
    """A class of ground truth, and what it becomes under each protocol."""

    index: int
    name: str
    targets: Mapping[DiceProtocol, Target]

    def __post_init__(self) -> None:
        if not 0 <= self.index <= MAX_INDEX:
            raise GroundTruthRefused(f"the class index {self.index} is not in 0-{MAX_INDEX}")
        if not self.name.strip():
            raise GroundTruthRefused(f"the class {self.index} has no name")
        if set(self.targets) != set(DiceProtocol):
            raise GroundTruthRefused(f"the class {self.index} needs a target for each of {', '.join(DiceProtocol)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class TruthScheme:
    """What the indices of ground truth mean; `is_open` where an index that it does not name is background."""

    name: str
    classes: tuple[TruthClass, ...]
    is_open: bool = False

    def __post_init__(self) -> None:
        indices = [each.index for each in self.classes]
        if not self.name.strip() or not indices:
            raise GroundTruthRefused("its scheme has no name, or no class")
        if repeated := sorted({index for index in indices if indices.count(index) > 1}):
            raise GroundTruthRefused(f"its scheme names the index {repeated[0]} twice")

    def remap(self, protocol: DiceProtocol) -> dict[int, int]:
        """The target of each class index under a protocol."""
        return {each.index: int(each.targets[protocol]) for each in self.classes}

    def check_indices(self, indices: Iterable[int]) -> None:
        """Raises `GroundTruthRefused` for an index that the scheme does not name, unless it is open."""
        unknown = sorted(set(indices) - {each.index for each in self.classes})
        if unknown and not self.is_open:
            raise GroundTruthRefused(f"it has the index {unknown[0]}, which its scheme {self.name} does not name")


def study_scheme() -> TruthScheme:
    """What the study exports from QuPath: tumor, tumor stroma, and all else background."""
    names = {Target.BACKGROUND: "background", Target.TUMOR: "tumor", Target.TUMOR_STROMA: "tumor stroma"}
    classes = tuple(_class(int(target), name, target) for target, name in names.items())
    return TruthScheme(name="protocol", classes=classes, is_open=True)


def scheme_of_card(card: Card, cohort: str) -> TruthScheme:
    """Ground truth drawn in a segmenter's own classes, remapped as its class maps are in this cohort."""
    remaps = {protocol: find_dice_remap(card, protocol, cohort).targets for protocol in DiceProtocol}
    classes = tuple(
        TruthClass(
            index=tissue.index,
            name=tissue.name,
            targets={protocol: Target(remap.get(tissue.index, 0)) for protocol, remap in remaps.items()},
        )
        for tissue in card.scheme.classes
    )
    return TruthScheme(name=f"{card.name}@{card.version}", classes=classes)


def read_legend(text: Iterable[str], name: str) -> TruthScheme:
    """The scheme in a legend: CSV with the columns index, name, and target or group.

    Targets are background, tumor, tumor_stroma, ignored, or 0, 1, 2, 255. Of groups, tumor and tumor_stroma are
    targets, all others background.

    Raises:
        GroundTruthRefused: not CSV, a column is missing, or a line cannot be; the sentence names the line.
    """
    try:
        rows = list(read_csv_rows(text))
    except csv.Error as error:
        raise GroundTruthRefused(f"{name} is not CSV, {error}") from error
    if not rows:
        raise GroundTruthRefused(f"{name} is empty")
    columns = [cell.strip().lower() for cell in rows[0][1]]
    kind = next((column for column in ("target", "group") if column in columns), None)
    if kind is None or not {"index", "name"} <= set(columns):
        raise GroundTruthRefused(f"{name} needs the columns index, name, and target or group; it has {columns}")
    return TruthScheme(
        name=name,
        classes=tuple(_legend_class(where, dict(zip(columns, row, strict=False)), kind) for where, row in rows[1:]),
    )


def _legend_class(where: str, row: Mapping[str, str], kind: str) -> TruthClass:
    index, word = row.get("index", "").strip(), row.get(kind, "").strip().lower()
    if not index.isdecimal():
        raise GroundTruthRefused(f"{where}: the index {index!r} is no whole number")
    target = _WORDS.get(word) if kind == "target" else _GROUP_WORDS.get(word, Target.BACKGROUND)
    if target is None or not word:
        raise GroundTruthRefused(f"{where}: the {kind} {word!r} is none of background, tumor, tumor_stroma, ignored")
    try:
        return _class(int(index), row.get("name", "").strip(), target)
    except GroundTruthRefused as error:
        raise GroundTruthRefused(f"{where}: {error.detail}") from error


def _class(index: int, name: str, target: Target) -> TruthClass:
    return TruthClass(index=index, name=name, targets=dict.fromkeys(DiceProtocol, target))


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedRoi:
    """An ROI with the names under which its ground truth may be found; `source` is the stem of its image's file."""

    id: int
    name: str
    slide: str
    tissue_type: TissueType
    roi_number: int
    source: str


class RoiFinder:
    """Finds the ROI that a file of ground truth is named after."""

    def __init__(self, rois: Sequence[NamedRoi]) -> None:
        self._by_name = {roi.source: roi for roi in rois} | {roi.name: roi for roi in rois}
        # Of a slide's tumor and normal ROI of one number, ground truth is of the tumor.
        ordered = sorted(rois, key=lambda roi: roi.tissue_type is TissueType.TUMOR)
        self._by_number = {(roi.slide, roi.roi_number): roi for roi in ordered}

    def find(self, stem: str) -> NamedRoi | None:
        """The ROI of a file name without its ending.

        Known are the ROI's name or its image's, with or without `_mask`, `_class_map` or `_ground_truth` after it, and
        the study's `{slide}_class_map_ground_truth_roi_{N}`.
        """
        if study := _STUDY_NAME.fullmatch(stem):
            return self._by_number.get((study["slide"], int(study["number"])))
        return self._by_name.get(stem) or self._by_name.get(_SUFFIX.sub("", stem))


def check_shape(*, width_px: int, height_px: int, roi_width_px: int, roi_height_px: int) -> None:
    """Raises `GroundTruthRefused` where a class map does not have the shape of its ROI, at whatever resolution."""
    stretch = (width_px / roi_width_px) / (height_px / roi_height_px)
    if not 1 - _SHAPE_TOLERANCE <= stretch <= 1 + _SHAPE_TOLERANCE:
        raise GroundTruthRefused(
            f"it is {width_px} x {height_px} px, which is not the shape of its ROI of {roi_width_px} x {roi_height_px}"
        )

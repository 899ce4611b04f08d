"""Coarse annotations and labels made fine on this machine, beside the class maps of a segmenter; both are kept."""

import csv
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import PngImagePlugin

from pantile.class_map_files import decode_class_map, encode_class_map
from pantile.client.downloads import Download, download_files, safe_name, write_whole
from pantile.client.ground_truths import LEGEND_FILE
from pantile.client.recolouring import class_colours
from pantile.client.uploads import hash_file
from pantile.domain.class_maps import ClassMap, PaletteName, at_pixels
from pantile.domain.csv_text import read_csv_rows, write_csv
from pantile.domain.dice import Target
from pantile.domain.errors import FileRefused, GroundTruthRefused, ImageUnreadable, PantileError
from pantile.domain.ground_truth import NamedRoi, RoiFinder, TruthScheme, check_shape
from pantile.domain.refining import IGNORED, Allowance, find_allowed, keep_allowed, refine
from pantile.domain.rois import file_stem
from pantile.schemas.results import ResultOut
from pantile.schemas.rois import RoiOut
from pantile.schemas.segmenters import ClassOut

A = TypeVar("A")

DERIVATION_FILE = "derivation.json"
"""What tells of each file from which annotation and class map it was made, and by which rule."""

_GREYS = np.repeat(np.arange(256, dtype=np.uint8)[:, None], 3, axis=1)


class Coarse(Protocol):
    """Coarse annotations of ROIs, and what they allow."""

    @property
    def rois(self) -> set[str]:
        """The names of the ROIs that have one."""

    def make(self, result: ResultOut, class_map: ClassMap) -> bytes:
        """The PNG made fine; raises `GroundTruthRefused` where the annotation cannot be the ROI's."""

    def tell(self, roi: str) -> dict[str, str]:
        """What it is that the ROI has."""


class Regions:
    """Class maps in which regions are drawn, each a PNG that is named after its ROI as ground truth is."""

    def __init__(
        self,
        files: Mapping[str, Path],
        scheme: TruthScheme,
        allowances: Sequence[Allowance],
        classes: Sequence[ClassOut],
        *,
        outside: str,
    ) -> None:
        self._files = files
        self._scheme = scheme
        self._allowed = {_index(scheme, each.label): _allowed(each, classes) for each in allowances}
        self._outside = _index(scheme, outside) if outside else _background(scheme)

    @property
    def rois(self) -> set[str]:
        """The names of the ROIs that have a file."""
        return set(self._files)

    def make(self, result: ResultOut, class_map: ClassMap) -> bytes:
        """The regions where the class map has what they allow, of the file's own size and colours."""
        file, image = self._files[result.roi], result.image
        annotation, palette = _read(file)
        self._scheme.check_indices(np.unique(annotation).tolist())
        height, width = annotation.shape
        check_shape(width_px=width, height_px=height, roi_width_px=image.width_px, roi_height_px=image.height_px)
        found = _beside(class_map, result, width_px=width, height_px=height)
        return encode_class_map(refine(annotation, found, self._allowed, outside=self._outside), palette)

    def tell(self, roi: str) -> dict[str, str]:
        """The file and its digest."""
        return {"annotation": self._files[roi].name, "annotation_sha256": hash_file(self._files[roi]).sha256}


class Labels:
    """One label for each whole ROI."""

    def __init__(self, labels: Mapping[str, str], allowances: Sequence[Allowance], classes: Sequence[ClassOut]) -> None:
        self._labels = labels
        self._allowed = {each.label: _allowed(each, classes) for each in allowances}
        self._palette = np.array(class_colours(classes, PaletteName.SIMPLIFIED), dtype=np.uint8)
        if unknown := sorted(set(labels.values()) - set(self._allowed)):
            raise GroundTruthRefused(
                f"what the label {unknown[0]} allows is not said: --allow {unknown[0]!r}=CLASS,CLASS"
            )

    @property
    def rois(self) -> set[str]:
        """The names of the ROIs that have a label."""
        return set(self._labels)

    def make(self, result: ResultOut, class_map: ClassMap) -> bytes:
        """The classes that the label allows, of the image's size, all else ignored."""
        image = result.image
        found = _beside(class_map, result, width_px=image.width_px, height_px=image.height_px)
        return encode_class_map(keep_allowed(found, self._allowed[self._labels[result.roi]]), self._palette)

    def tell(self, roi: str) -> dict[str, str]:
        """The label."""
        return {"label": self._labels[roi]}


@dataclass(frozen=True, slots=True)
class Paired(Generic[A]):
    """Annotations by the names of their ROIs, the stems of these ROIs' images, and names of no ROI."""

    by_roi: dict[str, A]
    stems: dict[str, str]
    unknown: list[str]


def pair_with_rois(annotations: Mapping[str, A], rois: Iterable[RoiOut]) -> Paired[A]:
    """Finds the ROIs that annotations are named after, each by the ROI's name, its image's, or a ground truth file's.

    Raises:
        GroundTruthRefused: two are one ROI's.
    """
    named = [
        NamedRoi(
            id=each.id,
            name=each.roi,
            slide=each.slide,
            tissue_type=each.tissue_type,
            roi_number=each.roi_number,
            source=file_stem(each.source),
        )
        for each in rois
    ]
    finder, images = RoiFinder(named), Counter(roi.source for roi in named)
    paired: Paired[A] = Paired({}, {roi.name: roi.source if images[roi.source] == 1 else roi.name for roi in named}, [])
    for name, annotation in annotations.items():
        roi = finder.find(name) or finder.find(file_stem(name))
        if roi is None:
            paired.unknown.append(name)
        elif roi.name in paired.by_roi:
            raise GroundTruthRefused(f"{name} is the second that is named after {roi.name}")
        else:
            paired.by_roi[roi.name] = annotation
    return paired


def read_labels(file: Path) -> dict[str, str]:
    """Labels by ROI: CSV with the columns roi and label.

    Raises:
        FileRefused: there is no such file, or it is not text.
        GroundTruthRefused: it is not CSV, lacks a column or a cell, or gives an ROI two labels.
    """
    try:
        rows = list(read_csv_rows(file.read_text("utf-8-sig").splitlines(keepends=True)))
    except (OSError, UnicodeDecodeError) as error:
        raise FileRefused(f"{file}, {error}") from error
    except csv.Error as error:
        raise GroundTruthRefused(f"{file.name} is not CSV, {error}") from error
    columns = [cell.strip().lower() for cell in rows[0][1]] if rows else []
    if not {"roi", "label"} <= set(columns):
        raise GroundTruthRefused(f"{file.name} needs the columns roi and label")
    labels: dict[str, str] = {}
    for where, row in rows[1:]:
        cells = dict(zip(columns, (cell.strip() for cell in row), strict=False))
        roi, label = cells.get("roi", ""), cells.get("label", "")
        if not roi or not label:
            raise GroundTruthRefused(f"{file.name}, {where}: an ROI or its label is missing")
        if labels.setdefault(roi, label) != label:
            raise GroundTruthRefused(f"{file.name}, {where}: {roi} has two labels, {labels[roi]} and {label}")
    return labels


@dataclass(slots=True)
class Refined:
    """What was made, as `derivation.json` tells of it by the name of the ROI, and what failed."""

    files: dict[str, dict[str, Any]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


def refine_results(
    results: Sequence[ResultOut], coarse: Coarse, refined: Refined, *, stems: Mapping[str, str], folder: Path
) -> None:
    """Downloads the class maps of ROIs that have an annotation, and writes what they make of it, `{stem}_mask.png`."""
    wanted = [result for result in results if result.roi in coarse.rois]
    with TemporaryDirectory(prefix="pantile-refine-") as scratch:
        files = {each.class_map.sha256: Path(scratch, each.class_map.sha256) for each in wanted}
        urls = {each.class_map.sha256: each.class_map.url for each in wanted}
        failed = download_files(
            [Download(url=urls[sha256], file=file, sha256=sha256) for sha256, file in files.items()], lambda: None
        )
        for result in wanted:
            file = files[result.class_map.sha256]
            try:
                if file in failed:
                    raise FileRefused(failed[file])
                made = coarse.make(result, decode_class_map(file.read_bytes()))
            except PantileError as error:
                refined.problems.append(f"{result.roi}: {error.detail}")
                continue
            target = folder / f"{safe_name(stems[result.roi])}_mask.png"
            write_whole(target, made)
            refined.files[result.roi] = {
                "file": target.name,
                **coarse.tell(result.roi),
                "segmenter": f"{result.segmenter}@{result.segmenter_version}",
                "job_id": result.job_id,
                "class_map_sha256": result.class_map.sha256,
            }


def write_derivation(folder: Path, refined: Refined, *, cohort: str, allowances: Sequence[Allowance]) -> None:
    """Writes from what each file of the folder was made, and by which rule."""
    rule = {each.label: list(each.classes) for each in allowances}
    told = {"cohort": cohort, "allowed": rule, "files": [{"roi": roi, **own} for roi, own in refined.files.items()]}
    write_whole(folder / DERIVATION_FILE, json.dumps(told, indent=2, ensure_ascii=False).encode())


def write_legend(folder: Path, classes: Sequence[ClassOut]) -> None:
    """Writes what the indices of files made from labels mean."""
    rows: list[tuple[int, str, str]] = [(each.index, each.name, each.group.value) for each in classes]
    text = write_csv(("index", "name", "group"), [*rows, (IGNORED, "ignored", "ignored")])
    write_whole(folder / LEGEND_FILE, text.encode())


def _index(scheme: TruthScheme, word: str) -> int:
    for each in scheme.classes:
        if word.casefold() == each.name.casefold():
            return each.index
    names = ", ".join(each.name for each in scheme.classes)
    raise GroundTruthRefused(f"its scheme {scheme.name} has no class {word}; its classes are {names}")


def _background(scheme: TruthScheme) -> int:
    for each in scheme.classes:
        if set(each.targets.values()) == {Target.BACKGROUND}:
            return each.index
    raise GroundTruthRefused(f"its scheme {scheme.name} has no background; name a class with --outside")


def _allowed(allowance: Allowance, classes: Sequence[ClassOut]) -> frozenset[int]:
    return find_allowed(allowance, [(each.index, each.name, each.group) for each in classes])


def _beside(class_map: ClassMap, result: ResultOut, *, width_px: int, height_px: int) -> ClassMap:
    """The class at each pixel of a picture of the ROI that has this size."""
    own, image = result.class_map, result.image
    extent = (own.extent_width_px * width_px / image.width_px, own.extent_height_px * height_px / image.height_px)
    return at_pixels(class_map, height_px=height_px, width_px=width_px, extent_px=extent)


def _read(file: Path) -> tuple[ClassMap, NDArray[np.uint8]]:
    """A class map's indices and (256, 3) colours, greys where it has none."""
    try:
        data = file.read_bytes()
    except OSError as error:
        raise FileRefused(f"{file}, {error.strerror or error}") from error
    try:
        annotation = decode_class_map(data)
    except ImageUnreadable as error:
        raise GroundTruthRefused(f"{file.name}, {error.detail}") from error
    with PngImagePlugin.PngImageFile(BytesIO(data)) as picture:
        colours = picture.getpalette()
    return annotation, np.array(colours, dtype=np.uint8).reshape(-1, 3) if colours else _GREYS

"""Corrected annotations in a folder on this machine: drawn as class maps, added as ground truth, kept for training."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from pantile.class_map_files import encode_class_map
from pantile.client.downloads import Download, download_files, safe_name, write_whole
from pantile.client.exports.geojson import read_class_map
from pantile.client.exports.polygons import Placement
from pantile.client.ground_truths import add_ground_truths
from pantile.client.preannotations import PreannotationsClient
from pantile.client.recolouring import class_colours
from pantile.client.result_files import ResultFiles
from pantile.domain.class_maps import ClassGroup, ClassMap, PaletteName, at_pixels
from pantile.domain.corrections import ClassEffort
from pantile.domain.csv_text import Cell, write_csv
from pantile.domain.dice import DiceProtocol, Target
from pantile.domain.errors import AnnotationsRefused, FileRefused, TransferFailed
from pantile.domain.ground_truth import TruthClass, TruthScheme
from pantile.schemas.cohorts import CohortOut
from pantile.schemas.corrections import MOST_ROIS, CorrectionOut
from pantile.schemas.results import ResultOut
from pantile.schemas.segmenters import ClassOut, SegmenterOut

_TARGETS = {ClassGroup.TUMOR: Target.TUMOR, ClassGroup.TUMOR_STROMA: Target.TUMOR_STROMA}
_TISSUE_COLUMNS = ("image", "class_map", "case", "mpp")

EFFORT_COLUMNS = (
    *("cohort", "case", "slide", "roi", "tissue_type", "segmenter", "segmenter_version", "handed_at", "returned_at"),
    *("hours", "class", "pixels_before", "pixels_after", "pixels_kept", "changed"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Corrected:
    """A corrected class map: the result that was handed out, and what it became, of the same size."""

    result: ResultOut
    class_map: ClassMap
    segmenter: SegmenterOut

    @property
    def scheme(self) -> TruthScheme:
        """What its indices mean: the segmenter's classes, of which those of tumor and its stroma are compared."""
        own = self.segmenter
        return TruthScheme(
            name=f"{own.name}@{own.version}",
            classes=tuple(
                TruthClass(
                    index=each.index,
                    name=each.name,
                    targets=dict.fromkeys(DiceProtocol, _TARGETS.get(each.group, Target.BACKGROUND)),
                )
                for each in own.classes
            ),
        )


def read_corrected(
    folder: Path, cohort: CohortOut, results: Iterable[ResultOut], segmenters: Sequence[SegmenterOut]
) -> list[Corrected]:
    """The corrected annotations of these results that are in a folder, under the names that `pantile preannotate` gave.

    What no annotation covers is background. Whole slides are passed over: ground truth is of ROIs.

    Raises:
        FileRefused: the folder has none of them, or one cannot be read.
        AnnotationsRefused: one is no GeoJSON, or has a class that the segmenter has not; the file is named.
    """
    names = ResultFiles(folder, tuple(cohort.segmenters))
    known = {(each.name, each.version): each for each in segmenters}
    found = [
        _draw(file, result, known[result.segmenter, result.segmenter_version])
        for result in results
        if result.image.url is not None and (file := names.of(result, ".geojson")).is_file()
    ]
    if not found:
        raise FileRefused(f"{folder} has no .geojson file that `pantile preannotate` wrote for {cohort.name}")
    return found


def _draw(file: Path, result: ResultOut, segmenter: SegmenterOut) -> Corrected:
    own = result.class_map
    try:
        class_map = read_class_map(
            file.read_bytes(),
            {each.name: each.index for each in segmenter.classes},
            height_px=own.height_px,
            width_px=own.width_px,
            placement=Placement(
                scale_x=own.extent_width_px / own.width_px,
                scale_y=own.extent_height_px / own.height_px,
                left=result.place.left_px if result.place else 0,
                top=result.place.top_px if result.place else 0,
            ),
            background=_background(segmenter.classes),
        )
    except OSError as error:
        raise FileRefused(f"{file}, {error.strerror or error}") from error
    except AnnotationsRefused as error:
        raise AnnotationsRefused(f"{file.name}: {error.detail}") from error
    return Corrected(result=result, class_map=class_map, segmenter=segmenter)


def _background(classes: Sequence[ClassOut]) -> int:
    return next((each.index for each in classes if each.group is ClassGroup.BACKGROUND), 0)


@dataclass(slots=True)
class Added:
    """The names of ROIs whose correction was taken, and of those that the cohort does not know."""

    taken: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)


def add_corrections(api: PreannotationsClient, cohort: str, corrected: Sequence[Corrected]) -> Added:
    """Adds corrected class maps as ground truth, in place of other, and has their effort measured."""
    outcome = Added()
    for scheme in dict.fromkeys(each.scheme.name for each in corrected):
        own = [each for each in corrected if each.scheme.name == scheme]
        with TemporaryDirectory(prefix="pantile-corrections-") as scratch:
            files = [_write(Path(scratch), each) for each in own]
            done = add_ground_truths(api, cohort, files, own[0].scheme, replace=True, on_file=lambda: None)
        outcome.unknown += done.unknown
        kept = [*done.added, *done.replaced, *done.unchanged]
        for first in range(0, len(kept), MOST_ROIS):
            outcome.taken += api.take_corrections(cohort, kept[first : first + MOST_ROIS]).compared
    return outcome


def _write(folder: Path, corrected: Corrected) -> Path:
    """The class map as a file that is named after its ROI."""
    name = corrected.result.roi
    if "/" in name:
        raise FileRefused(f"{name} cannot name a file")
    file = folder / f"{name}.png"
    write_whole(file, _encode(corrected.class_map, corrected.segmenter))
    return file


def _encode(class_map: ClassMap, segmenter: SegmenterOut) -> bytes:
    colours = np.array(class_colours(segmenter.classes, PaletteName.SIMPLIFIED), dtype=np.uint8)
    return encode_class_map(class_map, colours)


def write_tissue(folder: Path, corrected: Sequence[Corrected]) -> Path:
    """Images and corrected class maps of their size, with a table of them that `pantile train` reads; gives the table.

    Raises:
        TransferFailed: an image could not be downloaded.
    """
    downloads, rows = [], []
    for each in corrected:
        image, stem = each.result.image, safe_name(each.result.roi)
        if image.url is None:
            continue
        downloads.append(Download(url=image.url, file=folder / f"{stem}.{image.format}", sha256=image.sha256))
        extent_px = (each.result.class_map.extent_width_px, each.result.class_map.extent_height_px)
        full = at_pixels(each.class_map, height_px=image.height_px, width_px=image.width_px, extent_px=extent_px)
        write_whole(folder / f"{stem}_class_map.png", _encode(full, each.segmenter))
        rows.append((f"{stem}.{image.format}", f"{stem}_class_map.png", each.result.case, each.result.roi_mpp))
    if failed := download_files(downloads, lambda: None):
        file, why = next(iter(failed.items()))
        raise TransferFailed(f"{file.name}, {why}")
    table = folder / "tissue.csv"
    write_whole(table, write_csv(_TISSUE_COLUMNS, rows).encode())
    return table


def hours_of(correction: CorrectionOut) -> float | None:
    """Hours from when a class map was handed out until its correction came back; None until it has."""
    if correction.returned_at is None:
        return None
    return (correction.returned_at - correction.handed_at).total_seconds() / 3600


def share_changed(correction: CorrectionOut) -> float | None:
    """The share of an ROI's pixels whose class was corrected; None until it is back."""
    if not correction.pixels or correction.changed is None:
        return None
    return correction.changed / correction.pixels


def effort_table(cohort: str, corrections: Iterable[CorrectionOut]) -> str:
    """CSV of the corrections that are back: a row for all of an ROI, and one for each class that is or was there."""
    return write_csv(EFFORT_COLUMNS, (row for each in corrections if each.returned_at for row in _rows(cohort, each)))


def _rows(cohort: str, correction: CorrectionOut) -> Iterable[tuple[Cell, ...]]:
    what: Mapping[str, Cell] = {
        "cohort": cohort,
        "case": correction.case,
        "slide": correction.slide,
        "roi": correction.roi,
        "tissue_type": correction.tissue_type.value,
        "segmenter": correction.segmenter,
        "segmenter_version": correction.segmenter_version,
        "handed_at": correction.handed_at.isoformat(timespec="seconds"),
        "returned_at": correction.returned_at.isoformat(timespec="seconds") if correction.returned_at else "",
        "hours": hours_of(correction),
    }
    total, changed = correction.pixels or 0, correction.changed or 0
    yield (*what.values(), "all", total, total, total - changed, share_changed(correction))
    for each in correction.classes or ():
        own = ClassEffort(**each.model_dump())
        yield (*what.values(), own.name, own.before, own.after, own.kept, own.changed)

"""Tissue to learn from: images with class maps, found, checked, and kept at the segmenter's mpp on disk.

Images are read as the engine's fast mode reads an ROI, so that a network learns from what it will be shown. They are
memory-mapped, for the study's own 106,546 patches would take 84 GB.
"""

import csv
import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pantile.class_map_files import decode_class_map
from pantile.domain.class_maps import ClassMap, ClassScheme, count_pixels, remap
from pantile.domain.dice import IGNORED
from pantile.domain.errors import ImageRefused, TrainingRefused
from pantile.domain.rois import MAX_MPP, MIN_MPP
from pantile.domain.training import Tissue, Training
from pantile_workers.imaging.reading import RoiPixels, read_roi

_WHITE = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledFile:
    """An image and its class map as files, the case it belongs to, and its microns per pixel."""

    image: Path
    class_map: Path
    case: str
    mpp: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LabelledTissue:
    """An image with its class map at the segmenter's mpp.

    `pixels` is (height, width, 4) uint8: red, green, blue and the class index, 255 where nothing is known. `digest`
    tells it from any other, `class_pixels` are the known pixels of each class.
    """

    name: str
    case: str
    digest: str
    pixels: NDArray[np.uint8]
    class_pixels: tuple[int, ...]

    def cut(self, top: int, left: int, px: int) -> NDArray[np.uint8]:
        """The (px, px, 4) uint8 square from there on; white and unknown beyond the image."""
        found = self.pixels[top : top + px, left : left + px]
        if found.shape[:2] == (px, px):
            return np.array(found)
        square = np.full((px, px, 4), _WHITE, dtype=np.uint8)
        square[..., 3] = IGNORED
        square[: found.shape[0], : found.shape[1]] = found
        return square


def find_files(tissue: Tissue) -> list[LabelledFile]:
    """The images and class maps that a training names; raises `TrainingRefused` where one is missing."""
    folder = Path(tissue.folder)
    if not folder.is_dir():
        raise TrainingRefused(f"there is no folder {folder}; whoever trains must reach it under that name")
    found = list(_from_table(folder, tissue) if tissue.table else _from_patterns(folder, tissue))
    if not found:
        raise TrainingRefused(f"no image in {folder} fits {tissue.table or tissue.images}")
    for path in (path for labelled in found for path in (labelled.image, labelled.class_map)):
        if not path.is_file():
            raise TrainingRefused(f"there is no file {path}")
    return found


def _from_table(folder: Path, tissue: Tissue) -> Iterator[LabelledFile]:
    path, columns = folder / tissue.table, tissue.columns
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            rows, present = list(reader), reader.fieldnames or []
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise TrainingRefused(f"the table {path} cannot be read ({error})") from error
    wanted = [columns.image, columns.class_map, columns.case, *filter(None, [columns.mpp]), *tissue.rows]
    if missing := [column for column in wanted if column not in present]:
        raise TrainingRefused(f"{path} has no column {missing[0]}; it has {', '.join(present)}")
    for line, row in enumerate(rows, start=2):
        if any(row[column] not in values for column, values in tissue.rows.items()):
            continue
        if empty := [column for column in wanted if not row[column]]:
            raise TrainingRefused(f"{path}, row {line}: {empty[0]} is empty")
        yield LabelledFile(
            image=folder / row[columns.image],
            class_map=folder / row[columns.class_map],
            case=row[columns.case],
            mpp=_read_mpp(row[columns.mpp], f"{path}, row {line}") if columns.mpp else tissue.mpp or 0.0,
        )


def _read_mpp(text: str, where: str) -> float:
    try:
        mpp = float(text)
    except ValueError as error:
        raise TrainingRefused(f"{where}: the mpp {text!r} is no number") from error
    if not MIN_MPP <= mpp <= MAX_MPP:
        raise TrainingRefused(f"{where}: the mpp {mpp:g} is not between {MIN_MPP:g} and {MAX_MPP:g}")
    return mpp


def _from_patterns(folder: Path, tissue: Tissue) -> Iterator[LabelledFile]:
    for image in sorted(folder.glob(tissue.images)):
        yield LabelledFile(
            image=image,
            class_map=folder / tissue.class_maps.replace("{stem}", image.stem),
            case=_case_of(image.name, tissue.case) if tissue.case else image.stem,
            mpp=tissue.mpp or 0.0,
        )


def _case_of(name: str, pattern: str) -> str:
    try:
        match = re.search(pattern, name)
    except re.error as error:
        raise TrainingRefused(f"tissue.case is no regular expression ({error})") from error
    if match is None:
        raise TrainingRefused(f"tissue.case, {pattern!r}, fits nothing in the name {name}")
    return match[1] if match.re.groups else match[0]


def keep_tissue(
    files: Sequence[LabelledFile], training: Training, folder: Path, *, on_image: Callable[[], None]
) -> list[LabelledTissue]:
    """The files' tissue at the segmenter's mpp, kept in `folder`; what is kept there already is not read again.

    Raises:
        TrainingRefused: a file cannot be read, a class map is not of its image's size, or holds an index that the card
            does not have; the sentence names the file.
    """
    folder.mkdir(parents=True, exist_ok=True)
    kept = []
    for labelled in files:
        try:
            kept.append(_keep(labelled, training, folder))
        except ImageRefused as error:
            raise TrainingRefused(f"{labelled.image} with {labelled.class_map.name}, {error}") from error
        on_image()
    return kept


def _keep(labelled: LabelledFile, training: Training, folder: Path) -> LabelledTissue:
    data, truth = labelled.image.read_bytes(), labelled.class_map.read_bytes()
    digest = _digest(data, truth, labelled, training)
    path = folder / f"{digest[:32]}.npy"
    if not path.exists():
        part = path.with_suffix(".part")
        with part.open("wb") as file:
            np.save(file, _read(data, truth, labelled, training))
        part.replace(path)
    pixels: NDArray[np.uint8] = np.load(path, mmap_mode="r")
    return LabelledTissue(
        name=labelled.image.name,
        case=labelled.case,
        digest=digest,
        pixels=pixels,
        class_pixels=tuple(count_pixels(pixels[..., 3], len(training.card.scheme))),
    )


def _digest(data: bytes, truth: bytes, labelled: LabelledFile, training: Training) -> str:
    """SHA-256 (hex) of all that the kept tissue is made of."""
    parts = [hashlib.sha256(part).hexdigest() for part in (data, truth)]
    meaning = (labelled.mpp, training.card.model_mpp, len(training.card.scheme), training.tissue.ignored)
    words = [*parts, *meaning, sorted(training.tissue.remap.items())]
    return hashlib.sha256(repr(words).encode()).hexdigest()


def _read(data: bytes, truth: bytes, labelled: LabelledFile, training: Training) -> NDArray[np.uint8]:
    roi = read_roi(data, roi_mpp=labelled.mpp, model_mpp=training.card.model_mpp)
    class_map = decode_class_map(truth)
    if class_map.shape != (roi.height_px, roi.width_px):
        height, width = class_map.shape
        raise TrainingRefused(
            f"{labelled.image} has {roi.width_px} x {roi.height_px} pixels, {labelled.class_map} has {width} x {height}"
        )
    known = _in_scheme(class_map, training.tissue, training.card.scheme, labelled.class_map)
    return np.concatenate([roi.image, _at_model_mpp(known, roi)[..., None]], axis=-1)


def _in_scheme(class_map: ClassMap, tissue: Tissue, scheme: ClassScheme, path: Path) -> ClassMap:
    mapped = remap(class_map, {**tissue.remap, tissue.ignored: IGNORED})
    foreign = sorted(set(np.unique(mapped).tolist()) - set(range(len(scheme))) - {IGNORED})
    if foreign:
        raise TrainingRefused(
            f"{path} holds the index {foreign[0]}; the card has 0 to {len(scheme) - 1}, {tissue.ignored} is ignored"
        )
    return mapped


def _at_model_mpp(class_map: ClassMap, roi: RoiPixels) -> ClassMap:
    """The class at the centre of each pixel of the ROI's image, in the geometry of imaging.reading."""
    rows, columns = (
        ((np.arange(cells) + 0.5) * roi.scale).astype(np.intp) for cells in (roi.image.shape[0], roi.image.shape[1])
    )
    padded = np.pad(class_map, ((0, 1), (0, 1)), constant_values=IGNORED)
    found: ClassMap = padded[np.ix_(np.minimum(rows, roi.height_px), np.minimum(columns, roi.width_px))]
    return found

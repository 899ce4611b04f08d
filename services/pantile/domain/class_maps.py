"""Class maps and what their indices mean: class schemes, groups, palettes, remaps, areas."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from pantile.domain.patches import study_scale

ClassMap = NDArray[np.uint8]
"""(height, width) uint8 class indices."""

Mask = NDArray[np.bool_]
"""(height, width) boolean array of one class."""

RgbImage = NDArray[np.uint8]
"""(height, width, 3) uint8 red, green, blue."""

Rgb = tuple[int, int, int]

OVERLAY_ALPHA = 0.3
"""Opacity of the class colours in an overlay (the study's)."""

OVERLAY_SIZE_PX = (2500, 2000)
"""Largest width and height of an overlay (the study's)."""


class ClassGroup(StrEnum):
    """What a class stands for across segmenters, whatever each calls it."""

    TUMOR = "tumor"
    TUMOR_STROMA = "tumor_stroma"
    BENIGN_EPITHELIUM = "benign_epithelium"
    NECROSIS = "necrosis"
    INFLAMMATION = "inflammation"
    MUCIN = "mucin"
    BLOOD = "blood"
    OTHER = "other"
    BACKGROUND = "background"


class PaletteName(StrEnum):
    """The study's two ways of colouring a class map."""

    SIMPLIFIED = "simplified"
    DETAILED = "detailed"


@dataclass(frozen=True, slots=True, kw_only=True)
class TissueClass:
    """One class of a segmenter: its index in class maps, its name, group and colours."""

    index: int
    name: str
    group: ClassGroup
    simplified_rgb: Rgb
    detailed_rgb: Rgb

    def __post_init__(self) -> None:
        if not 0 <= self.index <= 255:
            raise ValueError(f"class index {self.index} is not in 0-255")
        if not self.name.strip():
            raise ValueError(f"class {self.index} has no name")
        for colour in (self.simplified_rgb, self.detailed_rgb):
            if len(colour) != 3 or not all(0 <= part <= 255 for part in colour):
                raise ValueError(f"class {self.index} has the colour {colour}, not three numbers in 0-255")

    def colour(self, palette: PaletteName) -> Rgb:
        """The class's colour in the given palette."""
        return self.simplified_rgb if palette is PaletteName.SIMPLIFIED else self.detailed_rgb


@dataclass(frozen=True, slots=True)
class ClassScheme:
    """The classes of a segmenter in order of their index, 0 to n-1 without gaps."""

    classes: tuple[TissueClass, ...]

    def __post_init__(self) -> None:
        if [tissue.index for tissue in self.classes] != list(range(len(self.classes))):
            raise ValueError("class indices must run from 0 without gaps or repeats")

    def __len__(self) -> int:
        return len(self.classes)

    def palette(self, name: PaletteName) -> NDArray[np.uint8]:
        """(classes, 3) uint8 colours by class index."""
        return np.array([tissue.colour(name) for tissue in self.classes], dtype=np.uint8)

    def indices_of(self, group: ClassGroup) -> list[int]:
        """The indices of the classes of one group."""
        return [tissue.index for tissue in self.classes if tissue.group is group]


def remap(class_map: ClassMap, targets: Mapping[int, int]) -> ClassMap:
    """The class map in another scheme; an index that `targets` does not name stays as it is."""
    table = np.arange(256, dtype=np.uint8)
    for source, target in targets.items():
        table[source] = target
    mapped: ClassMap = table[class_map]
    return mapped


def at_pixels(class_map: ClassMap, *, height_px: int, width_px: int, extent_px: tuple[float, float]) -> ClassMap:
    """The class at the centre of each pixel of an image, (height_px, width_px) uint8, by nearest neighbour.

    `extent_px` is the width and height that the class map covers, in the image's pixels, from its upper left corner.
    """
    rows = nearest_cells(height_px, class_map.shape[0], extent_px[1])
    columns = nearest_cells(width_px, class_map.shape[1], extent_px[0])
    found: ClassMap = class_map[np.ix_(rows, columns)]
    return found


def nearest_cells(length_px: int, cells: int, extent_px: float) -> NDArray[np.intp]:
    """Along one side, (length_px,): of `cells` that cover `extent_px` pixels, the one at the centre of each pixel."""
    centres = (np.arange(length_px) + 0.5) * cells / extent_px
    return np.minimum(centres.astype(np.intp), cells - 1)


def stepped_cells(length_px: int, cells: int, step: float) -> NDArray[np.intp]:
    """Along one side, (length_px,): the cell at the centre of each pixel, `step` cells apart, as Pillow resizes.

    It adds its steps up instead of multiplying them, which decides where a pixel falls between two cells.
    """
    centres = np.add.accumulate(np.concatenate([[step / 2], np.full(length_px - 1, step)]))
    return np.minimum(centres.astype(np.intp), cells - 1)


def study_class_map(
    class_map: ClassMap,
    *,
    height_px: int,
    width_px: int,
    roi_mpp: float,
    model_mpp: float,
    patch_px: int = 512,
    stride_px: int = 384,
) -> ClassMap:
    """The file that the study keeps, (height_px, width_px) uint8 at the ROI's own size, of a class map of exact mode.

    Its script enlarges by `model_mpp / roi_mpp`, to a whole number of pixels and by nearest neighbour, and crops. Where
    the patches were rounded (`StudyScale`), that is not where the network saw things: use `at_pixels` with the class
    map's extent for that.
    """
    scale = study_scale(roi_mpp=roi_mpp, model_mpp=model_mpp, patch_px=patch_px, stride_px=stride_px)

    def look_up(length_px: int, cells: int) -> NDArray[np.intp]:
        stitched_px = scale.stitched_px(length_px)
        return stepped_cells(length_px, cells, stitched_px / int(stitched_px * model_mpp / roi_mpp))

    found: ClassMap = class_map[np.ix_(look_up(height_px, class_map.shape[0]), look_up(width_px, class_map.shape[1]))]
    return found


def count_pixels(class_map: ClassMap, classes: int) -> list[int]:
    """Pixels of each class index 0 to classes-1."""
    return [int(count) for count in np.bincount(class_map.ravel(), minlength=classes)[:classes]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassArea:
    """How much of an ROI one class covers."""

    name: str
    group: ClassGroup
    area_mm2: float
    fraction: float


def class_areas(pixels: Sequence[int], scheme: ClassScheme, map_mpp: float) -> list[ClassArea]:
    """Areas (mm², from `map_mpp` microns a pixel) and fractions of all pixels, by class."""
    total = sum(pixels)
    pixel_mm2 = (map_mpp / 1000.0) ** 2
    return [
        ClassArea(
            name=tissue.name,
            group=tissue.group,
            area_mm2=count * pixel_mm2,
            fraction=count / total if total else 0.0,
        )
        for tissue, count in zip(scheme.classes, pixels, strict=True)
    ]


def tumor_stroma_ratio(areas: Sequence[ClassArea]) -> float | None:
    """Stroma's share of tumor plus tumor stroma, 0 to 1; None where there is neither.

    The proportion of stroma is how the tumor-stroma ratio is reported since Mesker et al., Cell Oncol 2007.
    """
    tumor = sum(area.area_mm2 for area in areas if area.group is ClassGroup.TUMOR)
    stroma = sum(area.area_mm2 for area in areas if area.group is ClassGroup.TUMOR_STROMA)
    return stroma / (tumor + stroma) if tumor + stroma > 0 else None

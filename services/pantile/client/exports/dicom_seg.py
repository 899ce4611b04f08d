"""Class maps as DICOM Segmentations of the slides that their ROIs were cut out of.

A segmentation lies where its ROI lies: place and spacing follow from those of the slide's finest level, in the slide's
own frame of reference, so that viewers lay it over the slide.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import highdicom as hd
import numpy as np
from highdicom.color import CIELabColor
from highdicom.seg import Segmentation, SegmentDescription
from pydicom import Dataset, dcmread
from pydicom.errors import InvalidDicomError
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code
from pydicom.uid import VLWholeSlideMicroscopyImageStorage

from pantile import __version__
from pantile.client.exports.polygons import Placement
from pantile.domain.class_maps import ClassGroup, ClassMap, Rgb
from pantile.domain.errors import FileRefused

DicomSlide = Dataset
"""The metadata of the finest level of a DICOM slide."""

_TILE_PX = 512

_OWN_SCHEME = "99PANTILE"
_MEANINGS: Mapping[ClassGroup, tuple[Code, Code]] = {
    ClassGroup.TUMOR: (codes.SCT.MorphologicallyAbnormalStructure, codes.SCT.Neoplasm),
    ClassGroup.TUMOR_STROMA: (codes.SCT.Tissue, codes.SCT.ConnectiveTissue),
    ClassGroup.NECROSIS: (codes.SCT.MorphologicallyAbnormalStructure, codes.SCT.Necrosis),
    ClassGroup.INFLAMMATION: (codes.SCT.MorphologicallyAbnormalStructure, codes.SCT.Inflammation),
    ClassGroup.BLOOD: (codes.SCT.BodySubstance, codes.SCT.Blood),
}
"""Category and type of a segment by its class's group; of other groups the type is the class's own name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentedClass:
    """A class that becomes a segment."""

    index: int
    name: str
    group: ClassGroup
    rgb: Rgb


@dataclass(frozen=True, slots=True, kw_only=True)
class Maker:
    """What made a class map: a segmenter's name and version."""

    name: str
    version: str


def read_dicom_slide(path: Path) -> DicomSlide:
    """The finest level of the slide of which a file is a part, without its pixels; the others lie beside it.

    Raises:
        FileRefused: it is no file of a DICOM slide, or cannot be read.
    """
    own = _read(path)
    if own is None:
        raise FileRefused(f"{path.name} is no DICOM slide, and only of these can segmentations be made")
    beside = (_read(other) for other in sorted(path.parent.iterdir()) if other.is_file() and other != path)
    levels = [own, *(each for each in beside if each and each.SeriesInstanceUID == own.SeriesInstanceUID)]
    volumes = [each for each in levels if "VOLUME" in each.ImageType] or levels
    return max(volumes, key=lambda each: int(each.TotalPixelMatrixColumns))


def _read(path: Path) -> Dataset | None:
    """The metadata in a file, if it is of a slide."""
    try:
        found = dcmread(path, stop_before_pixels=True)
    except InvalidDicomError:
        return None
    except OSError as error:
        raise FileRefused(f"{path}, {error.strerror or error}") from error
    return found if found.get("SOPClassUID") == VLWholeSlideMicroscopyImageStorage else None


def write_dicom_seg(
    slide: DicomSlide, class_map: ClassMap, classes: Sequence[SegmentedClass], *, placement: Placement, maker: Maker
) -> bytes:
    """A binary DICOM Segmentation, tiled, with a segment for each class given; other pixels belong to none.

    Patient and study are the slide's. Each writing is an instance of its own, with new identifiers.
    """
    numbers = np.zeros(256, dtype=np.uint8)
    for number, tissue in enumerate(classes, start=1):
        numbers[tissue.index] = number
    spacing = _spacing(slide)
    segmentation = Segmentation(
        source_images=[slide],
        pixel_array=numbers[class_map],
        segmentation_type="BINARY",
        segment_descriptions=[_segment(number, each, maker) for number, each in enumerate(classes, start=1)],
        series_instance_uid=hd.UID(),
        series_number=1,
        sop_instance_uid=hd.UID(),
        instance_number=1,
        manufacturer="Pantile",
        manufacturer_model_name="Pantile",
        software_versions=__version__,
        device_serial_number="1",
        content_description=f"Class map by {maker.name} {maker.version}"[:64],
        content_label="CLASS_MAP",
        pixel_measures=hd.PixelMeasuresSequence(
            pixel_spacing=(spacing[0] * placement.scale_y, spacing[1] * placement.scale_x),
            slice_thickness=_thickness(slide),
        ),
        plane_positions=[
            hd.PlanePositionSequence(
                coordinate_system="SLIDE",
                image_position=_position(slide, left=placement.left, top=placement.top),
                pixel_matrix_position=(1, 1),
            )
        ],
        tile_pixel_array=True,
        tile_size=(_TILE_PX, _TILE_PX),
    )
    content = BytesIO()
    segmentation.save_as(content)
    return content.getvalue()


def _segment(number: int, tissue: SegmentedClass, maker: Maker) -> SegmentDescription:
    own = Code(f"class-{tissue.index}", _OWN_SCHEME, tissue.name[:64])
    category, kind = _MEANINGS.get(tissue.group, (codes.SCT.Tissue, own))
    return SegmentDescription(
        segment_number=number,
        segment_label=tissue.name[:64],
        segmented_property_category=category,
        segmented_property_type=kind,
        algorithm_type="AUTOMATIC",
        algorithm_identification=hd.AlgorithmIdentificationSequence(
            name=maker.name, family=codes.cid7162.ArtificialIntelligence, version=maker.version
        ),
        display_color=CIELabColor.from_rgb(*tissue.rgb),
    )


def _measures(slide: DicomSlide) -> Dataset:
    measures: Dataset = slide.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0]
    return measures


def _spacing(slide: DicomSlide) -> tuple[float, float]:
    """Millimetres from row to row, and from column to column."""
    rows, columns = _measures(slide).PixelSpacing
    return float(rows), float(columns)


def _thickness(slide: DicomSlide) -> float:
    return float(_measures(slide).get("SliceThickness") or 0.001)


def _position(slide: DicomSlide, *, left: float, top: float) -> tuple[float, float, float]:
    """Where the pixel at `left`, `top` of the slide lies in its frame of reference, in millimetres (PS3.3 C.7.6.16)."""
    origin = slide.TotalPixelMatrixOriginSequence[0]
    start = np.array(
        [
            float(origin.XOffsetInSlideCoordinateSystem),
            float(origin.YOffsetInSlideCoordinateSystem),
            float(origin.get("ZOffsetInSlideCoordinateSystem") or 0),
        ]
    )
    directions = np.array([float(each) for each in slide.ImageOrientationSlide]).reshape(2, 3)
    row_mm, column_mm = _spacing(slide)
    x, y, z = start + directions[0] * left * column_mm + directions[1] * top * row_mm
    return float(x), float(y), float(z)

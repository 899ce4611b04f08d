"""DICOM Segmentations open in pydicom, are read by highdicom's own reader, and lie where their ROI lies."""

from io import BytesIO
from pathlib import Path

import highdicom as hd
import numpy as np
import pydicom
import pytest
from highdicom.seg import Segmentation

from pantile.client.exports.dicom_seg import Maker, SegmentedClass, read_dicom_slide, write_dicom_seg
from pantile.client.exports.polygons import Placement
from pantile.domain.class_maps import ClassGroup
from pantile.domain.errors import FileRefused
from tests.dicom_slides import DIRECTIONS, HEIGHT_PX, ORIGIN_MM, SPACING_MM, WIDTH_PX, write_dicom_slide

CLASSES = (
    SegmentedClass(index=1, name="TUMOR", group=ClassGroup.TUMOR, rgb=(0, 0, 255)),
    SegmentedClass(index=4, name="MUCIN", group=ClassGroup.MUCIN, rgb=(128, 128, 0)),
    SegmentedClass(index=5, name="NECROSIS", group=ClassGroup.NECROSIS, rgb=(0, 0, 0)),
)
MAKER = Maker(name="Lung", version="1")
LEFT, TOP = 100, 300


@pytest.fixture(scope="module")
def slide(tmp_path_factory: pytest.TempPathFactory) -> pydicom.Dataset:
    """The finest level, found from the file of the coarser one."""
    return read_dicom_slide(write_dicom_slide(tmp_path_factory.mktemp("dicom")))


@pytest.fixture(scope="module")
def class_map() -> np.ndarray:
    """600 x 700 pixels of 1.0 mpp with classes 0 (background), 1 and 4; nothing of 5."""
    found = np.zeros((600, 700), dtype=np.uint8)
    found[50:400, 100:650] = 1
    found[300:580, 20:300] = 4
    return found


@pytest.fixture(scope="module")
def written(slide: pydicom.Dataset, class_map: np.ndarray) -> bytes:
    """The class map as a segmentation, placed at `LEFT`, `TOP`."""
    placement = Placement(scale_x=4.0, scale_y=4.0, left=LEFT, top=TOP)
    return write_dicom_seg(slide, class_map, CLASSES, placement=placement, maker=MAKER)


def test_the_finest_level_is_found_beside_the_file_that_is_named(slide: pydicom.Dataset) -> None:
    assert (slide.TotalPixelMatrixColumns, slide.TotalPixelMatrixRows) == (WIDTH_PX, HEIGHT_PX)


def test_it_opens_in_pydicom_and_refers_to_the_slide(written: bytes, slide: pydicom.Dataset) -> None:
    found = pydicom.dcmread(BytesIO(written))

    assert found.SOPClassUID.name == "Segmentation Storage"
    assert (found.StudyInstanceUID, found.PatientID) == (slide.StudyInstanceUID, slide.PatientID)
    assert found.FrameOfReferenceUID == slide.FrameOfReferenceUID
    assert found.SeriesInstanceUID != slide.SeriesInstanceUID
    assert found.ReferencedSeriesSequence[0].SeriesInstanceUID == slide.SeriesInstanceUID


def test_highdicoms_reader_gives_the_class_map_back(written: bytes, class_map: np.ndarray) -> None:
    found = hd.seg.segread(BytesIO(written))

    assert isinstance(found, Segmentation)
    assert [found.get_segment_description(number).segment_label for number in found.segment_numbers] == [
        "TUMOR",
        "MUCIN",
        "NECROSIS",
    ]
    matrix = found.get_total_pixel_matrix(combine_segments=True)
    assert np.array_equal(np.array([0, 1, 4, 5])[matrix], class_map)


def test_segments_say_what_they_are(written: bytes) -> None:
    found = hd.seg.segread(BytesIO(written))
    types = [found.get_segment_description(number).segmented_property_type for number in (1, 2, 3)]

    assert [each.scheme_designator for each in types] == ["SCT", "99PANTILE", "SCT"]
    assert [each.meaning for each in types] == ["Neoplasm", "MUCIN", "Necrosis"]
    made_by = found.get_segment_description(1).algorithm_identification
    assert made_by is not None
    assert made_by.name == "Lung"


def test_it_lies_where_its_roi_lies(written: bytes) -> None:
    found = pydicom.dcmread(BytesIO(written))

    origin = found.TotalPixelMatrixOriginSequence[0]
    along_rows, along_columns = np.array(DIRECTIONS[:3]), np.array(DIRECTIONS[3:])
    wanted = np.array([*ORIGIN_MM, 0]) + SPACING_MM * (LEFT * along_rows + TOP * along_columns)
    at = (origin.XOffsetInSlideCoordinateSystem, origin.YOffsetInSlideCoordinateSystem)
    assert at == pytest.approx(wanted[:2], abs=1e-6)
    spacing = found.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0].PixelSpacing
    assert [float(each) for each in spacing] == pytest.approx([4 * SPACING_MM] * 2, rel=1e-6)
    assert [float(each) for each in found.ImageOrientationSlide] == list(DIRECTIONS)


def test_a_class_map_of_nothing_but_background_can_be_written(slide: pydicom.Dataset) -> None:
    empty = np.zeros((20, 30), dtype=np.uint8)
    written = write_dicom_seg(slide, empty, CLASSES, placement=Placement(scale_x=4, scale_y=4), maker=MAKER)

    assert not hd.seg.segread(BytesIO(written)).get_total_pixel_matrix(combine_segments=True).any()


def test_what_is_no_dicom_slide_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.svs").write_bytes(b"no DICOM")

    with pytest.raises(FileRefused, match=r"a\.svs is no DICOM slide"):
        read_dicom_slide(tmp_path / "a.svs")

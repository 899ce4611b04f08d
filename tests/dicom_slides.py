"""A small DICOM slide of two levels, as files that tests write: tiles without compression, in a frame of its own."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, VLWholeSlideMicroscopyImageStorage, generate_uid

WIDTH_PX, HEIGHT_PX, TILE_PX = 2048, 1024, 256
SPACING_MM = 0.00025
ORIGIN_MM = (20.0, 40.0)
"""Of the finest level's first pixel, in the slide's coordinates; rows run down the y axis, columns down the x axis."""

DIRECTIONS = (0, -1, 0, -1, 0, 0)


def write_dicom_slide(folder: Path, pixels: NDArray[np.uint8] | None = None) -> Path:
    """Writes both levels and gives the file of the coarser one, as people name any of a slide's files."""
    whole = np.full((HEIGHT_PX, WIDTH_PX, 3), 230, dtype=np.uint8) if pixels is None else pixels
    identity = {name: generate_uid() for name in ("study", "series", "frame")}
    for level in (0, 1):
        dataset = _level(whole[:: 2**level, :: 2**level], identity, downsample=2**level)
        dataset.save_as(folder / f"level{level}.dcm", enforce_file_format=True)
    return folder / "level1.dcm"


def _level(pixels: NDArray[np.uint8], identity: Mapping[str, str], *, downsample: int) -> Dataset:
    height, width, _ = pixels.shape
    found = Dataset()
    found.file_meta = FileMetaDataset()
    found.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    found.file_meta.MediaStorageSOPClassUID = VLWholeSlideMicroscopyImageStorage
    found.file_meta.MediaStorageSOPInstanceUID = found.SOPInstanceUID = generate_uid()
    found.SOPClassUID = VLWholeSlideMicroscopyImageStorage
    found.StudyInstanceUID, found.SeriesInstanceUID = identity["study"], identity["series"]
    found.FrameOfReferenceUID = identity["frame"]
    found.PatientID, found.PatientName, found.PatientBirthDate, found.PatientSex = "P1", "Case^One", "", ""
    found.StudyID, found.StudyDate, found.StudyTime, found.AccessionNumber = "1", "20240101", "120000", ""
    found.ReferringPhysicianName, found.PositionReferenceIndicator = "", "SLIDE_CORNER"
    found.Modality, found.SeriesNumber, found.InstanceNumber = "SM", 1, downsample
    found.ContentDate, found.ContentTime, found.AcquisitionDateTime = "20240101", "120000", "20240101120000"
    found.Manufacturer, found.ManufacturerModelName = "Test", "Test"
    found.DeviceSerialNumber, found.SoftwareVersions = "1", "1"
    found.ImageType = ["DERIVED" if downsample > 1 else "ORIGINAL", "PRIMARY", "VOLUME", "NONE"]
    found.ContainerIdentifier, found.SpecimenDescriptionSequence = "S1", [_specimen()]
    found.ContainerTypeCodeSequence, found.IssuerOfTheContainerIdentifierSequence = [], []
    found.AcquisitionContextSequence, found.VolumetricProperties = [], "VOLUME"
    found.SamplesPerPixel, found.PhotometricInterpretation, found.PlanarConfiguration = 3, "RGB", 0
    found.Rows = found.Columns = TILE_PX
    found.BitsAllocated = found.BitsStored = 8
    found.HighBit, found.PixelRepresentation, found.LossyImageCompression = 7, 0, "00"
    found.BurnedInAnnotation, found.SpecimenLabelInImage, found.FocusMethod = "NO", "NO", "AUTO"
    found.ExtendedDepthOfField = "NO"
    found.TotalPixelMatrixColumns, found.TotalPixelMatrixRows = width, height
    found.TotalPixelMatrixFocalPlanes = 1
    found.ImagedVolumeWidth, found.ImagedVolumeHeight = WIDTH_PX * SPACING_MM, HEIGHT_PX * SPACING_MM
    found.ImagedVolumeDepth = 0.001
    found.ImageOrientationSlide = list(DIRECTIONS)
    origin = Dataset()
    origin.XOffsetInSlideCoordinateSystem, origin.YOffsetInSlideCoordinateSystem = ORIGIN_MM
    found.TotalPixelMatrixOriginSequence = [origin]
    found.DimensionOrganizationType = "TILED_FULL"
    organisation = Dataset()
    organisation.DimensionOrganizationUID = generate_uid()
    found.DimensionOrganizationSequence = [organisation]
    found.SharedFunctionalGroupsSequence = [_shared(SPACING_MM * downsample)]
    found.NumberOfOpticalPaths, found.OpticalPathSequence = 1, [_optical_path()]
    tiles = pixels.reshape(height // TILE_PX, TILE_PX, width // TILE_PX, TILE_PX, 3).swapaxes(1, 2)
    found.NumberOfFrames = tiles.shape[0] * tiles.shape[1]
    found.PixelData = np.ascontiguousarray(tiles).tobytes()
    return found


def _specimen() -> Dataset:
    found = Dataset()
    found.SpecimenIdentifier, found.SpecimenUID = "S1", generate_uid()
    found.IssuerOfTheSpecimenIdentifierSequence, found.SpecimenPreparationSequence = [], []
    return found


def _shared(spacing_mm: float) -> Dataset:
    measures, kind, found = Dataset(), Dataset(), Dataset()
    measures.PixelSpacing, measures.SliceThickness = [spacing_mm, spacing_mm], 0.001
    kind.FrameType = ["ORIGINAL", "PRIMARY", "VOLUME", "NONE"]
    found.PixelMeasuresSequence, found.WholeSlideMicroscopyImageFrameTypeSequence = [measures], [kind]
    return found


def _optical_path() -> Dataset:
    code, found = Dataset(), Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = "111744", "DCM", "Brightfield illumination"
    found.OpticalPathIdentifier, found.IlluminationTypeCodeSequence = "1", [code]
    return found

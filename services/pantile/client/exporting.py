"""Exporting: class maps downloaded page by page and written as the files of other tools."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray
from PIL import JpegImagePlugin, PngImagePlugin, TiffImagePlugin

from pantile.client.downloads import Download, download_files, safe_name, write_whole
from pantile.client.exports.dicom_seg import DicomSlide, Maker, SegmentedClass, read_dicom_slide, write_dicom_seg
from pantile.client.exports.full_size import study_files
from pantile.client.exports.geojson import AnnotationClass, Smoothing, write_annotations
from pantile.client.exports.polygons import Placement
from pantile.client.exports.pyramids import write_ome_tiff, write_ome_zarr
from pantile.client.recolouring import class_colours
from pantile.client.result_files import ResultFiles
from pantile.domain.class_maps import ClassGroup, ClassMap, PaletteName, RgbImage, at_pixels, study_class_map
from pantile.domain.errors import FileRefused
from pantile.domain.segmenters import Mode
from pantile.domain.study_names import number_segmenters
from pantile.schemas.cohorts import CohortOut
from pantile.schemas.results import ResultOut
from pantile.schemas.segmenters import SegmenterOut

_READERS = {
    "png": PngImagePlugin.PngImageFile,
    "jpg": JpegImagePlugin.JpegImageFile,
    "tif": TiffImagePlugin.TiffImageFile,
}
"""Named directly, for Image.open refuses more than 179 million pixels."""


class Kind(StrEnum):
    """What class maps are written as."""

    GEOJSON = "geojson"
    OME_TIFF = "ome-tiff"
    OME_ZARR = "ome-zarr"
    DICOM_SEG = "dicom-seg"
    STUDY = "study"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What to write, and how.

    The tolerance (µm) and the least area (µm²) are for polygons, `slides` are the files of DICOM slides by name.
    """

    kind: Kind
    palette: PaletteName
    tolerance_um: float
    least_area_um2: float
    slides: Mapping[str, Path] = field(default_factory=dict)


class Exporter:
    """Writes class maps of a cohort into a folder."""

    def __init__(self, cohort: CohortOut, segmenters: Sequence[SegmenterOut], wishes: Wishes, folder: Path) -> None:
        self._wishes = wishes
        self._folder = folder
        self._files = ResultFiles(folder, tuple(cohort.segmenters))
        self._numbers = number_segmenters({each.segmenter for each in cohort.segmenters})
        self._segmenters = {(each.name, each.version): each for each in segmenters}
        self._slides: dict[str, DicomSlide] = {}

    def write(self, results: Sequence[ResultOut], *, on_written: Callable[[], None]) -> Mapping[str, str]:
        """Downloads and writes some class maps; gives those that failed by name, and why."""
        problems = {}
        with TemporaryDirectory(prefix="pantile-export-") as scratch:
            downloads = self._plan(results, Path(scratch))
            failed = download_files(downloads.values(), lambda: None)
            for result in results:
                needed = [downloads[key] for key in self._needs(result)]
                problem = next((failed[each.file] for each in needed if each.file in failed), None)
                problem = problem or self._try_to_write(result, *(each.file for each in needed))
                if problem is not None:
                    problems[self._files.of(result, "").name] = problem
                on_written()
        return problems

    def _needs(self, result: ResultOut) -> list[str]:
        needs_image = self._wishes.kind is Kind.STUDY and result.image.url is not None
        return [result.class_map.sha256, *([result.image.sha256] if needs_image else [])]

    def _plan(self, results: Sequence[ResultOut], scratch: Path) -> dict[str, Download]:
        addresses = {each.class_map.sha256: each.class_map.url for each in results}
        if self._wishes.kind is Kind.STUDY:
            addresses |= {each.image.sha256: each.image.url for each in results if each.image.url}
        return {sha256: Download(url=url, file=scratch / sha256, sha256=sha256) for sha256, url in addresses.items()}

    def _try_to_write(self, result: ResultOut, class_map: Path, image: Path | None = None) -> str | None:
        try:
            indices = _read(class_map, result.class_map.format)
            if image is not None:
                self._write_study_files(result, indices, image)
            else:
                self._write_one(result, indices)
        except FileRefused as error:
            return error.detail
        return None

    def _write_one(self, result: ResultOut, class_map: ClassMap) -> None:
        """One file (or folder) in the form that was wished for."""
        map_mpp, file = result.class_map.map_mpp, self._files.of(result, "")
        classes = self._classes(result)
        if self._wishes.kind is Kind.STUDY:
            raise FileRefused("the study's files are those of ROIs, and this is a whole slide")
        if self._wishes.kind is Kind.OME_ZARR:
            folder = file.with_name(f"{file.name}.ome.zarr")
            try:
                write_ome_zarr(folder, class_map, classes, map_mpp=map_mpp, name=file.name)
            except OSError as error:
                raise FileRefused(f"{folder}, {error.strerror or error}") from error
        elif self._wishes.kind is Kind.OME_TIFF:
            content = write_ome_tiff(class_map, classes, map_mpp=map_mpp, name=file.name)
            write_whole(file.with_name(f"{file.name}.ome.tif"), content)
        elif self._wishes.kind is Kind.DICOM_SEG:
            write_whole(file.with_name(f"{file.name}.dcm"), self._segmentation(result, class_map))
        else:
            write_whole(file.with_name(f"{file.name}.geojson"), self._annotations(result, class_map, classes))

    def _segmentation(self, result: ResultOut, class_map: ClassMap) -> bytes:
        slide, segmenter = self._slide(result), self._segmenter(result)
        colours = class_colours(segmenter.classes, self._wishes.palette)
        return write_dicom_seg(
            slide,
            class_map,
            [
                SegmentedClass(index=tissue.index, name=tissue.name, group=tissue.group, rgb=rgb)
                for tissue, rgb in zip(segmenter.classes, colours, strict=True)
                if tissue.group is not ClassGroup.BACKGROUND
            ],
            placement=_placement(result, class_map),
            maker=Maker(name=segmenter.title, version=segmenter.version),
        )

    def _slide(self, result: ResultOut) -> DicomSlide:
        """The slide that an ROI was cut out of, read once while its ROIs follow each other; raises `FileRefused`."""
        if result.place is None or result.slide not in self._wishes.slides:
            raise FileRefused("the ROI was not cut out of a slide, so its place is not known")
        if result.slide not in self._slides:
            self._slides = {result.slide: read_dicom_slide(self._wishes.slides[result.slide])}
        return self._slides[result.slide]

    def _annotations(self, result: ResultOut, class_map: ClassMap, classes: Sequence[AnnotationClass]) -> bytes:
        map_mpp, segmenter = result.class_map.map_mpp, self._segmenter(result)
        background = {each.index for each in segmenter.classes if each.group is ClassGroup.BACKGROUND}
        return write_annotations(
            class_map,
            [each for each in classes if each.index not in background],
            placement=_placement(result, class_map),
            smoothing=Smoothing(
                tolerance_px=self._wishes.tolerance_um / map_mpp, least_area_px=self._wishes.least_area_um2 / map_mpp**2
            ),
            name=result.class_map.sha256,
        )

    def _write_study_files(self, result: ResultOut, class_map: ClassMap, image: Path) -> None:
        pixels = _read(image, result.image.format, mode="RGB")
        number = f"_roi_{result.roi_number}" if result.roi_number != 1 else ""
        stem = safe_name(f"{result.slide}_{result.roi_mpp:g}_{result.tissue_type}{number}")
        colours = np.array(class_colours(self._segmenter(result).classes, self._wishes.palette), dtype=np.uint8)
        enlarged = _enlarge(class_map, result, self._segmenter(result))
        for file in study_files(enlarged, pixels, colours, number=self._numbers[result.segmenter]):
            write_whole(self._folder / f"{stem}{file.ending}", file.content)

    def _segmenter(self, result: ResultOut) -> SegmenterOut:
        return self._segmenters[result.segmenter, result.segmenter_version]

    def _classes(self, result: ResultOut) -> list[AnnotationClass]:
        classes = self._segmenter(result).classes
        colours = class_colours(classes, self._wishes.palette)
        return [
            AnnotationClass(index=tissue.index, name=tissue.name, rgb=rgb)
            for tissue, rgb in zip(classes, colours, strict=True)
        ]


def _placement(result: ResultOut, class_map: ClassMap) -> Placement:
    """Where a class map lies, in pixels of the slide, or of the ROI's image if that was not cut out of one."""
    height, width = class_map.shape
    return Placement(
        scale_x=result.class_map.extent_width_px / width,
        scale_y=result.class_map.extent_height_px / height,
        left=result.place.left_px if result.place else 0,
        top=result.place.top_px if result.place else 0,
    )


def _enlarge(class_map: ClassMap, result: ResultOut, segmenter: SegmenterOut) -> ClassMap:
    """The class map at the size of its ROI's image, as the study's script makes it where that made the class map."""
    size = {"height_px": result.image.height_px, "width_px": result.image.width_px}
    if result.mode is Mode.EXACT:
        return study_class_map(
            class_map, **size, roi_mpp=result.roi_mpp, model_mpp=segmenter.model_mpp, patch_px=segmenter.patch_px
        )
    extent_px = (result.class_map.extent_width_px, result.class_map.extent_height_px)
    return at_pixels(class_map, **size, extent_px=extent_px)


def _read(file: Path, image_format: str, *, mode: str | None = None) -> NDArray[np.uint8]:
    try:
        with file.open("rb") as stream, _READERS[image_format](stream) as picture:
            pixels: RgbImage = np.array(picture.convert(mode) if mode else picture)
    except (KeyError, OSError, SyntaxError, ValueError) as error:
        raise FileRefused(f"{file.name}, {error}") from error
    return pixels

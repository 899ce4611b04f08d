"""Imports of work done elsewhere: ROIs without segmenters, segmenters without weights, class maps as files."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

from pantile.catalog import cohorts, evaluations, imported_maps, jobs, rois, segmenters
from pantile.catalog.audit import record_action
from pantile.catalog.database import Database
from pantile.catalog.holdings import incoming_key
from pantile.catalog.imported_maps import ImportedMap, RoiImage
from pantile.catalog.rois import RoiCounts, SubmittedRoi
from pantile.catalog.segmenters import Registration, Segmenter
from pantile.domain.cohorts import check_cohort_name
from pantile.domain.errors import ClassMapRefused, GroundTruthRefused, ObjectMissing, UploadMissing
from pantile.domain.ground_truth import check_shape
from pantile.domain.png_headers import HEADER_BYTES, PngHeader, read_png_header
from pantile.domain.segmenters import Card, EngineSettings, Mode
from pantile.objects import ObjectStore

MAX_BYTES = 256 << 20

_SETTINGS = EngineSettings(mode=Mode.EXACT)
"""The study's own arithmetic, by which its class maps were made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MapFile:
    """An uploaded class map: the name of its ROI, its digest, and its pixels by class index as its importer counts."""

    roi: str
    sha256: str
    class_pixels: tuple[int, ...]


def class_map_key(sha256: str) -> str:
    """Where a class map is kept."""
    return f"class-maps/{sha256}.png"


def import_rois(
    database: Database, cohort: str, submitted: Sequence[SubmittedRoi], *, max_attempts: int, actor: str
) -> RoiCounts:
    """Adds ROIs to a cohort, which is made where it is not there, without segmenters; their uploads are awaited.

    Raises:
        ManifestRefused: the cohort's name cannot be one.
        RoiConflict: an ROI is there already with another image or mpp; nothing is added.
    """
    check_cohort_name(cohort)
    with database.transaction() as connection:
        opened = cohorts.open_cohort(connection, cohort)
        counts = rois.add_rois(connection, opened.id, submitted)
        jobs.plan_jobs(connection, opened.id, max_attempts=max_attempts)
        cohorts.close_cohorts(connection)
        details = {"rois": counts.added}
        record_action(connection, actor=actor, action="import ROIs", subject=f"cohort {opened.id}", details=details)
    return counts


def import_segmenter(database: Database, card: Card, *, actor: str) -> Registration:
    """Registers a card without a checkpoint, whose class maps were made elsewhere; it can segment nothing here.

    Raises:
        CardRefused: this name and version are taken by another segmenter.
    """
    with database.transaction() as connection:
        return segmenters.add_segmenter(
            connection, replace(card, checkpoint_sha256=""), checkpoint_key="", checkpoint_bytes=0, actor=actor
        )


def import_class_maps(
    database: Database, objects: ObjectStore, cohort: str, segmenter: str, files: Sequence[MapFile], *, actor: str
) -> int:
    """Registers uploaded class maps as succeeded jobs of a segmenter without weights; gives how many are new.

    Raises:
        CohortNotFound, SegmenterUnknown: there is no such cohort or segmenter.
        ClassMapRefused: the segmenter has weights, an ROI is not there or has no image yet, or a file is no class map
            of the ROI and the segmenter; nothing is added then.
        UploadMissing: a file is neither kept nor uploaded.
    """
    with database.transaction() as connection:
        cohort_id = cohorts.find_cohort(connection, cohort).id
        (found,) = segmenters.find_segmenters(connection, [segmenter])
        known = imported_maps.list_roi_images(connection, cohort_id, [file.roi for file in files])
    if found.can_run:
        raise ClassMapRefused(f"{segmenter} has its weights here, and makes its class maps itself")
    maps = [_take(objects, file, known.get(file.roi), found) for file in files]
    with database.transaction() as connection:
        digest = segmenters.keep_settings(connection, _SETTINGS)
        new = imported_maps.keep_imported_maps(connection, cohort_id, found.id, digest, maps, actor=actor)
        evaluations.ask_evaluations(connection, cohort_id=cohort_id)
    return new


def _take(objects: ObjectStore, file: MapFile, roi: RoiImage | None, segmenter: Segmenter) -> ImportedMap:
    if roi is None or roi.image_sha256 is None or roi.width_px is None or roi.height_px is None:
        raise ClassMapRefused(f"{file.roi} is no ROI of the cohort with a stored image")
    classes = len(segmenter.card.scheme)
    if len(file.class_pixels) > classes:
        raise ClassMapRefused(
            f"the class map of {file.roi} has more than the {classes} classes of {segmenter.card.name}"
        )
    header = _keep(objects, file)
    if sum(file.class_pixels) != header.width_px * header.height_px:
        raise ClassMapRefused(f"the pixels of the class map of {file.roi} do not sum up to its size")
    try:
        check_shape(
            width_px=header.width_px, height_px=header.height_px, roi_width_px=roi.width_px, roi_height_px=roi.height_px
        )
    except GroundTruthRefused as error:
        raise ClassMapRefused(f"the class map of {file.roi}: {error.detail}") from error
    key = class_map_key(file.sha256)
    return ImportedMap(
        roi_id=roi.id,
        image_sha256=roi.image_sha256,
        roi_mpp=roi.mpp,
        object_key=key,
        sha256=file.sha256,
        bytes=objects.size(key) or 0,
        width_px=header.width_px,
        height_px=header.height_px,
        map_mpp=roi.mpp * roi.width_px / header.width_px,
        extent_width_px=roi.width_px,
        extent_height_px=roi.height_px,
        class_pixels=[*file.class_pixels, *[0] * (classes - len(file.class_pixels))],
        provenance={"imported": True},
    )


def _keep(objects: ObjectStore, file: MapFile) -> PngHeader:
    key, uploaded = class_map_key(file.sha256), incoming_key(file.sha256)
    if objects.size(key) is not None:
        return _read_header(objects, key, file)
    digest, size = hashlib.sha256(), 0
    try:
        for part in objects.chunks(uploaded):
            size += len(part)
            if size > MAX_BYTES:
                raise ClassMapRefused(f"the class map of {file.roi} has more than {MAX_BYTES >> 20} MiB")
            digest.update(part)
    except ObjectMissing as error:
        raise UploadMissing(f"the class map of {file.roi}") from error
    if digest.hexdigest() != file.sha256:
        objects.delete(uploaded)
        raise ClassMapRefused(f"the upload of the class map of {file.roi} is not what was announced")
    header = _read_header(objects, uploaded, file)
    objects.copy(uploaded, key)
    objects.delete(uploaded)
    return header


def _read_header(objects: ObjectStore, key: str, file: MapFile) -> PngHeader:
    header = read_png_header(objects.head(key, bytes_=HEADER_BYTES))
    if header is None or not header.has_indices:
        raise ClassMapRefused(f"the class map of {file.roi} is no PNG of one 8-bit band")
    return header

"""Imports of work done elsewhere, so that a group can go on with it: ROIs, segmenters without weights, class maps."""

from fastapi import APIRouter

from pantile.catalog.rois import SubmittedRoi
from pantile.coordinator.announcing import announce_files
from pantile.coordinator.imports import (
    MapFile,
    class_map_key,
    import_class_maps,
    import_rois,
    import_segmenter,
)
from pantile.domain.cohorts import ManifestRow
from pantile.domain.rois import RoiKey
from pantile.domain.segmenters import parse_card
from pantile.schemas.ground_truths import TruthFilesIn, TruthUpload, TruthUploads
from pantile.schemas.imports import (
    ImportedMapsIn,
    ImportedRoi,
    ImportedRois,
    ImportedSegmenterIn,
    MapsImported,
    RoisImported,
)
from pantile.schemas.segmenters import SegmenterAdded
from pantile.web.answers import segmenter_out
from pantile.web.errors import problems
from pantile.web.given import CohortPath, GivenActor, GivenDatabase, GivenObjects, GivenSettings

router = APIRouter(tags=["imports"])


@router.post("/imported-rois", summary="Import ROIs", responses=problems(409))
def add_imported_rois(
    given: ImportedRois, actor: GivenActor, database: GivenDatabase, settings: GivenSettings
) -> RoisImported:
    """Adds ROIs without segmenters to a cohort, which is made where it is not there; then upload their images."""
    submitted = [_submitted(each, given.cohort) for each in given.rois]
    counts = import_rois(database, given.cohort, submitted, max_attempts=settings.max_attempts, actor=actor)
    return RoisImported(added=counts.added, present=counts.present)


def _submitted(roi: ImportedRoi, cohort: str) -> SubmittedRoi:
    key = RoiKey(slide=roi.slide, tissue_type=roi.tissue_type, roi_number=roi.roi_number)
    row = ManifestRow(path=roi.path, cohort=cohort, case=roi.case, key=key, mpp=roi.mpp)
    return SubmittedRoi(row=row, sha256=roi.sha256, bytes=roi.bytes)


@router.post("/imported-segmenters", summary="Import a segmenter without weights", responses=problems(409))
def add_imported_segmenter(given: ImportedSegmenterIn, actor: GivenActor, database: GivenDatabase) -> SegmenterAdded:
    """Registers a card whose class maps were made elsewhere; it segments nothing here."""
    done = import_segmenter(database, parse_card(given.card), actor=actor)
    return SegmenterAdded(segmenter=segmenter_out(done.segmenter), added=done.is_new, renewed=list(done.renewed))


@router.post("/cohorts/{cohort}/class-maps/uploads", summary="Announce class maps", responses=problems(404))
def announce_class_maps(
    cohort: CohortPath,
    announced: TruthFilesIn,
    actor: GivenActor,
    database: GivenDatabase,
    objects: GivenObjects,
    settings: GivenSettings,
) -> TruthUploads:
    """An address to PUT each file to, or none where a class map of this digest is kept already."""
    addresses = announce_files(
        database,
        objects,
        cohort,
        [file.sha256 for file in announced.files],
        kept_at=class_map_key,
        action="announce class maps",
        expires_s=settings.presign_s,
        actor=actor,
    )
    return TruthUploads(
        uploads=[TruthUpload(sha256=file.sha256, url=addresses[file.sha256]) for file in announced.files]
    )


@router.post("/cohorts/{cohort}/class-maps", summary="Import class maps", responses=problems(404, 409))
def add_class_maps(
    cohort: CohortPath, given: ImportedMapsIn, actor: GivenActor, database: GivenDatabase, objects: GivenObjects
) -> MapsImported:
    """Registers uploaded class maps, each of a whole ROI, as succeeded jobs of a segmenter without weights."""
    files = [MapFile(roi=each.roi, sha256=each.sha256, class_pixels=tuple(each.class_pixels)) for each in given.maps]
    return MapsImported(added=import_class_maps(database, objects, cohort, given.segmenter, files, actor=actor))

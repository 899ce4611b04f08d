"""Ground truth: uploaded, added to a cohort's ROIs, listed and removed."""

from typing import Annotated

from fastapi import APIRouter, Path, Query

from pantile.catalog import ground_truths
from pantile.catalog.cohorts import find_cohort
from pantile.coordinator.announcing import announce_files
from pantile.coordinator.ground_truths import TruthFile, take_ground_truths, truth_key
from pantile.schemas.ground_truths import (
    GroundTruthAdded,
    GroundTruthIn,
    GroundTruthPage,
    GroundTruthRemoved,
    TruthFilesIn,
    TruthUpload,
    TruthUploads,
)
from pantile.web.errors import problems
from pantile.web.evaluation_answers import ground_truth_out, truth_scheme
from pantile.web.given import After, CohortPath, GivenActor, GivenDatabase, GivenObjects, GivenSettings

router = APIRouter(prefix="/cohorts/{cohort}", tags=["evaluation"])

RoiPath = Annotated[
    str, Path(max_length=500, pattern=r"^[^\x00]*$", description="The ROI's name.", examples=["TCGA-A2-A0D2_tumor"])
]


@router.get("/ground-truth", summary="List a cohort's ground truth", responses=problems(404))
def list_ground_truths(
    cohort: CohortPath,
    database: GivenDatabase,
    after: After = 0,
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
) -> GroundTruthPage:
    """ROIs with ground truth by ascending id, and how far their class maps are evaluated."""
    with database.transaction() as connection:
        cohort_id = find_cohort(connection, cohort).id
        found = ground_truths.list_ground_truths(connection, cohort_id, after=after, limit=limit + 1)
    page = found[:limit]
    return GroundTruthPage(
        ground_truth=[ground_truth_out(row) for row in page],
        next=page[-1]["roi_id"] if len(found) > limit else None,
    )


@router.post("/ground-truth-uploads", summary="Announce files of ground truth", responses=problems(404))
def announce_ground_truth(
    cohort: CohortPath,
    announced: TruthFilesIn,
    actor: GivenActor,
    database: GivenDatabase,
    objects: GivenObjects,
    settings: GivenSettings,
) -> TruthUploads:
    """An address to PUT each file to, or none where a file of this digest is kept already."""
    addresses = announce_files(
        database,
        objects,
        cohort,
        [file.sha256 for file in announced.files],
        kept_at=truth_key,
        action="announce ground truth",
        expires_s=settings.presign_s,
        actor=actor,
    )
    return TruthUploads(
        uploads=[TruthUpload(sha256=file.sha256, url=addresses[file.sha256]) for file in announced.files]
    )


@router.post("/ground-truth", summary="Add ground truth to a cohort", responses=problems(404, 409))
def add_ground_truth(
    cohort: CohortPath,
    given: GroundTruthIn,
    actor: GivenActor,
    database: GivenDatabase,
    objects: GivenObjects,
    settings: GivenSettings,
) -> GroundTruthAdded:
    """Takes uploaded class maps as ground truth of the ROIs that they are named after; evaluation follows by itself.

    A file is named as its ROI or the ROI's image, or `{slide}_class_map_ground_truth_roi_{N}.png`. It is a PNG of one
    8-bit band (or with a palette) of the ROI's shape, at whatever resolution. Other ground truth of an ROI stays unless
    `replace` says otherwise.
    """
    taken = take_ground_truths(
        database,
        objects,
        cohort,
        [TruthFile(name=each.file, sha256=each.sha256) for each in given.maps],
        truth_scheme(given.scheme),
        replace=given.replace,
        max_megapixels=settings.max_megapixels,
        actor=actor,
    )
    return GroundTruthAdded(
        added=list(taken.added),
        replaced=list(taken.replaced),
        unchanged=list(taken.unchanged),
        other=list(taken.other),
        unknown=list(taken.unknown),
    )


@router.delete("/ground-truth/{roi}", summary="Remove the ground truth of an ROI", responses=problems(404))
def remove_ground_truth(
    cohort: CohortPath, roi: RoiPath, actor: GivenActor, database: GivenDatabase
) -> GroundTruthRemoved:
    """Removes an ROI's ground truth, and the evaluations made with it."""
    with database.transaction() as connection:
        found = find_cohort(connection, cohort)
        ground_truths.remove_ground_truth(connection, found.id, roi, actor=actor)
    return GroundTruthRemoved(roi=roi)

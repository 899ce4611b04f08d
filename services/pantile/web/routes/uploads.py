"""Uploads: which images a cohort awaits, where to put them, and the word that they are there."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query

from pantile.catalog import rois
from pantile.catalog.cohorts import find_cohort
from pantile.catalog.database import Row
from pantile.catalog.holdings import incoming_key
from pantile.objects import ObjectStore
from pantile.schemas.uploads import Upload, UploadPage, UploadsDone, UploadsTaken
from pantile.web.errors import problems
from pantile.web.given import After, CohortPath, GivenActor, GivenDatabase, GivenObjects, GivenSettings

router = APIRouter(prefix="/cohorts/{cohort}/uploads", tags=["uploads"])

_SIZE_CHECKS_AT_ONCE = 16


@router.get("", summary="List the uploads that a cohort awaits", responses=problems(404))
def list_uploads(
    cohort: CohortPath,
    database: GivenDatabase,
    objects: GivenObjects,
    settings: GivenSettings,
    after: After = 0,
    limit: Annotated[int, Query(ge=1, le=1000)] = 500,
) -> UploadPage:
    """Awaited images by ascending ROI id, each with an address to PUT its bytes to.

    An image whose bytes have arrived already has no address: name it in `POST /v1/cohorts/{cohort}/uploads`.
    """
    with database.transaction() as connection:
        found = rois.list_awaited(connection, find_cohort(connection, cohort).id, after=after, limit=limit + 1)
    page = found[:limit]
    with ThreadPoolExecutor(_SIZE_CHECKS_AT_ONCE) as threads:
        uploads = list(threads.map(partial(_upload, objects, settings.presign_s), page))
    return UploadPage(uploads=uploads, next=page[-1]["id"] if len(found) > limit else None)


def _upload(objects: ObjectStore, expires_s: int, row: Row) -> Upload:
    key = incoming_key(row["expected_sha256"])
    size = objects.size(key)
    has_arrived = size is not None and row["expected_bytes"] in {None, size} and row["error"] is None
    return Upload(
        roi_id=row["id"],
        roi=row["name"],
        source=row["source"],
        sha256=row["expected_sha256"],
        bytes=row["expected_bytes"],
        url=None if has_arrived else objects.presign_put(key, expires_s=expires_s),
        error=row["error"],
    )


@router.post("", summary="Say that uploads have arrived", responses=problems(404))
def take_uploads(cohort: CohortPath, done: UploadsDone, actor: GivenActor, database: GivenDatabase) -> UploadsTaken:
    """Hands the named ROIs' uploads to the imaging workers, which check, store and queue them.

    ROIs that are not awaited are passed over, so saying it twice does no harm.
    """
    with database.transaction() as connection:
        found = find_cohort(connection, cohort)
        return UploadsTaken(taken=rois.mark_uploaded(connection, found.id, done.roi_ids, actor=actor))

"""Segmenters are compared on class maps as they lie in the bucket, and on no others."""

from collections.abc import Callable
from uuid import uuid4

import numpy as np
import pytest

from pantile.catalog import jobs, reviews
from pantile.catalog.database import Database, Row
from pantile.catalog.jobs import ClassMapRow, JobFilter
from pantile.class_map_files import encode_class_map
from pantile.coordinator.submit import Submission
from pantile.domain.class_maps import ClassMap, PaletteName
from pantile.domain.messages import CompareSegmenters, IngestRoi
from pantile.domain.review import Comparison, ReviewOrder
from pantile.domain.segmenters import card_from
from pantile.objects import ObjectStore
from pantile_workers.chores import compare_segmenters, ingest_roi
from pantile_workers.runtime import Runtime

Submit = Callable[..., Submission]
Work = Callable[[], list[str]]
Register = Callable[..., None]
Jpeg = Callable[[int], bytes]


def _finish(database: Database, objects: ObjectStore, job: Row, class_map: ClassMap, *, map_mpp: float = 1.0) -> None:
    """Ends a job with this class map, as a worker would."""
    palette = card_from(job["card"]).scheme.palette(PaletteName.SIMPLIFIED)
    stored = objects.put_named(
        "class-maps", encode_class_map(class_map, palette), suffix=".png", media_type="image/png"
    )
    row = ClassMapRow(
        object_key=stored.key,
        sha256=stored.sha256,
        bytes=stored.bytes,
        width_px=class_map.shape[1],
        height_px=class_map.shape[0],
        map_mpp=map_mpp,
        extent_width_px=class_map.shape[1] * map_mpp / 0.25,
        extent_height_px=class_map.shape[0] * map_mpp / 0.25,
        class_pixels=[0, 0],
        provenance={},
    )
    with database.transaction() as connection:
        claim = jobs.claim_jobs(connection, job["id"], worker="w", token=uuid4(), lease_s=60, siblings=0)
        assert jobs.finish_job(connection, claim.jobs[0].lease, row, timings={})


def _jobs(database: Database) -> list[Row]:
    with database.transaction() as connection:
        return [jobs.get_job(connection, row["id"]) for row in jobs.list_jobs(connection, JobFilter())]


def _ask(database: Database, submission: Submission) -> int:
    with database.transaction() as connection:
        return reviews.ask_comparisons(connection, submission.cohort_id, actor="test")


def _reviewed(database: Database, submission: Submission) -> Row:
    with database.transaction() as connection:
        (roi,) = reviews.list_reviewed(connection, submission.cohort_id, ReviewOrder.DISAGREEMENT)
    return roi


@pytest.fixture
def ingested(database: Database, runtime: Runtime, register: Register, submit: Submit, jpeg: Jpeg) -> Submission:
    """An ROI of 400 x 320 px that three segmenters wait to segment."""
    register("breast", "colon", "lung")
    submission = submit({"a.jpg": jpeg(0)})
    with database.transaction() as connection:
        (chore,) = connection.execute("SELECT id FROM chores").fetchall()
    ingest_roi(runtime, IngestRoi(chore_id=chore["id"]))
    return submission


def test_the_disagreement_of_stored_class_maps_is_kept(
    database: Database, objects: ObjectStore, ingested: Submission, work: Work
) -> None:
    half, none, coarse = (np.zeros(shape, dtype=np.uint8) for shape in ((80, 100), (80, 100), (40, 50)))
    half[:40], coarse[:20] = 1, 1
    for job, class_map, map_mpp in zip(_jobs(database), (half, none, coarse), (1.0, 1.0, 2.0), strict=True):
        _finish(database, objects, job, class_map, map_mpp=map_mpp)

    asked = _ask(database, ingested)
    said = work()

    # The second differs from both others on all of the tissue, which is the upper half.
    assert (asked, said) == (1, ["3 class maps disagree by 0.667"])
    roi = _reviewed(database, ingested)
    assert (roi["comparison"], roi["disagreement"]) == (Comparison.KNOWN, pytest.approx(2 / 3))
    assert _ask(database, ingested) == 0


def test_a_class_map_that_is_lost_fails_the_comparison_in_the_end(
    database: Database, objects: ObjectStore, ingested: Submission, work: Work
) -> None:
    for job in _jobs(database):
        _finish(database, objects, job, np.ones((80, 100), dtype=np.uint8))
    for key in list(objects.keys("class-maps/")):
        objects.delete(key)
    _ask(database, ingested)

    for _ in range(4):
        work()
        with database.transaction() as connection:
            connection.execute("UPDATE chores SET not_before = now() WHERE state = 'waiting'")

    roi = _reviewed(database, ingested)
    assert roi["comparison"] == Comparison.FAILED
    assert roi["error"].startswith("The object is not in the bucket: class-maps/")


def test_class_maps_that_came_while_others_were_compared_make_it_unknown_again(
    database: Database, objects: ObjectStore, runtime: Runtime, ingested: Submission
) -> None:
    first, second, third = _jobs(database)
    for job in (first, second):
        _finish(database, objects, job, np.ones((80, 100), dtype=np.uint8))
    with database.transaction() as connection:
        chore = connection.execute("INSERT INTO chores (kind, roi_id) SELECT 'compare', id FROM rois RETURNING id")
        message = CompareSegmenters(chore_id=chore.fetchall()[0]["id"])

    said = compare_segmenters(runtime, message)
    _finish(database, objects, third, np.zeros((80, 100), dtype=np.uint8))

    assert said == "2 class maps disagree by 0.000"
    assert _reviewed(database, ingested)["comparison"] == Comparison.NOT_ASKED
    assert _ask(database, ingested) == 1

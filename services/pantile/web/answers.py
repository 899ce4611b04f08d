"""Answers: what catalog and coordinator give, in the shapes of the API."""

from collections.abc import Mapping
from typing import Any, Literal
from urllib.parse import quote

from pantile.catalog.cohorts import Cohort
from pantile.catalog.database import Row
from pantile.catalog.segmenters import Segmenter
from pantile.coordinator.progress import Progress
from pantile.coordinator.submit import Submission
from pantile.domain.class_maps import class_areas, tumor_stroma_ratio
from pantile.domain.jobs import JobState
from pantile.domain.segmenters import Card, card_from
from pantile.objects import ObjectStore
from pantile.schemas import (
    AreaOut,
    AttemptOut,
    ClassMapOut,
    ClassOut,
    CohortListed,
    CohortOut,
    JobListed,
    JobOut,
    RefusalOut,
    ResultOut,
    SegmenterCounts,
    SegmenterOut,
    SubmittedCohort,
)

ROI_STATES: tuple[Literal["awaiting", "arriving", "stored", "refused"], ...] = (
    "awaiting",
    "arriving",
    "stored",
    "refused",
)

OverlayState = Literal["none", "waiting", "ready", "failed"]


def submitted_cohort(submission: Submission) -> SubmittedCohort:
    """What a submission did to a cohort."""
    return SubmittedCohort(
        cohort_id=submission.cohort_id,
        cohort=submission.cohort,
        segmenters=list(submission.segmenters),
        segmenters_added=submission.segmenters_added,
        rois_added=submission.rois.added,
        rois_present=submission.rois.present,
        rois_replaced=submission.rois.replaced,
        jobs_added=submission.jobs_added,
        uploads_awaited=submission.uploads_awaited,
        added_nothing=submission.added_nothing,
    )


def cohort_listed(cohort: Cohort) -> CohortListed:
    """A cohort without its counts."""
    return CohortListed(
        id=cohort.id,
        name=cohort.name,
        state=cohort.state,
        created_at=cohort.created_at,
        closed_at=cohort.closed_at,
    )


def cohort_out(progress: Progress) -> CohortOut:
    """A cohort with its counts."""
    return CohortOut(
        **cohort_listed(progress.cohort).model_dump(),
        rois={state: progress.rois.get(state, 0) for state in ROI_STATES},
        jobs=progress.jobs,
        jobs_expected=progress.jobs_expected,
        segmenters=[
            SegmenterCounts(segmenter=part.segmenter, version=part.version, jobs=part.jobs)
            for part in progress.by_segmenter
        ],
        rate_per_min=progress.rate_per_min,
        time_left_s=progress.time_left_s,
        settled=progress.is_settled,
        refusals=[
            RefusalOut(roi=refusal.roi, source=refusal.source, error=refusal.error) for refusal in progress.refusals
        ],
    )


def job_listed(row: Row) -> JobListed:
    """A job as lists show it."""
    return JobListed(**_pick(row, JobListed))


def job_out(row: Row, objects: ObjectStore, *, expires_s: int) -> JobOut:
    """A job with its attempts and what came of it; addresses are valid for `expires_s` seconds."""
    overlay = row["overlay"]
    return JobOut(
        **_pick(row, JobListed),
        cohorts=row["cohorts"],
        slide=row["slide"],
        case=row["case_id"],
        tissue_type=row["tissue_type"],
        roi_mpp=row["roi_mpp"],
        image_sha256=row["image_sha256"],
        worker=row["lease_owner"],
        suspect=row["suspect"],
        attempts=[AttemptOut(**attempt) for attempt in row["attempts"]],
        class_map=_class_map_out(row["class_map"], card_from(row["card"]), objects, expires_s=expires_s)
        if row["class_map"]
        else None,
        overlay_url=objects.presign_get(overlay["object_key"], expires_s=expires_s) if overlay else None,
        links=_job_links(row),
    )


def _job_links(row: Row) -> dict[str, str]:
    links = {"self": f"/v1/jobs/{row['id']}", "cohort": f"/v1/cohorts/{quote(row['cohorts'][0])}"}
    if row["state"] in {JobState.FAILED, JobState.CANCELLED} and row["image_refusal"] is None:
        links["retry"] = f"{links['self']}/retry"
    return links


def result_out(row: Row, objects: ObjectStore, *, expires_s: int) -> ResultOut:
    """One class map of a cohort; addresses are valid for `expires_s` seconds."""
    overlay_key = row["overlay_key"]
    return ResultOut(
        roi=row["roi"],
        slide=row["slide"],
        case=row["case_id"],
        tissue_type=row["tissue_type"],
        roi_number=row["roi_number"],
        roi_mpp=row["roi_mpp"],
        job_id=row["job_id"],
        segmenter=row["segmenter"],
        segmenter_version=row["segmenter_version"],
        mode=row["mode"],
        stitching=row["stitching"],
        class_map=_class_map_out(row, card_from(row["card"]), objects, expires_s=expires_s),
        overlay=_overlay_state(row),
        overlay_url=objects.presign_get(overlay_key, expires_s=expires_s) if overlay_key else None,
    )


def _overlay_state(row: Row) -> OverlayState:
    if row["overlay_key"] is not None:
        return "ready"
    states: dict[str | None, OverlayState] = {
        JobState.WAITING: "waiting",
        JobState.RUNNING: "waiting",
        JobState.FAILED: "failed",
    }
    return states.get(row["overlay_state"], "none")


def _class_map_out(row: Mapping[str, Any], card: Card, objects: ObjectStore, *, expires_s: int) -> ClassMapOut:
    areas = class_areas(row["class_pixels"], card.scheme, row["map_mpp"])
    return ClassMapOut(
        url=objects.presign_get(row["object_key"], expires_s=expires_s),
        sha256=row["sha256"],
        width_px=row["width_px"],
        height_px=row["height_px"],
        map_mpp=row["map_mpp"],
        areas=[
            AreaOut(name=area.name, group=area.group, area_mm2=area.area_mm2, fraction=area.fraction) for area in areas
        ],
        tumor_stroma_ratio=tumor_stroma_ratio(areas),
    )


def segmenter_out(segmenter: Segmenter) -> SegmenterOut:
    """A registered segmenter."""
    return _card_out(segmenter.card, digest=segmenter.digest, checkpoint_bytes=segmenter.checkpoint_bytes)


def shipped_out(card: Card) -> SegmenterOut:
    """A segmenter that is known by its shipped card only."""
    return _card_out(card, digest=None, checkpoint_bytes=None)


def _card_out(card: Card, *, digest: str | None, checkpoint_bytes: int | None) -> SegmenterOut:
    return SegmenterOut(
        name=card.name,
        version=card.version,
        title=card.title,
        registered=digest is not None,
        digest=digest,
        architecture=card.architecture,
        encoder=card.encoder,
        output_channels=card.output_channels,
        model_mpp=card.model_mpp,
        patch_px=card.patch_px,
        licence=card.licence,
        training_cohorts=list(card.training_cohorts),
        checkpoint_sha256=card.checkpoint_sha256 or None,
        checkpoint_bytes=checkpoint_bytes,
        expected_at=card.expected_at or None if digest is None else None,
        notes=card.notes,
        classes=[
            ClassOut(
                index=tissue.index,
                name=tissue.name,
                group=tissue.group,
                simplified_rgb=tissue.simplified_rgb,
                detailed_rgb=tissue.detailed_rgb,
            )
            for tissue in card.scheme.classes
        ],
    )


def _pick(row: Row, shape: type[JobListed]) -> dict[str, Any]:
    return {name: row[name] for name in shape.model_fields}

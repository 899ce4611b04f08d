"""Answers: what catalog and coordinator give, in the shapes of the API."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import PurePosixPath
from typing import Any, Literal
from urllib.parse import quote

from pantile.catalog.cohorts import Cohort
from pantile.catalog.database import Row
from pantile.catalog.segmenters import Segmenter
from pantile.coordinator.progress import Progress
from pantile.coordinator.submit import Submission
from pantile.domain.class_maps import class_areas, tumor_stroma_ratio
from pantile.domain.csv_text import write_csv
from pantile.domain.jobs import JobState
from pantile.domain.quality import Quality
from pantile.domain.remedies import find_remedy
from pantile.domain.segmenters import Admission, Card, EngineSettings, card_from, settings_from
from pantile.domain.slides import parse_place
from pantile.domain.workers import state_of
from pantile.objects import ObjectStore
from pantile.schemas.class_maps import AreaOut, ClassMapOut, ConfidenceOut
from pantile.schemas.cohorts import CohortListed, CohortOut, EvaluatedJobsOut, RefusalOut, SegmenterCounts
from pantile.schemas.jobs import AttemptOut, JobListed, JobOut
from pantile.schemas.results import ImageOut, ResultOut
from pantile.schemas.reviews import ReviewedRoi
from pantile.schemas.rois import QualityOut, RoiOut
from pantile.schemas.segmenters import AdmissionOut, ClassOut, SegmenterOut
from pantile.schemas.settings import SettingsOut
from pantile.schemas.shapes import Shape
from pantile.schemas.slides import RectangleOut
from pantile.schemas.submissions import SubmittedCohort
from pantile.schemas.trainings import TrainingListed, TrainingOut
from pantile.schemas.workers import WorkerOut

ROI_STATES: tuple[Literal["awaiting", "arriving", "stored", "refused", "withdrawn"], ...] = (
    "awaiting",
    "arriving",
    "stored",
    "refused",
    "withdrawn",
)

OverlayState = Literal["none", "waiting", "ready", "failed"]


def submitted_cohort(submission: Submission) -> SubmittedCohort:
    """What a submission did to a cohort."""
    return SubmittedCohort(
        cohort_id=submission.cohort_id,
        cohort=submission.cohort,
        segmenters=list(submission.segmenters),
        in_float32=dict(submission.in_float32),
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
        pause_reason=cohort.pause_reason,
    )


def cohort_out(progress: Progress) -> CohortOut:
    """A cohort with its counts."""
    return CohortOut(
        **cohort_listed(progress.cohort).model_dump(),
        rois={state: progress.rois.get(state, 0) for state in ROI_STATES},
        rois_flagged=progress.flags.rois,
        flags=progress.flags.by_flag,
        jobs=progress.jobs,
        jobs_expected=progress.jobs_expected,
        segmenters=[
            SegmenterCounts(
                segmenter=part.segmenter,
                version=part.version,
                jobs=part.jobs,
                settings=[settings_out(settings) for settings in part.settings],
            )
            for part in progress.by_segmenter
        ],
        rate_per_min=progress.rate_per_min,
        time_left_s=progress.time_left_s,
        settled=progress.is_settled,
        dice=EvaluatedJobsOut(**asdict(progress.dice)),
        refusals=[
            RefusalOut(roi=refusal.roi, source=refusal.source, error=refusal.error) for refusal in progress.refusals
        ],
    )


def roi_out(row: Row) -> RoiOut:
    """An ROI as lists show it."""
    values = {**row, "case": row["case_id"], "quality": quality_out(row["quality"])}
    return RoiOut(**_pick(values, RoiOut))


def quality_out(quality: Quality | None) -> QualityOut | None:
    """The quality of an ROI's image, with its flags; None where it was not measured."""
    return None if quality is None else QualityOut(**asdict(quality), flags=quality.flags)


def settings_out(settings: EngineSettings) -> SettingsOut:
    """Engine settings."""
    return SettingsOut(**asdict(settings))


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
        settings=settings_out(settings_from(row["settings"])),
        worker=row["lease_owner"],
        suspect=row["suspect"],
        is_paused=row["is_paused"],
        not_before=row["not_before"],
        published_at=row["published_at"],
        lease_until=row["lease_until"],
        remedy=find_remedy(row["error_kind"]) if row["error_kind"] else None,
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
    if row["state"] in {JobState.WAITING, JobState.RUNNING}:
        links["cancel"] = f"{links['self']}/cancel"
    return links


def worker_out(row: Row) -> WorkerOut:
    """A worker with what it holds."""
    state = state_of(
        silent_s=row["silent_s"],
        is_drain_asked=row["drain_asked_at"] is not None,
        is_consuming=row["is_consuming"],
        is_busy=bool(row["tasks"] or row["holds"]),
    )
    return WorkerOut(**_pick(row, WorkerOut), state=state)


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
        image=_image_out(row["image"], objects, expires_s=expires_s),
        place=_place_out(row["source"]),
        job_id=row["job_id"],
        segmenter=row["segmenter"],
        segmenter_version=row["segmenter_version"],
        mode=row["mode"],
        stitching=row["stitching"],
        precision=row["precision"],
        class_map=_class_map_out(row, card_from(row["card"]), objects, expires_s=expires_s),
        overlay=_overlay_state(row),
        overlay_url=objects.presign_get(overlay_key, expires_s=expires_s) if overlay_key else None,
    )


def _place_out(source: str) -> RectangleOut | None:
    place = parse_place(source)
    return RectangleOut(**asdict(place.rectangle)) if place else None


def _image_out(image: Mapping[str, Any], objects: ObjectStore, *, expires_s: int) -> ImageOut:
    return ImageOut(
        url=objects.presign_get(image["object_key"], expires_s=expires_s) if image["object_key"] else None,
        sha256=image["sha256"],
        width_px=image["width_px"],
        height_px=image["height_px"],
        format=image["format"] or PurePosixPath(image["object_key"]).suffix.removeprefix("."),
        quality=quality_out(image["quality"] and Quality(**image["quality"])),
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
        format=PurePosixPath(row["object_key"]).suffix.removeprefix(".") or "png",
        width_px=row["width_px"],
        height_px=row["height_px"],
        map_mpp=row["map_mpp"],
        extent_width_px=row["extent_width_px"],
        extent_height_px=row["extent_height_px"],
        areas=[
            AreaOut(name=area.name, group=area.group, area_mm2=area.area_mm2, fraction=area.fraction) for area in areas
        ],
        tumor_stroma_ratio=tumor_stroma_ratio(areas),
        arithmetic=row["provenance"].get("arithmetic"),
        confidence=_confidence_out(row, objects, expires_s=expires_s),
    )


def _confidence_out(row: Mapping[str, Any], objects: ObjectStore, *, expires_s: int) -> ConfidenceOut | None:
    if row["confidence_key"] is None:
        return None
    return ConfidenceOut(
        url=objects.presign_get(row["confidence_key"], expires_s=expires_s),
        sha256=row["confidence_sha256"],
        mean=row["mean_confidence"],
    )


def reviewed_roi(row: Row) -> ReviewedRoi:
    """An ROI to be reviewed."""
    return ReviewedRoi(
        roi=row["name"],
        slide=row["slide"],
        case=row["case_id"],
        tissue_type=row["tissue_type"],
        roi_number=row["roi_number"],
        segmenters=row["segmenters"],
        comparison=row["comparison"],
        disagreement=row["disagreement"],
        mean_confidence=row["mean_confidence"],
        error=row["error"],
    )


def review_table(rows: Iterable[Row]) -> str:
    """ROIs to be reviewed as CSV."""
    columns = ("case_id", "slide", "name", "roi_number", "tissue_type", "comparison", "disagreement", "mean_confidence")
    header = ("case", "slide", "roi", *columns[3:], "segmenters")
    return write_csv(header, ([*(row[name] for name in columns), " ".join(row["segmenters"])] for row in rows))


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
        format=card.format,
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
        admission=_admission_out(card.admission) if card.admission else None,
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


def _admission_out(admission: Admission) -> AdmissionOut:
    return AdmissionOut(granted=admission.is_granted, **asdict(admission))


def _pick(row: Row, shape: type[Shape]) -> dict[str, Any]:
    return {name: row[name] for name in shape.model_fields if name in row}


def training_listed(row: Row) -> TrainingListed:
    """A training, and how far it is."""
    return TrainingListed(**_training_fields(row))


def training_out(row: Row) -> TrainingOut:
    """A training with all that is known of it."""
    return TrainingOut(
        **_training_fields(row),
        classes=[tissue["name"] for tissue in row["document"]["card"]["classes"]],
        history=row["epochs"],
        document=row["document"],
        report=row["report"],
    )


def _training_fields(row: Row) -> dict[str, Any]:
    told = ("id", "segmenter", "version", "state", "worker", "error", "created_at", "started_at", "finished_at")
    return {
        **{name: row[name] for name in told},
        "epochs_done": len(row["epochs"]),
        "epochs": row["document"]["learning"]["epochs"],
        "mean_dice": max((epoch["mean_dice"] for epoch in row["epochs"]), default=None),
    }

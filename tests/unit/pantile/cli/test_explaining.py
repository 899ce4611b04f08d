"""A job's story tells each attempt, why the job stands where it does, and what to do."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from pantile.cli.explaining import explain
from pantile.domain.jobs import AttemptOutcome, JobState
from pantile.domain.remedies import find_remedy
from pantile.domain.rois import TissueType
from pantile.domain.segmenters import Mode, Precision, Stitching
from pantile.domain.workers import WorkerKind, WorkerState
from pantile.schemas.jobs import AttemptOut, JobOut
from pantile.schemas.settings import SettingsOut
from pantile.schemas.workers import WorkerOut

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


def after(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def make_job(state: JobState, **values: Any) -> JobOut:
    told: dict[str, Any] = {
        "id": 7,
        "state": state,
        "roi": "S_tumor",
        "cohort_id": 1,
        "segmenter": "lung",
        "segmenter_version": "1",
        "attempt": 0,
        "charged_attempts": 0,
        "max_attempts": 4,
        "error_kind": None,
        "error": None,
        "created_at": NOON,
        "started_at": None,
        "finished_at": None,
        "cohorts": ["TCGA-LUAD"],
        "slide": "S",
        "case": "C",
        "tissue_type": TissueType.TUMOR,
        "roi_mpp": 0.25,
        "image_sha256": "0" * 64,
        "settings": SettingsOut(
            mode=Mode.FAST,
            stitching=Stitching.CENTRE,
            precision=Precision.FLOAT32,
            confidence=False,
            stride_px=384,
            margin_px=64,
        ),
        "worker": None,
        "suspect": False,
        "is_paused": False,
        "not_before": NOON,
        "published_at": None,
        "lease_until": None,
        "remedy": find_remedy(values["error_kind"]) if values.get("error_kind") else None,
        "attempts": [],
        "class_map": None,
        "overlay_url": None,
        "links": {},
    }
    return JobOut(**(told | values))


def make_worker(name: str = "segment-1@gpu", *, state: WorkerState = WorkerState.IDLE) -> WorkerOut:
    return WorkerOut(
        name=name,
        kind=WorkerKind.SEGMENT,
        state=state,
        host="gpu",
        pid=1,
        device=None,
        queues=[],
        threads=4,
        version="1",
        started_at=NOON,
        seen_at=NOON,
        drain_asked_at=None,
        holds=[],
    )


def test_each_attempt_is_told_with_its_end_and_a_failed_job_with_its_remedy() -> None:
    attempts = [
        AttemptOut(
            attempt=1,
            worker="a@gpu",
            started_at=after(60),
            ended_at=after(120),
            outcome=AttemptOutcome.LEASE_ENDED,
            error="The worker died or went silent",
            timings=None,
        ),
        AttemptOut(
            attempt=2,
            worker="b@gpu",
            started_at=after(180),
            ended_at=after(183),
            outcome=AttemptOutcome.FAILED,
            error="The segmenter cannot be run.",
            timings=None,
        ),
    ]
    job = make_job(
        JobState.FAILED, attempts=attempts, error_kind="SegmenterBroken", error="The segmenter cannot be run."
    )

    assert explain(job, [], now=after(600)) == [
        "Job 7: lung 1 on S_tumor, in TCGA-LUAD.",
        "2026-05-01 12:00:00  asked for",
        "2026-05-01 12:01:00  attempt 1 by a@gpu went silent after 1 min: The worker died or went silent.",
        "2026-05-01 12:03:00  attempt 2 by b@gpu failed after 3 s: The segmenter cannot be run.",
        "",
        "It failed: The segmenter cannot be run.",
        f"What to do: {find_remedy('SegmenterBroken')}",
    ]


@pytest.mark.parametrize(
    ("values", "workers", "told"),
    [
        ({"is_paused": True}, [make_worker()], "its cohort is paused"),
        ({}, [], "no segment worker is there"),
        ({}, [make_worker(state=WorkerState.DRAINING)], "no segment worker is there"),
        ({}, [make_worker(state=WorkerState.SILENT)], "no segment worker is there"),
        ({"not_before": after(90)}, [make_worker()], "It waits 30 s more until its next attempt"),
        ({}, [make_worker()], "the coordinator has not sent its message yet"),
        ({"published_at": after(30)}, [make_worker()], "its message was sent 30 s ago"),
        ({"suspect": True}, [make_worker()], "it is tried alone"),
        ({"error_kind": "ObjectStoreDown", "error": "Down."}, [make_worker()], "Its last attempt came back: Down."),
    ],
)
def test_a_waiting_job_says_what_it_waits_for(values: dict[str, Any], workers: list[WorkerOut], told: str) -> None:
    lines = explain(make_job(JobState.WAITING, **values), workers, now=after(60))

    assert told in "\n".join(lines)


@pytest.mark.parametrize(
    ("workers", "told"),
    [
        ([make_worker()], "It is with segment-1@gpu. Its lease ends in 30 s, unless it is renewed."),
        ([make_worker(state=WorkerState.SILENT)], "of which nothing is heard; it comes back by itself."),
        ([], "of which nothing is heard; it comes back by itself."),
    ],
)
def test_a_running_job_says_who_has_it(workers: list[WorkerOut], told: str) -> None:
    job = make_job(JobState.RUNNING, worker="segment-1@gpu", lease_until=after(90))

    assert told in explain(job, workers, now=after(60))[-1]


@pytest.mark.parametrize(
    ("state", "told"), [(JobState.SUCCEEDED, "nothing to do"), (JobState.CANCELLED, "`pantile jobs retry 7`")]
)
def test_an_ended_job_says_what_can_be_done(state: JobState, told: str) -> None:
    assert told in explain(make_job(state), [], now=NOON)[-1]

"""Progress is told in a line, and failures with their sentence."""

from datetime import UTC, datetime

from pantile.cli.progress_view import dice_lines, failure_lines, flag_lines, summarise
from pantile.domain.cohorts import CohortState
from pantile.domain.jobs import JobState
from pantile.domain.quality import Flag
from pantile.schemas.cohorts import CohortOut, EvaluatedJobsOut, RefusalOut, SegmenterCounts
from pantile.schemas.jobs import JobListed

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def cohort(*, refusals: list[RefusalOut] | None = None, settled: bool = False, **jobs: int) -> CohortOut:
    counts = {state: jobs.get(state, 0) for state in JobState}
    return CohortOut(
        id=1,
        name="TCGA-BRCA",
        state=CohortState.OPEN,
        created_at=NOW,
        closed_at=None,
        rois={"awaiting": 0, "arriving": 1, "stored": 9, "refused": len(refusals or [])},
        jobs=counts,
        jobs_expected=10,
        segmenters=[SegmenterCounts(segmenter="toy", version="1", jobs=counts)],
        rate_per_min=6.0,
        time_left_s=90.0,
        settled=settled,
        refusals=refusals or [],
    )


def failed_job(number: int, error: str) -> JobListed:
    return JobListed(
        id=number,
        state=JobState.FAILED,
        roi=f"slide{number}_tumor",
        cohort_id=1,
        segmenter="toy",
        segmenter_version="1",
        attempt=4,
        charged_attempts=4,
        max_attempts=4,
        error_kind="SegmenterBroken",
        error=error,
        created_at=NOW,
        started_at=NOW,
        finished_at=NOW,
    )


def test_a_line_says_how_far_it_is_and_how_long_it_takes() -> None:
    assert summarise(cohort(waiting=4, running=2, succeeded=3)) == (
        "TCGA-BRCA (9 of 10 ROIs stored, 1 on their way): 4 waiting, 2 running, 3 succeeded; "
        "3 of 10 jobs done, 6 a minute, about 2 min left"
    )


def test_a_paused_cohort_says_why_and_how_it_goes_on() -> None:
    paused = cohort(waiting=4, failed=3).model_copy(
        update={"state": CohortState.PAUSED, "pause_reason": "3 of the 3 jobs that have ended failed"}
    )

    assert summarise(paused).endswith(
        "3 of 10 jobs done; the cohort is paused, `pantile cohorts resume` lets it go on: "
        "3 of the 3 jobs that have ended failed"
    )


def test_few_failures_are_told_one_by_one() -> None:
    assert failure_lines(cohort(failed=1), [failed_job(7, "It broke.")]) == [
        "failed: job 7, slide7_tumor x toy: It broke."
    ]


def test_many_failures_are_told_by_their_sentence() -> None:
    failed = [*(failed_job(number, "It broke.") for number in range(11)), failed_job(99, "It is odd.")]

    first, second = failure_lines(cohort(failed=12), failed)

    assert first == (
        "failed, 11 times: It broke. (job 0, slide0_tumor x toy; job 1, slide1_tumor x toy; job 2, slide2_tumor x toy "
        "and 8 more)"
    )
    assert second == "failed, 1 times: It is odd. (job 99, slide99_tumor x toy)"


def test_a_refused_roi_is_not_told_again_for_each_of_its_jobs() -> None:
    refusal = RefusalOut(roi="slide7_tumor", source="slide7.jpg", error="The image cannot be read.")

    lines = failure_lines(cohort(refusals=[refusal], failed=1), [failed_job(7, "The image cannot be read.")])

    assert lines == ["ROI refused: slide7_tumor (slide7.jpg): The image cannot be read."]


def test_failures_beyond_those_that_were_asked_for_are_counted() -> None:
    assert failure_lines(cohort(failed=5), [failed_job(7, "It broke.")])[-1] == "4 more jobs failed"


def test_flagged_rois_are_counted_and_how_to_see_them_is_told() -> None:
    flagged = cohort(succeeded=3).model_copy(update={"rois_flagged": 2, "flags": {Flag.BLURRED: 2, Flag.PEN: 1}})

    assert summarise(flagged).startswith("TCGA-BRCA (9 of 10 ROIs stored, 1 on their way, 2 flagged): ")
    assert flag_lines(flagged) == [
        "2 ROIs flagged and segmented all the same (2 blurred, 1 pen): `pantile rois TCGA-BRCA --flagged`"
    ]
    assert flag_lines(cohort()) == []


def test_dice_is_told_where_there_is_ground_truth() -> None:
    told = cohort().model_copy(update={"dice": EvaluatedJobsOut(evaluated=3, waiting=1, failed=1)})

    (line,) = dice_lines(told)
    assert line.startswith("Dice: 3 of 5 jobs on ROIs with ground truth, 1 waiting, 1 could not be evaluated;")
    assert dice_lines(cohort()) == []

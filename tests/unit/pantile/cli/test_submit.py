"""What a submission did is told in a sentence, and a refusal names the option that would help."""

from pathlib import Path

import pytest

from pantile.cli.app import main
from pantile.cli.submit import describe, describe_float32
from pantile.schemas.submissions import SubmittedCohort


def submitted(
    *, rois_added: int = 0, rois_present: int = 0, rois_replaced: int = 0, jobs_added: int = 0, uploads_awaited: int = 0
) -> SubmittedCohort:
    return SubmittedCohort(
        cohort_id=1,
        cohort="C",
        segmenters=["lung", "toy"],
        segmenters_added=0,
        rois_added=rois_added,
        rois_present=rois_present,
        rois_replaced=rois_replaced,
        jobs_added=jobs_added,
        uploads_awaited=uploads_awaited,
        added_nothing=rois_added == rois_replaced == jobs_added == 0,
    )


@pytest.mark.parametrize(
    ("cohort", "sentence"),
    [
        (submitted(rois_added=3, uploads_awaited=3), "C: 3 ROIs added, 3 images to upload; segmenters lung, toy."),
        (submitted(rois_present=3), "Nothing added: C has all of it (3 ROIs, lung, toy) already."),
        (
            submitted(rois_present=3, uploads_awaited=1),
            "Nothing added: C has all of it (3 ROIs, lung, toy) already; 1 image still to upload.",
        ),
        (
            submitted(rois_added=1, rois_present=3, rois_replaced=1, jobs_added=2),
            "C: 1 ROI added, 1 given a new image, 2 there already, 2 jobs added at once; segmenters lung, toy.",
        ),
    ],
)
def test_what_was_added_is_told(cohort: SubmittedCohort, sentence: str) -> None:
    assert describe(cohort) == sentence


def test_segmenters_in_float32_are_told_in_one_line_by_their_reason() -> None:
    reasons = {
        "colon": "agreement 99.1 %, below 99.5 %",
        "kidney": "not tested for mixed precision",
        "lung": "not tested for mixed precision",
    }

    assert describe_float32(reasons) == (
        "colon runs in float32: agreement 99.1 %, below 99.5 %; "
        "kidney, lung run in float32: not tested for mixed precision."
    )


def test_a_refused_folder_names_the_options_that_help(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.jpg").write_bytes(b"")

    with pytest.raises(SystemExit) as ended:
        main(["submit", str(tmp_path)])

    assert ended.value.code == 2
    assert "Give --cohort NAME for all that lack it" in capsys.readouterr().err


def test_a_dry_run_needs_no_service(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.jpg").write_bytes(b"12345")

    with pytest.raises(SystemExit) as ended:
        main(["submit", str(tmp_path), "--cohort", "C", "--mpp", "0.5", "--dry-run"])

    assert ended.value.code == 0
    assert "5 B" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ((), "whole slides need --cohort NAME"),
        (("--cohort", "C", "--mode", "exact"), "whole slides are segmented in fast mode only"),
        (("--cohort", "C", "--confidence"), "whole slides have no confidence maps"),
        (("--cohort", "C"), "has no slide"),
    ],
)
def test_whole_slides_that_cannot_be_submitted_say_why(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: tuple[str, ...], sentence: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["submit", str(tmp_path), "--whole-slide", *options])

    assert ended.value.code == 2
    assert sentence in capsys.readouterr().err

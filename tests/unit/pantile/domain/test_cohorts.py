"""Manifests: rows checked one by one, problems named by line; and how many of a cohort's jobs may fail."""

from collections.abc import Sequence

import pytest

from pantile.domain.cohorts import FailureLimit, ManifestRow, by_cohort, read_rows
from pantile.domain.errors import ManifestRefused
from pantile.domain.rois import TissueType

STUDY_NAME = "TCGA-BRCA-A2-A0D2-01Z_0.25_tumor_original.jpg"


def read_table(
    table: Sequence[dict[str, str]], *, columns: Sequence[str], cohort: str | None = None, mpp: float | None = None
) -> list[ManifestRow]:
    """Reads rows as from a file whose first line is the header."""
    return read_rows(
        [(f"line {line}", cells) for line, cells in enumerate(table, start=2)], columns=columns, cohort=cohort, mpp=mpp
    )


def test_a_study_file_name_alone_makes_a_row() -> None:
    (row,) = read_table([{"path": STUDY_NAME}], columns=["path"])

    assert row.cohort == "TCGA-BRCA"
    assert row.case == "TCGA-A2-A0D2"
    assert row.mpp == 0.25
    assert row.key.tissue_type is TissueType.TUMOR


def test_a_column_wins_over_the_name() -> None:
    cells = {"path": STUDY_NAME, "cohort": "MINE", "mpp": "0.5", "tissue_type": "normal", "roi_number": "4"}

    (row,) = read_table([cells], columns=list(cells))

    assert (row.cohort, row.mpp, row.key.tissue_type, row.key.roi_number) == ("MINE", 0.5, TissueType.NORMAL, 4)


def test_a_cohort_that_is_asked_for_wins_over_the_name() -> None:
    (row,) = read_table([{"path": STUDY_NAME}], columns=["path"], cohort="PILOT")

    assert row.cohort == "PILOT"


def test_the_name_wins_over_the_default_mpp() -> None:
    named, bare = read_table([{"path": STUDY_NAME}, {"path": "a.png"}], columns=["path"], cohort="C", mpp=0.4)

    assert (named.mpp, bare.mpp) == (0.25, 0.4)


def test_all_wrong_rows_are_named_by_line() -> None:
    table = [
        {"path": "a.jpg", "mpp": "0.25"},
        {"path": "b.jpg", "mpp": ""},
        {"path": "c.jpg", "mpp": "9"},
        {"path": "", "mpp": "0.25"},
        {"path": "d.jpg", "mpp": "wide"},
    ]

    with pytest.raises(ManifestRefused) as refusal:
        read_table(table, columns=["path", "mpp"], cohort="C")

    sentence = str(refusal.value)
    for line, word in ((3, "no mpp"), (4, "0.05 and 5"), (5, "path is empty"), (6, "not a number")):
        assert f"line {line}: " in sentence
        assert word in sentence
    assert "line 2:" not in sentence


def test_a_duplicate_roi_names_both_lines() -> None:
    table = [{"path": STUDY_NAME}, {"path": "x.jpg", "mpp": "1"}, {"path": f"copy/{STUDY_NAME}"}]

    with pytest.raises(ManifestRefused, match=r"line 4: ROI .* of cohort C is there already, line 2"):
        read_table(table, columns=["path", "mpp"], cohort="C")


def test_two_rois_of_one_slide_are_no_duplicates() -> None:
    names = ["TCGA-BRCA-A2-A0D2_0.25_tumor_original.jpg", "TCGA-BRCA-A2-A0D2_0.25_tumor_original_roi_2.jpg"]

    rows = read_table([{"path": name} for name in names], columns=["path"])

    assert [row.key.roi_number for row in rows] == [1, 2]


@pytest.mark.parametrize(
    ("columns", "sentence"),
    [
        (["file"], "the column 'path' is missing"),
        (["path", "stain"], "unknown columns stain"),
        (["path", "path"], "is there twice"),
        ([], "no columns"),
    ],
)
def test_a_wrong_header_is_refused(columns: list[str], sentence: str) -> None:
    with pytest.raises(ManifestRefused, match=sentence):
        read_table([], columns=columns)


def test_an_empty_manifest_is_refused() -> None:
    with pytest.raises(ManifestRefused, match="names no image"):
        read_table([], columns=["path"])


def test_a_problem_that_many_rows_share_is_told_once() -> None:
    with pytest.raises(
        ManifestRefused, match=r"line 2, line 3, line 4, line 5, line 6 and 95 more: the path is empty$"
    ):
        read_table([{"path": ""}] * 100, columns=["path"])


def test_many_problems_are_cut_short() -> None:
    with pytest.raises(ManifestRefused, match=r"; and 80 more$"):
        read_table([{"path": "a.jpg", "mpp": f"x{line}"} for line in range(100)], columns=["path", "mpp"], cohort="C")


def test_a_number_cannot_name_a_cohort() -> None:
    with pytest.raises(ManifestRefused, match="not a number"):
        read_table([{"path": "a.jpg"}], columns=["path"], cohort="12", mpp=1)


def test_rows_are_grouped_in_the_order_of_their_cohorts() -> None:
    table = [{"path": "a.png", "cohort": "B"}, {"path": "b.png", "cohort": "A"}, {"path": "c.png", "cohort": "B"}]

    groups = {name: len(rows) for name, rows in by_cohort(read_table(table, columns=["path", "cohort"], mpp=1))}

    assert list(groups.items()) == [("B", 2), ("A", 1)]


@pytest.mark.parametrize(("ended", "allowed"), [(1, 10), (50, 10), (69, 10), (70, 11), (1050, 60)])
def test_a_share_of_the_first_jobs_may_fail_and_another_of_all_that_follow(ended: int, allowed: int) -> None:
    assert FailureLimit(first_jobs=50, first_share=0.2, share=0.05).allowed(ended) == allowed

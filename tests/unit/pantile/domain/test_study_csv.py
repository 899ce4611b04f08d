"""The study's CSV: file names read and written, and text that survives."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pantile.domain.csv_text import csv_line
from pantile.domain.rois import RoiKey, TissueType
from pantile.domain.study_csv import columns_from, columns_of, image_name, parse_scored_name

SLIDE = "TCGA-SKCM-D3-A1Q3-01Z-00-DX1.4f6b9d2e-0d9f-9f6a-5b11-6d584f6b9d2e"


def test_the_columns_of_an_roi_follow_from_its_name() -> None:
    """Check 39."""
    key = RoiKey(slide=SLIDE, tissue_type=TissueType.TUMOR, roi_number=1)

    columns = columns_of(
        key, source=f"images/{SLIDE}_0.253_tumor_original.jpg", cohort="TCGA-SKCM", case="TCGA-D3-A1Q3", mpp=0.253
    )

    assert columns.cells(3, 8, "fine") == (
        f"{SLIDE}_0.253_tumor_model3.jpg",
        "TCGA-SKCM",
        "TCGA-D3-A1Q3",
        "TCGA-D3-A1Q3-01Z",
        "4f6b9d2e-0d9f-9f6a-5b11-6d584f6b9d2e",
        "0.253",
        "tumor",
        "model3",
        8,
        "fine",
    )
    assert columns_from(columns.document()) == columns


def test_an_roi_of_another_name_and_a_second_one_are_told_apart() -> None:
    key = RoiKey(slide="slide 7", tissue_type=TissueType.NORMAL, roi_number=2)

    columns = columns_of(key, source="s3://bucket/a.png", cohort="Own", case="7", mpp=0.5)

    assert (columns.base, columns.sample, columns.uuid) == ("slide 7_0.5_normal_roi_2", "", "")
    assert image_name(columns.base) == "slide 7_0.5_normal_original_roi_2"


@pytest.mark.parametrize(
    ("name", "slide", "number", "model"),
    [
        ("TCGA-SKCM-D3-A1Q3_0.253_tumor_model1.jpg", "TCGA-SKCM-D3-A1Q3", 1, 1),
        ("TCGA-SKCM-D3-A1Q3_0.2500_tumor_original_roi_4_model12.jpg", "TCGA-SKCM-D3-A1Q3", 4, 12),
        ("odd_model2", "odd", 1, 2),
    ],
)
def test_a_scored_images_name_says_of_which_roi_and_segmenter_it_is(
    name: str, slide: str, number: int, model: int
) -> None:
    found = parse_scored_name(name, tissue_type="tumor")

    assert found is not None
    assert (found.key, found.number) == (
        RoiKey(slide=slide, tissue_type=TissueType.TUMOR, roi_number=number),
        model,
    )


def test_a_name_without_a_segmenter_is_none_of_a_scored_image() -> None:
    assert parse_scored_name("TCGA-SKCM-D3-A1Q3_0.253_tumor.jpg", tissue_type="tumor") is None


@given(st.lists(st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0")), min_size=2, max_size=4))
def test_text_survives_a_line_of_csv(cells: list[str]) -> None:
    """Check 40."""
    assert list(csv.reader(io.StringIO(csv_line(cells), newline=""))) == [cells]


def test_a_safe_line_has_no_formula_and_a_plain_one_keeps_it() -> None:
    """Check 40."""
    assert csv_line(["=1+1", 'say "so", ä', None, 3]) == '=1+1,"say ""so"", ä",,3\n'
    assert csv_line(["=1+1", "@x"], is_safe=True) == "'=1+1,'@x\n"

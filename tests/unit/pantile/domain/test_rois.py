"""What the study's file names carry."""

import pytest

from pantile.domain.errors import MppOutOfRange
from pantile.domain.rois import RoiKey, TissueType, check_mpp, parse_name, parse_tissue_type


@pytest.mark.parametrize(
    ("address", "cohort", "case", "slide", "mpp", "tissue", "number"),
    [
        (
            "TCGA-BRCA-A2-A0D2-01Z-00-DX1.ABC_0.2525_tumor_original.jpg",
            "TCGA-BRCA", "TCGA-A2-A0D2", "TCGA-BRCA-A2-A0D2-01Z-00-DX1.ABC", 0.2525, TissueType.TUMOR, 1,
        ),
        (
            "TCGA-OV-TCGA-24-1103-01A_0.5_normal_original_roi_3.jpg",
            "TCGA-OV", "TCGA-24-1103", "TCGA-OV-TCGA-24-1103-01A", 0.5, TissueType.NORMAL, 3,
        ),
        (
            "s3://study/rois/TCGA-COADREAD-AA-3662_0.2500_tumor_original.jpg",
            "TCGA-COADREAD", "TCGA-AA-3662", "TCGA-COADREAD-AA-3662", 0.25, TissueType.TUMOR, 1,
        ),
        ("TCGA-A2-A0D2-DX1_xmin96887.jpg", None, "TCGA-A2-A0D2", "TCGA-A2-A0D2-DX1_xmin96887", None, None, 1),
        ("folder/slide 7.png", None, None, "slide 7", None, None, 1),
        (r"C:\rois\slide7_0.25_benign_original.jpg", None, None, "slide7", 0.25, TissueType.NORMAL, 1),
        (
            "https://host/TCGA-UVM-V4-A9E5_0.25_tumor_original.jpg?token=a/b",
            "TCGA-UVM", "TCGA-V4-A9E5", "TCGA-UVM-V4-A9E5", 0.25, TissueType.TUMOR, 1,
        ),
    ],
)  # fmt: skip
def test_a_name_gives_what_it_carries(
    address: str,
    cohort: str | None,
    case: str | None,
    slide: str,
    mpp: float | None,
    tissue: TissueType | None,
    number: int,
) -> None:
    parts = parse_name(address)

    assert (parts.cohort, parts.case, parts.slide) == (cohort, case, slide)
    assert (parts.mpp, parts.tissue_type, parts.roi_number) == (mpp, tissue, number)


def test_a_second_roi_of_a_slide_has_another_name() -> None:
    first = RoiKey(slide="S", tissue_type=TissueType.TUMOR, roi_number=1)
    second = RoiKey(slide="S", tissue_type=TissueType.TUMOR, roi_number=2)

    assert first.name() == "S_tumor"
    assert second.name() == "S_tumor_roi_2"


@pytest.mark.parametrize("mpp", [0.0499, 5.001, 0.0, -1.0, float("nan"), float("inf")])
def test_an_mpp_out_of_range_is_refused(mpp: float) -> None:
    with pytest.raises(MppOutOfRange, match=r"between 0\.05 and 5"):
        check_mpp(mpp)


def test_the_article_says_benign_where_files_say_normal() -> None:
    assert parse_tissue_type(" Benign ") is TissueType.NORMAL
    with pytest.raises(ValueError, match="neither tumor nor normal"):
        parse_tissue_type("stroma")

"""Names that look like accession numbers get a keyed, stable pseudonym; others stay."""

import re

import pytest

from pantile.domain.cohorts import ManifestRow
from pantile.domain.errors import PseudonymImpossible
from pantile.domain.pseudonyms import Pseudonymiser, looks_like_accession
from pantile.domain.rois import RoiKey, TissueType, parse_name

OWN = Pseudonymiser("0123456789abcdef0123456789abcdef")


@pytest.mark.parametrize(
    "name",
    [
        "S14-12345",
        "SP-20-0001234",
        "H2020/123456",
        "19S012345",
        "14-12345-A1 HE",
        "PATH_2019_00123",
        "A1234567",
        "20231234",
        "s14 12345 Smith",
    ],
)
def test_numbers_of_cases_are_recognised(name: str) -> None:
    assert looks_like_accession(name)


@pytest.mark.parametrize(
    "name",
    [
        "TCGA-A2-A0D2-01Z-00-DX1",
        "TCGA-BRCA-A2-A0D2",
        "CMU-1-Small-Region",
        "slide7",
        "tumor_001",
        "2019-04-12",
        "C3L-00081",
    ],
)
def test_other_names_are_not(name: str) -> None:
    assert not looks_like_accession(name)


def test_a_pseudonym_is_stable_and_needs_the_key() -> None:
    found = OWN.name("S14-12345")

    assert re.fullmatch(r"P[A-Z2-7]{16}", found)
    assert OWN.name("s14 12345") == found
    assert Pseudonymiser("f" * 32).name("S14-12345") != found
    assert OWN.name(found) == found


def test_slides_of_a_case_begin_alike_and_nothing_of_the_rest_is_kept() -> None:
    first, second = OWN.name("S14-12345-A1 Smith"), OWN.name("S14-12345-B2")

    assert first.split("-")[0] == second.split("-")[0] == OWN.case_of("S14-12345-A1 Smith") == OWN.name("S14-12345")
    assert first != second
    assert "Smith" not in first


def test_a_short_key_is_refused() -> None:
    with pytest.raises(PseudonymImpossible, match="the key has 5 characters, and 32 are needed"):
        Pseudonymiser("short")


def _row(path: str, *, case: str = "", slide: str = "") -> ManifestRow:
    name = slide or parse_name(path).slide
    key = RoiKey(slide=name, tissue_type=TissueType.TUMOR, roi_number=2)
    return ManifestRow(path=path, cohort="C", case=case or name, key=key, mpp=0.25)


def test_a_row_loses_the_number_in_slide_case_and_path() -> None:
    row = OWN.row(_row("Smith/S14-12345-A1_0.25_tumor_original_roi_2.JPG"))

    slide = OWN.name("S14-12345-A1")
    assert (row.key.slide, row.case, row.path) == (slide, OWN.name("S14-12345"), f"{slide}_tumor_roi_2.jpg")


def test_a_number_in_a_folder_or_the_case_alone_is_hidden_as_well() -> None:
    assert OWN.row(_row("S14-12345/scan1.jpg")).path == "scan1_tumor_roi_2.jpg"
    assert OWN.row(_row("scan1.jpg", case="S14-12345")).case == OWN.name("S14-12345")


def test_a_row_without_a_number_keeps_its_names_and_only_the_file_of_its_path() -> None:
    row = _row("tissue/TCGA-A2-A0D2_0.25_tumor_original.jpg", case="TCGA-A2-A0D2")

    assert OWN.row(row).path == "TCGA-A2-A0D2_0.25_tumor_original.jpg"
    assert OWN.row(row).key == row.key


def test_an_address_with_a_number_is_refused() -> None:
    with pytest.raises(PseudonymImpossible, match="copy the file first"):
        OWN.row(_row("s3://scans/S14-12345.jpg"))

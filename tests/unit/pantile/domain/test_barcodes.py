"""Barcodes are read in all the ways in which TCGA and the study write them."""

import pytest

from pantile.domain.barcodes import TcgaBarcode, parse_barcode

UUID = "fd2f5e2f-3c8d-4a51-9b0e-0f2a6f1c9d11"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("TCGA-A2-A0D2", TcgaBarcode(site="A2", participant="A0D2")),
        ("tcga-a2-a0d2-01z-00-dx1", TcgaBarcode(site="A2", participant="A0D2", sample="01Z", slide="DX1")),
        (
            f"TCGA-A2-A0D2-01Z-00-DX1.{UUID.upper()}.svs",
            TcgaBarcode(site="A2", participant="A0D2", sample="01Z", slide="DX1", uuid=UUID),
        ),
        (
            f"TCGA-BRCA-A2-A0D2-01Z-00-DX1.{UUID}_0.25_tumor_original",
            TcgaBarcode(project="BRCA", site="A2", participant="A0D2", sample="01Z", slide="DX1", uuid=UUID),
        ),
        ("TCGA-COADREAD-TCGA-AA-3489_0.253_normal", TcgaBarcode(project="COADREAD", site="AA", participant="3489")),
        ("TCGA-OV-04-1331-01A", TcgaBarcode(project="OV", site="04", participant="1331", sample="01A")),
        ("TCGA-CR-7395-01A-01-TS1", TcgaBarcode(site="CR", participant="7395", sample="01A", slide="TS1")),
    ],
)
def test_each_part_is_found(name: str, expected: TcgaBarcode) -> None:
    assert parse_barcode(name) == expected


@pytest.mark.parametrize("name", ["", "CMU-1", "TCGA", "TCGA-A2", "TCGA-A2-A0D2X", "XTCGA-A2-A0D2"])
def test_other_names_have_none(name: str) -> None:
    assert parse_barcode(name) is None


def test_what_follows_from_the_parts() -> None:
    frozen = parse_barcode("TCGA-LUAD-05-4244-11A-01-TS1")

    assert frozen is not None
    assert (frozen.case, frozen.cohort) == ("TCGA-05-4244", "TCGA-LUAD")
    assert (frozen.is_diagnostic, frozen.is_normal_sample) == (False, True)
    bare = parse_barcode("TCGA-05-4244")
    assert bare is not None
    assert (bare.cohort, bare.is_diagnostic, bare.is_normal_sample) == (None, None, None)

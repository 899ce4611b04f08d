"""What a segmenter may run in is told with its reason."""

from dataclasses import asdict

from pantile.cli.segmenters import describe_admission
from pantile.domain.segmenters import Admission
from pantile.schemas.segmenters import AdmissionOut


def _admission(agreement: float) -> AdmissionOut:
    admission = Admission(agreement=agreement, pixels=1_234_567, arithmetic="bfloat16", tissue="3 regions of BCSS")
    return AdmissionOut(granted=admission.is_granted, **asdict(admission))


def test_an_admission_is_told_with_what_was_measured() -> None:
    assert describe_admission(_admission(0.99876)) == (
        "mixed; 99.87 % of 1,234,567 pixels of 3 regions of BCSS have the same class in bfloat16"
    )


def test_too_little_agreement_does_not_look_enough() -> None:
    assert describe_admission(_admission(0.99499)).startswith("float32: too little, 99.5 % are needed; 99.49 % of ")


def test_a_segmenter_without_an_admission_says_so() -> None:
    assert describe_admission(None) == "float32: not tested for mixed precision"

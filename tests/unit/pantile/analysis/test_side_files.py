"""Exclusions, training and clinical tables."""

import numpy as np
import pytest

from pantile.analysis.reading import text_file
from pantile.analysis.side_files import read_diagnoses, read_exclusions, read_trained
from pantile.domain.errors import ScoresRefused
from tests.unit.pantile.analysis.tables import make_table

TABLE = make_table(np.full((3, 5), 5.0), cohorts=["BRCA"] * 3, cases=["TCGA-A2-0001", "TCGA-A2-0001", "TCGA-A2-0002"])


def test_exclusions_take_rois_out_and_tell_their_reasons() -> None:
    found, file = read_exclusions(text_file("x.csv", b"roi,reason\nroi1_model2.jpg,blurred\n"), TABLE.rois.tolist())

    assert found.keep(TABLE).rois.tolist() == ["roi0", "roi2"]
    assert file.remarks == ("blurred: 1",)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("roi7,blurred", "line 2: ROI roi7 is in no other file"),
        ("roi1,", "line 2: ROI roi1 is excluded without a reason"),
    ],
)
def test_an_exclusion_of_nothing_or_without_reason_is_refused(content: str, sentence: str) -> None:
    with pytest.raises(ScoresRefused, match=sentence):
        read_exclusions(text_file("x.csv", f"roi,reason\n{content}\n".encode()), TABLE.rois.tolist())


def test_training_marks_every_roi_of_a_case() -> None:
    trained, file = read_trained(
        text_file("t.csv", b"model,case\nbreast,TCGA-A2-0001-01Z\nmodel3,TCGA-ZZ-9999\n"), TABLE
    )

    assert trained[:, 0].tolist() == [True, True, False]
    assert file.remarks == ("1 row of cases without scores",)


def test_a_case_with_several_diagnoses_has_one_and_is_counted() -> None:
    content = b"case_submitter_id\tprimary_diagnosis\nTCGA-A2-0001\tA\nTCGA-A2-0001\tB\nTCGA-A2-0002\t'--\n"

    found, files = read_diagnoses([text_file("c.tsv", content)], TABLE.cases.tolist())

    assert found == {"TCGA-A2-0001": "A"}
    assert files[0].remarks == ("1 case with several diagnoses: the primary, or first, is taken",)


def test_the_diagnosis_that_the_table_calls_primary_is_taken() -> None:
    content = (
        b"case_submitter_id\tprimary_diagnosis\tclassification_of_tumor\n"
        b"TCGA-A2-0001\tA\tmetastasis\nTCGA-A2-0001\tB\tprimary\nTCGA-A2-0001\tC\tprimary\n"
    )

    found, _ = read_diagnoses([text_file("c.tsv", content)], TABLE.cases.tolist())

    assert found == {"TCGA-A2-0001": "B"}

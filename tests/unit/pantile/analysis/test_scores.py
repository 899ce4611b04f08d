"""Reading scores: what is refused, with its line, and what is counted and told."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pantile.analysis.design import ARTICLE
from pantile.analysis.read_study import scores_of_frame
from pantile.analysis.reading import read_text, text_file
from pantile.analysis.scores import ScoreTable, read_scores
from pantile.domain.errors import FileRefused, ScoresRefused
from pantile.domain.study_csv import STUDY_COLUMNS

HEADER = ",".join(STUDY_COLUMNS)
ROI = "TCGA-BRCA-A2-A0D2-01Z_0.2500_tumor_original_roi_1"


def line(
    score: str, *, model: str = "model1", tissue: str = "tumor", project: str = "TCGA-BRCA", name: str = ROI
) -> str:
    return f"{name}_{model}.jpg,{project},TCGA-A2-A0D2,,,0.25,{tissue},{model},{score},"


def read(*lines: str) -> ScoreTable:
    return read_scores(text_file("scores.csv", "\n".join([HEADER, *lines]).encode()), ARTICLE)[0]


def test_an_roi_has_a_row_and_a_segmenter_a_column() -> None:
    table = read(line("7"), line("3", model="model4"))

    assert table.scores.shape == (1, 5)
    assert table.scores[0, [0, 3]].tolist() == [7, 3]
    assert (table.cohorts[0], table.cases[0], table.sites[0]) == ("BRCA", "TCGA-A2-A0D2", "A2")


def test_colon_and_rectum_are_one_cohort() -> None:
    colon, rectum = (f"TCGA-{it}-AA-0001_0.25_tumor_original" for it in ("COAD", "READ"))
    other = line("5", project="TCGA-READ", name=rectum).replace("TCGA-A2-A0D2", "TCGA-AG-0002")

    assert set(read(line("6", project="TCGA-COAD", name=colon), other).cohorts) == {"COADREAD"}


@pytest.mark.parametrize("cell", ["", "NA", "NaN"])
def test_an_unscored_output_is_missing_and_never_zero(cell: str) -> None:
    table, file = read_scores(
        text_file("s.csv", f"{HEADER}\n{line(cell)}\n{line('8', model='model2')}".encode()), ARTICLE
    )

    assert np.isnan(table.scores[0, 0])
    assert file.remarks[0].startswith("4 of 5 outputs have no score")


@pytest.mark.parametrize(
    ("bad", "sentence"),
    [
        (line("11"), "line 3: score 11 is not between 0 and 10"),
        (line("-1"), "line 3: score -1 is not between 0 and 10"),
        (line("7.5"), "line 3: score 7.5 is no whole number"),
        (line("good"), "line 3: score 'good' is no number"),
        (line("7", model="model6"), "line 3: model 'model6' is unknown; known are model1, breast"),
        (line("4", model="model2"), "line 3: scores .* 4, line 2 scores it 5"),
        (line("4", tissue="blood"), "line 3: tissue type 'blood' is neither tumor nor normal"),
        (line("4", project="TCGA-OV"), "line 3: says OV, TCGA-A2-A0D2, tumor of .*, unlike line 2"),
    ],
)
def test_what_cannot_be_is_refused_with_its_line(bad: str, sentence: str) -> None:
    with pytest.raises(ScoresRefused, match=sentence):
        read(line("5", model="model2"), bad)


def test_many_problems_are_told_in_part_and_counted() -> None:
    with pytest.raises(ScoresRefused, match=r"and 15 more$"):
        read(*[line("99")] * 25)


def test_the_same_row_twice_counts_once_and_is_told() -> None:
    table, file = read_scores(text_file("s.csv", f"{HEADER}\n{line('5')}\n{line('5')}".encode()), ARTICLE)

    assert table.scored == 1
    assert any(remark.startswith("1 row repeated") for remark in file.remarks)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "has no column file_name"),
        (b"file_name,score\n", "has no column tcga_project, tcga_case_id"),
        (HEADER.encode(), "no scores follow the header"),
        (f"{HEADER}\n{line('5')},one,two".encode(), "line 2: 12 cells under 10 columns"),
    ],
)
def test_a_file_that_is_none_is_refused(content: bytes, sentence: str) -> None:
    with pytest.raises(ScoresRefused, match=sentence):
        read_scores(text_file("scores.csv", content), ARTICLE)


def test_a_file_that_is_not_utf8_is_refused() -> None:
    with pytest.raises(FileRefused, match="not UTF-8 at byte 3"):
        text_file("scores.csv", b"abc\xff")


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileRefused, match="No such file"):
        read_text(tmp_path / "nothing.csv")


def test_a_frame_of_the_same_columns_gives_the_same_table() -> None:
    frame = pd.DataFrame([line("7").split(","), line("", model="model2").split(",")], columns=list(STUDY_COLUMNS))
    frame["score"] = [7.0, np.nan]

    table, _ = scores_of_frame(frame, ARTICLE, name="a study", sha256="")

    assert np.array_equal(table.scores, read(line("7"), line("", model="model2")).scores, equal_nan=True)


def test_what_is_left_out_by_tissue_type_and_missing_scores() -> None:
    normal = f"{ROI}x"

    table = read(line("7"), line("9", tissue="normal", name=normal))

    assert table.tumor.rois.tolist() == [ROI]

"""`pantile analyse` on files, and its refusals."""

from pathlib import Path

import pandas as pd
import pytest

from pantile.cli.app import main
from pantile.domain.study_csv import STUDY_COLUMNS


def some_rows(score: str = "7") -> list[list[str]]:
    return [
        [
            *(f"TCGA-{cohort}-Z{site}-000{patient}_0.25_tumor_original_model{model}.jpg", f"TCGA-{cohort}"),
            *(f"TCGA-Z{site}-000{patient}", "", "", "0.25", "tumor", f"model{model}", score, ""),
        ]
        for cohort, site in (("BRCA", 1), ("OV", 2))
        for patient in range(4)
        for model in (1, 2, 3)
    ]


def write(path: Path, rows: list[list[str]]) -> Path:
    path.write_text("\n".join([",".join(STUDY_COLUMNS), *(",".join(row) for row in rows)]), encoding="utf-8")
    return path


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["analyse", *arguments])
    assert isinstance(ended.value.code, int)
    return ended.value.code


def test_a_csv_becomes_a_report(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = write(tmp_path / "scores.csv", some_rows())

    code = run(str(file), "--out", str(tmp_path / "out"), "--draws", "100", "--cutoffs", "bad=0,fine=7")

    assert code == 0
    assert "24 scores of 8 ROIs." in capsys.readouterr().out
    assert "fine (7 to 10)" in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")


def test_parquet_gives_the_same_table_1(tmp_path: Path) -> None:
    file = write(tmp_path / "scores.csv", some_rows())
    parquet = tmp_path / "scores.parquet"
    pd.read_csv(file).to_parquet(parquet)

    for path, out in ((file, "a"), (parquet, "b")):
        assert run(str(path), "--out", str(tmp_path / out), "--draws", "100") == 0

    table = [(tmp_path / out / "tables" / "table1.csv").read_bytes() for out in ("a", "b")]
    assert table[0] == table[1]


def test_an_exclusions_file_is_heard(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = write(tmp_path / "scores.csv", some_rows())
    left_out = tmp_path / "left_out.csv"
    left_out.write_text(f"roi,reason\n{some_rows()[0][0]},out of focus\n", encoding="utf-8")

    code = run(str(file), "--out", str(tmp_path / "out"), "--draws", "100", "--exclusions", str(left_out))

    assert code == 0
    assert "out of focus: 1" in capsys.readouterr().err
    assert "8 ROIs before exclusions, 1 excluded" in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["SCORES", "--cutoffs", "good"], "is no cut-off"),
        (["SCORES", "--clinical", "nowhere.tsv"], "nowhere.tsv"),
        ([], "name a study"),
        (["SCORES", "--generated"], "name a study"),
    ],
)
def test_refusals_are_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], sentence: str
) -> None:
    file = write(tmp_path / "scores.csv", some_rows())

    code = run(*[str(file) if it == "SCORES" else it for it in arguments], "--out", str(tmp_path / "out"))

    assert code == 2
    assert sentence in capsys.readouterr().err


def test_bad_scores_are_told_with_their_lines(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = write(tmp_path / "scores.csv", some_rows("12"))

    code = run(str(file), "--out", str(tmp_path / "out"))

    assert code == 2
    assert "scores.csv, line 2: score 12 is not between 0 and 10" in capsys.readouterr().err

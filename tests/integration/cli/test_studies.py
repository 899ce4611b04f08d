"""Studies from the command line, from making one to its scores as files."""

import io
from collections.abc import Callable
from pathlib import Path

import pytest

from pantile.catalog.accounts import create_account
from pantile.catalog.database import Database
from pantile.cli.app import main
from pantile.domain.access import Role
from pantile.domain.studies import Study
from pantile.domain.study_csv import STUDY_COLUMNS

Pantile = Callable[..., int]
Capture = pytest.CaptureFixture[str]


@pytest.fixture
def pantile(
    web_url: str,
    database: Database,
    make_study: Callable[..., Study],
    monkeypatch: pytest.MonkeyPatch,
    quiet_service: None,
) -> Pantile:
    """`pantile studies …` with the study pan-cancer and the accounts r1 and r2; gives its exit code."""
    monkeypatch.setenv("PANTILE_API_URL", web_url)
    make_study(rois=4, missing=1, publish=False)
    with database.transaction() as connection:
        for name in ("r1", "r2"):
            create_account(connection, name, role=Role.RATER, password_hash="x", actor="test")

    def run(*arguments: str, stdin: str = "") -> int:
        monkeypatch.setattr("sys.stdin", io.StringIO(stdin))
        with pytest.raises(SystemExit) as ended:
            main(["studies", *arguments])
        return int(ended.value.code or 0)

    return run


def test_a_study_goes_from_a_draft_to_files(pantile: Pantile, tmp_path: Path, capsys: Capture) -> None:
    scores = tmp_path / "scoring_data.csv"
    names = [f"TCGA-{project}-D3-{number:04}" for project, number in (("SKCM", 0), ("LUAD", 1))]
    rows = [
        f"{name}_0.253_tumor_model{model}.jpg,{name[:9]},TCGA-D3-{name[-4:]},,,0.253,tumor,model{model},{score},"
        for name in names
        for model, score in enumerate((9, 8, 7, 6), 1)
    ]
    scores.write_text("\n".join([",".join(STUDY_COLUMNS), *rows]) + "\n")

    for rater in ("r1", "r2"):
        assert pantile("member", "pan-cancer", rater, "rater") == 0
    assert pantile("publish", "pan-cancer") == 0
    assert pantile("import", "pan-cancer", str(scores), "--rater", "r1", "--dry-run") == 0
    assert pantile("import", "pan-cancer", str(scores), "--rater", "r1") == 0
    assert pantile("assign", "pan-cancer", "r2", "--purpose", "second", "--dry-run") == 0
    assert pantile("export", "pan-cancer", str(tmp_path / "out.csv"), "--rater", "r1") == 0
    assert pantile("verify", "pan-cancer") == 0
    assert pantile("progress", "pan-cancer") == 0
    assert pantile("agreement", "pan-cancer") == 0
    assert pantile("plan", "pan-cancer", "--width", "0.2") == 0
    assert pantile("lock", "pan-cancer") == 0
    assert pantile("unblind", "pan-cancer") == 0

    said = capsys.readouterr().out
    for sentence in (
        "r1 is rater in pan-cancer.",
        "8 scores of 2 cases would be taken from 8 rows.",
        "8 scores of 2 cases were taken from 8 rows.",
        "2 cases would be assigned to r2.",
        "10 events of 2 cases verified: all of them hold.",
        "2 of 2",
        "ICC(C,1) within segmenters – (fewer than two rated or two raters)",
        "pan-cancer is unblinded.",
    ):
        assert sentence in said, sentence
    exported = (tmp_path / "out.csv").read_text().splitlines()
    assert set(rows) < set(exported)


def test_a_study_is_made_listed_and_shown(pantile: Pantile, tmp_path: Path, capsys: Capture) -> None:
    questions = tmp_path / "questions.json"
    questions.write_text('[{"kind": "choice", "prompt": "Which structure?", "options": ["gland", "duct"]}]')
    wanted = ("--title", "Benign", "--cohort", "TCGA-SKCM", "--segmenter", "lung", "--tissue-type", "normal")

    assert pantile("create", "benign", *wanted, "--questions", str(questions)) == 0
    assert pantile("list") == 0
    assert pantile("show", "benign") == 0
    assert pantile("create", "benign", *wanted) == 2
    questions.write_text('[{"kind": "guess"}]')
    assert pantile("create", "other", *wanted, "--questions", str(questions)) == 2

    said = capsys.readouterr()
    assert "Which structure? (choice)" in said.out
    assert "There is a study of this name already: benign" in said.err
    assert "0.kind: Input should be 'score', 'choice', 'choices' or 'text'" in said.err


def test_cases_are_handed_on_and_taken_back(pantile: Pantile, capsys: Capture) -> None:
    for rater in ("r1", "r2"):
        pantile("member", "pan-cancer", rater, "rater")
    assert pantile("assign", "pan-cancer", "r1", "--n", "3") == 0
    assert pantile("assign", "pan-cancer", "r1", "--n", "3") == 2
    assert pantile("reassign", "pan-cancer", "r1", "r2") == 0
    assert pantile("release", "pan-cancer", "r2") == 0
    assert pantile("refresh", "pan-cancer") == 0

    said = capsys.readouterr()
    assert "3 cases are assigned to r1." in said.out
    assert "r1 has all 3 of these cases already" in said.err
    assert "3 cases went from r1 to r2." in said.out
    assert "3 cases of r2 can be assigned again." in said.out
    assert "0 ROIs and 0 outputs added" in said.out

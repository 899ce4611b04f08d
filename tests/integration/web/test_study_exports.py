"""Exports and imports over HTTP: the study's CSV there and back, byte for byte, and every table with its digest."""

import base64
import csv
import hashlib
import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient

from pantile.analysis.agreement import agree, icc
from pantile.catalog.database import Database
from pantile.domain.studies import Study, StudyRole
from pantile.domain.study_exports import ExportKind
from pantile.web import study_export

STUDY = "/v1/studies/pan-cancer"
HEADER = "file_name,tcga_project,tcga_case_id,tcga_sample_id,tcga_uuid,slide_mpp,tissue_type,model,score,comment"
CSV = {"Content-Type": "text/csv"}

MakeStudy = Callable[..., Study]
ActAs = Callable[..., TestClient]


def _scoring_data(client: TestClient, *, shift: int = 0, every: int = 1) -> str:
    """A file as the study's: scores by rule, some outputs unscored, words that are hard to write."""
    comments = {1: "=1+1", 2: 'says "no", twice', 3: "two\nlines", 4: "  über \u2028", 5: "a\rb"}
    lines = [HEADER]
    for place, roi in enumerate(client.get(f"{STUDY}/rois").json()["rois"][::every]):
        project, slide, kind = roi["cohort"], roi["slide"], roi["tissue_type"]
        case = "-".join(["TCGA", *slide.split("-")[2:4]])
        for number in range(1, 6):
            score = "" if number in roi["missing"] or place == 3 else str((place * 3 + number * 2 + shift) % 11)
            comment = comments[number] if place == 0 and score else ""
            cells = [f"{slide}_0.253_{kind}_model{number}.jpg", project, case, f"{case}-01Z", "some-uuid", "0.253"]
            cells += [kind, f"model{number}", score, comment]
            quoted = ['"' + cell.replace('"', '""') + '"' if set(cell) & set(',"\r\n') else cell for cell in cells]
            lines.append(",".join(quoted))
    return "\n".join(lines) + "\n"


def _import(client: TestClient, text: str, *, rater: str = "r1", **params: Any) -> Any:
    return client.post(f"{STUDY}/import", params={"rater": rater, **params}, content=text.encode(), headers=CSV)


def _export(client: TestClient, kind: str = "study", **params: Any) -> str:
    answer = client.get(f"{STUDY}/export", params={"kind": kind, **params})
    assert answer.status_code == 200, answer.text
    return answer.content.decode()


def _rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


@pytest.fixture
def study(make_study: MakeStudy, join: ActAs) -> None:
    """A study of 12 ROIs with the members r1 and r2; nothing is assigned."""
    make_study(rois=12, missing=2)
    for rater in ("r1", "r2"):
        join(rater)


@pytest.mark.usefixtures("study")
def test_the_studys_own_csv_comes_back_byte_for_byte(client: TestClient) -> None:
    """Checks 39 and 40."""
    text = _scoring_data(client)

    told = _import(client, text).json()
    exported = _export(client)

    assert (told["rows"], told["readings"], told["scores"], told["already"]) == (60, 11, 54, 0)
    assert exported == text
    assert exported.partition("\n")[0] == HEADER
    assert client.post(f"{STUDY}/verify").json()["is_intact"] is True


@pytest.mark.usefixtures("study")
def test_a_dry_run_tells_the_same_and_takes_nothing_and_again_adds_nothing(client: TestClient) -> None:
    text = _scoring_data(client)

    dry = _import(client, text, dry_run=True).json()
    empty = _export(client)
    real = _import(client, text).json()
    again = _import(client, text).json()

    assert {**dry, "dry_run": False} == real
    assert {row["score"] for row in _rows(empty)} == {""}
    assert (again["readings"], again["scores"], again["already"]) == (0, 0, 11)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("_model2.jpg", "_model7.jpg", "model 'model2' is not the one of the file name, model7"),
        (",model1,2,", ",model1,11,", "score 11 is not between 0 and 10"),
        (",model1,2,", ",model1,2.5,", "score 2.5 is no whole number"),
        ("0000_0.253_tumor_model1.jpg", "9999_0.253_tumor_model1.jpg", "9999_tumor is no ROI of the study"),
        ("_model1.jpg", "_model1.jpg.jpg", "does not end with _modelN.jpg"),
        ("0.253,tumor", "0.253,stroma", "tissue type 'stroma' is neither tumor nor normal"),
        ("tcga_uuid", "uuid", "has no column tcga_uuid"),
    ],
)
@pytest.mark.usefixtures("study")
def test_what_is_wrong_in_a_file_is_told_by_line_and_nothing_is_taken(
    client: TestClient, old: str, new: str, said: str
) -> None:
    text = _scoring_data(client)
    assert old in text

    answer = _import(client, text.replace(old, new))

    assert answer.status_code == 422
    assert said in answer.json()["detail"], answer.text
    assert "column" in said or "line 2" in answer.json()["detail"] or "line 3" in answer.json()["detail"]
    assert {row["score"] for row in _rows(_export(client))} == {""}


@pytest.mark.usefixtures("study")
def test_an_import_does_not_overwrite_what_a_rater_scored(client: TestClient) -> None:
    _import(client, _scoring_data(client)).raise_for_status()

    other = _import(client, _scoring_data(client, shift=1))
    missing = _import(client, _scoring_data(client).replace(",model5,,", ",model5,4,"), rater="r2")
    viewer = _import(client, _scoring_data(client), rater="nobody")
    wrong = client.post(f"{STUDY}/import", params={"rater": "r1"}, json={})

    assert (other.status_code, "r1 has this ROI already" in other.json()["detail"]) == (422, True)
    assert (missing.status_code, "has no class map of" in missing.json()["detail"]) == (422, True)
    assert (viewer.status_code, wrong.status_code) == (404, 415)


@pytest.mark.usefixtures("study")
def test_the_second_readings_have_the_same_columns_and_only_their_rois(client: TestClient) -> None:
    """Check 39."""
    _import(client, _scoring_data(client)).raise_for_status()
    second = _scoring_data(client, shift=1, every=3)
    told = _import(client, second, rater="r2", purpose="second").json()

    rows = _rows(_export(client, "second"))
    assert (len(rows), told["readings"]) == (15, 3)
    scored = {row["file_name"] for row in _rows(second) if row["score"]}
    assert {row["file_name"] for row in rows if row["score"]} == scored
    assert told["adjudications"] == client.get(f"{STUDY}/adjudications").json()["open"]


@pytest.mark.usefixtures("study")
def test_live_agreement_is_that_of_the_exported_files(client: TestClient) -> None:
    """Check 37."""
    _import(client, _scoring_data(client)).raise_for_status()
    _import(client, _scoring_data(client, shift=2), rater="r2", purpose="second").raise_for_status()
    live = client.get(f"{STUDY}/agreement").json()

    first = {(row["file_name"], row["model"]): row["score"] for row in _rows(_export(client, "study"))}
    joined = [
        (row["model"], float(first[row["file_name"], row["model"]]), float(row["score"]))
        for row in _rows(_export(client, "second"))
        if row["score"] and first[row["file_name"], row["model"]]
    ]
    ratings = np.array([pair[1:] for pair in joined])
    found = agree(ratings)

    for name in ("icc_c1", "icc_a1", "spearman", "bias"):
        figures = live["pooled"][name]
        expected = getattr(found, name)
        assert (figures["value"], figures["low"], figures["high"]) == pytest.approx(
            (expected.value, expected.low, expected.high), rel=1e-12
        ), name
    within = icc(ratings, groups=[model for model, *_ in joined])
    assert live["within"]["value"] == pytest.approx(within.value, rel=1e-12)


@pytest.mark.usefixtures("study")
def test_intervals_of_the_live_agreement_are_pingouins(client: TestClient) -> None:
    """Check 37."""
    pandas, pingouin = pytest.importorskip("pandas"), pytest.importorskip("pingouin")
    _import(client, _scoring_data(client)).raise_for_status()
    _import(client, _scoring_data(client, shift=2), rater="r2", purpose="second").raise_for_status()
    files = [_rows(_export(client, kind)) for kind in ("study", "second")]

    long = pandas.DataFrame(
        [
            (row["file_name"], rater, float(row["score"]))
            for rater, rows in zip(("first", "second"), files, strict=True)
            for row in rows
            if row["score"]
        ],
        columns=["output", "rater", "score"],
    )
    table = pingouin.intraclass_corr(data=long, targets="output", raters="rater", ratings="score")
    expected = table.iloc[[2, 1]]
    live = client.get(f"{STUDY}/agreement").json()["pooled"]

    for name, (_, row) in zip(("icc_c1", "icc_a1"), expected.iterrows(), strict=True):
        low, high = next(row[column] for column in row.index if column.startswith("CI95"))
        assert live[name]["value"] == pytest.approx(row["ICC"], abs=1e-9)
        assert (live[name]["low"], live[name]["high"]) == pytest.approx((low, high), abs=0.0051), name


@pytest.mark.usefixtures("study")
def test_every_table_is_written_with_its_digest_and_noted(client: TestClient, database: Database) -> None:
    """Check 41."""
    _import(client, _scoring_data(client)).raise_for_status()
    _import(client, _scoring_data(client, shift=3), rater="r2", purpose="second").raise_for_status()

    for kind in ExportKind:
        answer = client.get(f"{STUDY}/export", params={"kind": kind})
        digest = hashlib.sha256(answer.content)
        assert answer.headers["Repr-Digest"] == f"sha-256=:{base64.b64encode(digest.digest()).decode()}:"
        noted = client.get(f"{STUDY}/exports").json()["exports"][0]
        assert (noted["kind"], noted["sha256"]) == (kind, digest.hexdigest())
        assert noted["rows"] == int(answer.headers["X-Rows"]) == len(_rows(answer.text)) > 0
    with database.transaction() as connection:
        last = connection.execute("SELECT max(id) AS id FROM score_events").fetchone()
    assert noted["last_event_id"] == (last and last["id"])


@pytest.mark.usefixtures("study")
def test_the_tables_say_what_they_are_for(client: TestClient, database: Database) -> None:
    _import(client, _scoring_data(client)).raise_for_status()
    _import(client, _scoring_data(client, shift=3), rater="r2", purpose="second").raise_for_status()
    with database.transaction() as connection:
        signed = connection.execute(
            """
            UPDATE adjudications SET state = 'signed', value = 7, rationale = 'agreed'
            WHERE id = (SELECT min(id) FROM adjudications) RETURNING id
            """
        ).fetchone()
    assert signed

    consensus, long = _rows(_export(client, "consensus")), _rows(_export(client, "long"))
    wide, imrmc = _rows(_export(client, "dice_wide")), _rows(_export(client, "imrmc"))
    events = _rows(_export(client, "events"))

    agreed = [row for row in consensus if row["origin"] == "consensus"]
    assert [(row["score"], row["comment"]) for row in agreed] == [("7", "agreed")]
    assert agreed[0]["first_score"] != "7"
    assert {row["rater"] for row in long} == {"r1", "r2"}
    assert {(row["model"], row["pane"]) for row in long} == {
        (f"model{place}", letter) for place, letter in enumerate("ABCDE", 1)
    }
    assert list(wide[0]) == [
        *("base_image", "cohort", "BRCA_score", "COADREAD_score", "LUNG_score", "RCC_score", "PRAD_score")
    ]
    assert (len(wide), wide[0]["base_image"].endswith("_0.253_original_roi_1")) == (11, True)
    assert {row["modalityID"] for row in imrmc} == {"breast", "colon", "lung", "kidney", "prostate"}
    assert {row["action"] for row in events} == {"import", "complete"}
    assert len(long) == 110


@pytest.mark.usefixtures("study")
def test_the_safe_variant_has_no_formula(client: TestClient) -> None:
    """Check 40."""
    _import(client, _scoring_data(client)).raise_for_status()

    plain, safe = (_rows(_export(client, excel_safe=choice)) for choice in (False, True))

    assert (plain[0]["comment"], safe[0]["comment"]) == ("=1+1", "'=1+1")
    assert [row["score"] for row in plain] == [row["score"] for row in safe]


@pytest.mark.usefixtures("study")
def test_an_export_holds_no_more_rows_the_larger_the_study(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Check 41: what is held at once is bounded by parts of the file, whatever its length."""
    _import(client, _scoring_data(client)).raise_for_status()
    whole = _export(client)
    monkeypatch.setattr(study_export, "_IN_MEMORY_BYTES", 100)
    monkeypatch.setattr(study_export, "_LINES_AT_ONCE", 7)
    monkeypatch.setattr(study_export, "_CHUNK_BYTES", 64)

    with client.stream("GET", f"{STUDY}/export") as answer:
        chunks = list(answer.iter_raw())

    assert b"".join(chunks).decode() == whole


@pytest.mark.usefixtures("study")
def test_exports_are_for_admins_until_the_study_is_unblinded(client: TestClient, join: ActAs) -> None:
    """Check 31."""
    member, viewer = join("r3"), join("look", StudyRole.VIEWER)

    closed = [each.get(f"{STUDY}/export").status_code for each in (member, viewer)]
    for change in ("lock", "unblind"):
        client.post(f"{STUDY}/{change}", json={}).raise_for_status()

    assert closed == [403, 403]
    assert member.get(f"{STUDY}/export").status_code == 200
    assert member.get(f"{STUDY}/exports").status_code == 403
    assert _import(member, HEADER).status_code == 403
    assert _import(client, _scoring_data(client)).status_code == 409

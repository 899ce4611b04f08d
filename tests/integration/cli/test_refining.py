"""`pantile ground-truth refine` and `from-labels`: what was drawn or said coarsely, made fine by stored class maps."""

import csv
import json
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pantile.catalog import cohorts, segmenters
from pantile.catalog.database import Database
from pantile.cli.app import main
from pantile.domain.segmenters import EngineSettings, Mode
from tests.integration.cli.test_export import CLASS_MAP, STEM, cohort  # noqa: F401 — a fixture

Run = Callable[..., int]

IMAGE = "TCGA-LUAD-05-4244_0.25_tumor_original"
"""The stem of the ROI's image, whose class map training looks for by this name."""

LEGEND = "index,name,target\n0,glass,background\n3,gleason 3,tumor\n4,gleason 4,tumor\n9,pen,ignored\n"


@pytest.fixture
def ground_truth(web_url: str, quiet_service: None, cohort: None) -> Run:  # noqa: F811
    """Runs `pantile ground-truth …`, and gives its exit code."""

    def run(*arguments: str | Path) -> int:
        with pytest.raises(SystemExit) as ended:
            main(["ground-truth", *map(str, arguments), "--api", web_url])
        assert isinstance(ended.value.code, int)
        return ended.value.code

    return run


@pytest.fixture
def drawn(tmp_path: Path) -> Path:
    """A folder with regions of the cohort's ROI, drawn at half its resolution, and their legend."""
    folder = tmp_path / "drawn"
    folder.mkdir()
    regions = np.full((4, 6), 4, dtype=np.uint8)
    regions[2:] = 3
    regions[0, 0] = 9
    picture = Image.fromarray(regions)
    picture.putpalette([channel for index in range(256) for channel in (index, 7, 7)])
    picture.save(folder / f"{STEM}_mask.png")
    (folder / "legend.csv").write_text(LEGEND)
    return folder


def _read(file: Path) -> list[list[int]]:
    with Image.open(file) as picture:
        return np.array(picture).tolist()  # type: ignore[no-any-return]


def test_regions_become_what_a_segmenter_found_in_them(
    ground_truth: Run, drawn: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fine = tmp_path / "fine"
    before = (drawn / f"{STEM}_mask.png").read_bytes()
    rules = ("--allow", "gleason 4=tumor", "--allow", "Gleason 3=TUMOR,OTHER")

    assert ground_truth("refine", "C", drawn, "--segmenter", "lung", *rules, "--out", fine) == 0

    # A pixel of the class map is 2 x 2 of the regions'. The pen's index is named by no rule.
    assert CLASS_MAP.tolist() == [[0, 1, 1], [0, 2, 1]]
    assert _read(fine / f"{IMAGE}_mask.png") == [
        [9, 0, 4, 4, 4, 4],
        [0, 0, 4, 4, 4, 4],
        [0, 0, 3, 3, 3, 3],
        [0, 0, 3, 3, 3, 3],
    ]
    with Image.open(fine / f"{IMAGE}_mask.png") as picture:
        assert (picture.getpalette() or [])[12:15] == [4, 7, 7]
    assert (drawn / f"{STEM}_mask.png").read_bytes() == before
    told = json.loads((fine / "derivation.json").read_text())
    (own,) = told["files"]
    assert told["allowed"] == {"gleason 4": ["tumor"], "Gleason 3": ["TUMOR", "OTHER"]}
    assert own["annotation_sha256"] == sha256(before).hexdigest()
    assert (own["roi"], own["segmenter"]) == (STEM, "lung@1")
    assert len(own["class_map_sha256"]) == 64
    assert "C: 1 class map written to" in capsys.readouterr().out
    # What was made can be added as it is: its legend lies beside it.
    assert ground_truth("add", "C", fine) == 0


def test_labelled_images_become_class_maps_for_training(ground_truth: Run, tmp_path: Path) -> None:
    labels, made = tmp_path / "labels.csv", tmp_path / "made"
    labels.write_text(f"roi,label\n{IMAGE}.jpg,carcinoma\n")

    assert (
        ground_truth("from-labels", "C", labels, "--segmenter", "lung", "--allow", "carcinoma=tumor", "--out", made)
        == 0
    )

    expected = np.where(CLASS_MAP == 1, 1, 255).repeat(4, axis=0).repeat(4, axis=1)
    assert _read(made / f"{IMAGE}_mask.png") == expected.tolist()
    legend = list(csv.DictReader((made / "legend.csv").read_text().splitlines()))
    assert [(row["index"], row["group"]) for row in legend] == [
        ("0", "background"),
        ("1", "tumor"),
        ("2", "other"),
        ("255", "ignored"),
    ]
    assert json.loads((made / "derivation.json").read_text())["files"][0]["label"] == "carcinoma"


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        (("--segmenter", "lung", "--allow", "gleason 5=tumor"), "has no class gleason 5; its classes are glass"),
        (("--segmenter", "lung", "--allow", "gleason 4=mucin"), "no class or group mucin; its classes are GLASS"),
        (("--segmenter", "kidney", "--allow", "gleason 4=tumor"), "kidney; C has lung, lymphoma"),
        (("--segmenter", "lung", "--allow", "gleason 4=tumor", "--outside", "x"), "has no class x"),
    ],
)
def test_what_is_not_known_is_refused_in_a_sentence(
    ground_truth: Run,
    drawn: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    asked: tuple[str, ...],
    sentence: str,
) -> None:
    assert ground_truth("refine", "C", drawn, *asked, "--out", tmp_path / "fine") != 0

    assert sentence in " ".join(capsys.readouterr().err.split())


def test_class_maps_made_in_several_ways_have_to_be_told_apart(
    ground_truth: Run, drawn: Path, tmp_path: Path, database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    with database.transaction() as connection:
        exact = segmenters.keep_settings(connection, EngineSettings(mode=Mode.EXACT))
        row = connection.execute("SELECT id FROM segmenters WHERE name = 'lung'").fetchone()
        assert row is not None
        made = cohorts.find_cohort(connection, "C")
        cohorts.add_segmenters(connection, made.id, {row["id"]: exact})
    asked = ("--segmenter", "lung", "--allow", "gleason 4=tumor", "--out", tmp_path / "fine")

    assert ground_truth("refine", "C", drawn, *asked) == 2

    told = " ".join(capsys.readouterr().err.split())
    assert "C has class maps by lung made in 2 ways (1 fast centre float32; 1 exact centre float32)" in told
    assert ground_truth("refine", "C", drawn, *asked, "--mode", "fast") == 0
    assert ground_truth("refine", "C", drawn, *asked, "--stitching", "blend") == 2
    assert "in 0 ways (in none that was asked for)" in " ".join(capsys.readouterr().err.split())


def test_a_file_that_is_cut_off_is_named_and_costs_no_other(
    ground_truth: Run, drawn: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = drawn / f"{STEM}_mask.png"
    file.write_bytes(file.read_bytes()[:-40])
    asked = ("--segmenter", "lung", "--allow", "gleason 4=tumor", "--out", tmp_path / "fine")

    assert ground_truth("refine", "C", drawn, *asked) == 1

    told = " ".join(capsys.readouterr().err.split())
    assert f"{STEM}: {STEM}_mask.png, the class map's PNG is cut off or damaged" in told


def test_regions_are_never_written_over(ground_truth: Run, drawn: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ("--segmenter", "lung", "--allow", "gleason 4=tumor")

    assert ground_truth("refine", "C", drawn, *asked, "--out", drawn) == 2

    assert "name another folder with --out" in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("name,label\na,b\n", "needs the columns roi and label"),
        ("roi,label\na,\n", "line 2: an ROI or its label is missing"),
        ("roi,label\na,b\na,c\n", "line 3: a has two labels, b and c"),
        (f"roi,label\n{STEM},stroma\n", "what the label stroma allows is not said"),
    ],
)
def test_labels_that_cannot_be_are_refused_with_their_line(
    ground_truth: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, sentence: str
) -> None:
    labels = tmp_path / "labels.csv"
    labels.write_text(text)
    asked = ("--segmenter", "lung", "--allow", "b=tumor", "--allow", "c=tumor", "--out", tmp_path / "made")

    assert ground_truth("from-labels", "C", labels, *asked) == 2

    assert sentence in " ".join(capsys.readouterr().err.split())
    assert not (tmp_path / "made").exists()


def test_a_label_of_no_roi_is_told(ground_truth: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    labels = tmp_path / "labels.csv"
    labels.write_text("roi,label\nother.png,b\n")
    asked = ("--segmenter", "lung", "--allow", "b=tumor", "--out", tmp_path / "made")

    assert ground_truth("from-labels", "C", labels, *asked) == 1

    assert "1 name of no ROI of the cohort, such as other.png." in " ".join(capsys.readouterr().err.split())

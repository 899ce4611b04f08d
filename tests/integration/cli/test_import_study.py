"""The published study taken in, from generated files laid out like it, and gone on with over the real servers."""

import csv
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pantile.catalog import outbox
from pantile.catalog.accounts import create_account
from pantile.catalog.database import Database
from pantile.cli import main
from pantile.client.api import ApiClient
from pantile.domain.access import Role
from pantile.domain.csv_text import write_csv
from pantile.domain.messages import IngestRoi
from pantile.domain.study_csv import STUDY_COLUMNS
from pantile.settings import Settings
from pantile_workers.chores import ingest_roi
from pantile_workers.runtime import Runtime

STUDY = "article"
WIDTH, HEIGHT = 160, 128

# Project, slide, tissue type, ROI number, whether image and masks are there.
ROIS = (
    ("TCGA-OV", "TCGA-OV-24-1103-01A", "tumor", 1, True),
    ("TCGA-OV", "TCGA-OV-24-1104-01A", "tumor", 2, True),
    ("TCGA-LUSC", "TCGA-LUSC-18-3406-01A", "tumor", 1, True),
    ("TCGA-LUSC", "TCGA-LUSC-18-3407-01A", "tumor", 1, False),
)


def _base(roi: tuple[str, str, str, int, bool]) -> str:
    number = f"_roi_{roi[3]}" if roi[3] != 1 else ""
    return f"{roi[1]}_0.25_{roi[2]}_original{number}"


def _rows(*, stricter: int) -> Iterator[tuple[str | int | None, ...]]:
    for place, roi in enumerate(ROIS):
        for model in range(1, 6):
            case = f"TCGA-{roi[1].split('-', 2)[2][:7]}"
            score = max(0, (place + 2 * model) % 11 - stricter)
            name = f"{_base(roi)}_model{model}.jpg"
            yield (
                name,
                roi[0],
                case,
                f"{case}-01A",
                "",
                "0.25",
                roi[2],
                f"model{model}",
                score,
                "fine" if model == 1 else "",
            )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The published files of four ROIs, one of which has neither image nor masks."""
    random = np.random.default_rng(0)
    folder = tmp_path / "study"
    for name in ("rois", "masks"):
        (folder / name).mkdir(parents=True)
    (folder / "scoring_data.csv").write_text(write_csv(STUDY_COLUMNS, _rows(stricter=0)), "utf-8")
    (folder / "scoring_data_second_rater.csv").write_text(write_csv(STUDY_COLUMNS, _rows(stricter=1)), "utf-8")
    for roi in (roi for roi in ROIS if roi[4]):
        pixels = random.integers(0, 255, (HEIGHT, WIDTH, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / "rois" / f"{_base(roi)}.jpg")
        for model in range(1, 6):
            mask = random.integers(0, 5, (HEIGHT, WIDTH), dtype=np.uint8)
            Image.fromarray(mask).save(folder / "masks" / f"{_base(roi)}_model{model}_mask.png")
    return folder


@pytest.fixture
def raters(database: Database) -> tuple[str, str]:
    """The accounts of the two raters."""
    with database.transaction() as connection:
        for name in ("first", "second"):
            create_account(connection, name, role=Role.RATER, password_hash="x", actor="test")
    return "first", "second"


@pytest.fixture
def imaging(settings: Settings, database: Database) -> Iterator[None]:
    """An imaging worker's ingesting, in a thread of its own."""
    stop = threading.Event()

    def work() -> None:
        with Runtime(settings, kind="test") as runtime:
            while not stop.wait(0.05):
                with database.transaction() as connection:
                    due = outbox.due_chores(connection, limit=100)
                for message in due:
                    if isinstance(message, IngestRoi):
                        ingest_roi(runtime, message)

    thread = threading.Thread(target=work)
    thread.start()
    yield
    stop.set()
    thread.join()


Run = Callable[..., object]


@pytest.fixture
def run(folder: Path, raters: tuple[str, str], web_url: str, imaging: None) -> Run:
    """Imports the folder, and gives the exit code: `run("--dry-run")`."""

    def run(*arguments: str) -> object:
        names = [part for rater in raters for part in ("--rater", rater)]
        with pytest.raises(SystemExit) as ended:
            main(["import-study", str(folder), "--study", STUDY, *names, "--api", web_url, *arguments])
        return ended.value.code

    return run


def test_a_published_study_is_gone_on_with(
    run: Run, web_url: str, api_token: str, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run() == 0

    said = capsys.readouterr().out
    assert "4 ROIs with scores: 1 without image, 1 without mask." in said
    assert "3 ROIs in article, 15 new class maps." in said
    assert "scoring_data.csv: 15 scores of 3 cases taken." in said
    assert "scoring_data.csv: 5 scores left out, of outputs without image or class map." in said
    with ApiClient(web_url, token=api_token) as api:
        results = [result for page in api.results("TCGA-OV") for result in page]
        cohort = api.cohort("TCGA-OV")
    assert {(each.segmenter, each.segmenter_version) for each in results} == {
        (name, "study") for name in ("breast", "colon", "lung", "kidney", "prostate")
    }
    assert cohort.rois["stored"] == 2
    assert sum(area.area_mm2 for area in results[0].class_map.areas) == pytest.approx(WIDTH * HEIGHT * 0.0625e-6)
    with pytest.raises(SystemExit):
        main(["export-study", STUDY, "--out", str(tmp_path / "out"), "--api", web_url])
    for name in ("scoring_data.csv", "scoring_data_second_rater.csv"):
        own = [line for line in (folder / name).read_text("utf-8").splitlines() if "3407" not in line]
        assert (tmp_path / "out" / name).read_text("utf-8").splitlines() == own


def test_the_same_import_again_adds_nothing_and_the_first_is_audited(
    run: Run, database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    run()
    capsys.readouterr()

    assert run() == 0

    said = capsys.readouterr().out
    assert "3 ROIs in article, 0 new class maps." in said
    assert "scoring_data.csv: 0 scores of 0 cases taken, 3 cases were there already." in said
    with database.transaction() as connection:
        actions = {row["action"] for row in connection.execute("SELECT action FROM audit")}
    assert {"import ROIs", "import class maps", "import"} <= actions


def test_segmenters_without_weights_segment_nothing(
    run: Run, folder: Path, web_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    run()
    image = next((folder / "rois").iterdir())

    with pytest.raises(SystemExit) as ended:
        main(["submit", str(image.parent), "--cohort", "other", "--segmenters", "lung", "--api", web_url])

    assert ended.value.code == 2
    assert "No such segmenter is registered" in capsys.readouterr().err


def test_a_wrong_line_is_named_before_anything_is_sent(
    run: Run, folder: Path, database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = list(csv.reader((folder / "scoring_data.csv").read_text("utf-8").splitlines()))
    rows[3][8] = "11"
    (folder / "scoring_data.csv").write_text(write_csv(rows[0], rows[1:]), "utf-8")

    assert run() == 2

    assert "line 4: score 11 is not between 0 and 10" in capsys.readouterr().err
    with database.transaction() as connection:
        assert connection.execute("SELECT 1 FROM cohorts").fetchone() is None


def test_a_mask_that_does_not_fit_its_segmenter_is_refused(
    run: Run, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mask = next(path for path in sorted((folder / "masks").iterdir()) if "model5" in path.name)
    Image.fromarray(np.full((HEIGHT, WIDTH), 9, dtype=np.uint8)).save(mask)

    assert run() == 2

    assert "has more than the 5 classes of prostate" in capsys.readouterr().err


def test_a_dry_run_sends_nothing(run: Run, database: Database, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--dry-run") == 0

    assert "4 ROIs with scores" in capsys.readouterr().out
    with database.transaction() as connection:
        assert connection.execute("SELECT 1 FROM cohorts").fetchone() is None

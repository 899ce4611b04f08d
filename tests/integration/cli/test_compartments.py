"""`pantile compartments` counts the cells of another tool in the classes of stored class maps."""

import csv
from collections.abc import Callable
from pathlib import Path

import pytest

from pantile.catalog.database import Database
from pantile.cli.app import main
from tests.integration.cli.test_export import STEM, cohort  # noqa: F401 — a fixture

Count = Callable[..., int]


@pytest.fixture
def count_cells(web_url: str, quiet_service: None, cohort: None, tmp_path: Path) -> Count:  # noqa: F811
    """Runs `pantile compartments C CELLS` into `tmp_path / "out.csv"`, and gives its exit code."""

    def run(cells: Path) -> int:
        arguments = ["compartments", "C", str(cells), "--segmenter", "lung", "--api", web_url]
        with pytest.raises(SystemExit) as ended:
            main([*arguments, "--out", str(tmp_path / "out.csv")])
        assert isinstance(ended.value.code, int)
        return ended.value.code

    return run


def _rows(tmp_path: Path) -> dict[tuple[str, str], tuple[str, float]]:
    lines = csv.DictReader((tmp_path / "out.csv").read_text().splitlines())
    return {(row["class"], row["cell_type"]): (row["cells"], float(row["cells_per_mm2"])) for row in lines}


def test_cells_of_an_roi_are_counted_with_their_density(
    count_cells: Count, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cells = tmp_path / f"{STEM}.csv"
    cells.write_text("x,y,type\n5,1,lymphocyte\n9,5,lymphocyte\n1,1,tumor\n99,1,tumor\n")

    assert count_cells(cells) == 0

    rows = _rows(tmp_path)
    assert {key: number for key, (number, _) in rows.items()} == {
        ("GLASS", "lymphocyte"): "0",
        ("GLASS", "tumor"): "1",
        ("GLASS", "all"): "1",
        ("TUMOR", "lymphocyte"): "2",
        ("TUMOR", "tumor"): "0",
        ("TUMOR", "all"): "2",
        ("OTHER", "lymphocyte"): "0",
        ("OTHER", "tumor"): "0",
        ("OTHER", "all"): "0",
    }
    # Three pixels of 1.0 mpp are 3 square microns.
    assert rows["TUMOR", "lymphocyte"][1] == pytest.approx(2 / 3e-6)
    told = capsys.readouterr()
    assert "C: cells of 1 ROI counted" in told.out
    assert "1 cell beyond the class map of their ROI" in told.err


def test_cells_of_a_slide_lie_where_its_rois_were_cut_out(
    count_cells: Count, database: Database, tmp_path: Path
) -> None:
    with database.transaction() as connection:
        connection.execute("UPDATE rois SET source = 'slide://1/1000,2000,12,8'")
    cells = tmp_path / "TCGA-LUAD-05-4244.csv"
    cells.write_text("x,y\n1005,2001\n5,1\n")

    assert count_cells(cells) == 0

    assert _rows(tmp_path)["TUMOR", "all"][0] == "1"


def test_cells_of_no_roi_are_told(count_cells: Count, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "other.csv").write_text("x,y\n1,2\n")

    assert count_cells(tmp_path / "other.csv") == 1

    assert "1 name of no ROI or slide with a class map, such as other." in capsys.readouterr().err

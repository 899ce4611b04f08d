"""`pantile bench` end to end, on a small ROI: every figure of its report is measured, none is left out."""

import json
import os
import subprocess
import sys
from pathlib import Path

from PIL import Image

from pantile.local.demo_cohorts import demo_cards
from pantile.local.tissue import Morphology, generate_region


def test_a_small_benchmark_measures_all_that_it_reports(tmp_path: Path) -> None:
    image = tmp_path / "roi.jpg"
    tissue = generate_region(Morphology.GLANDULAR, seed=5, width_px=2100, height_px=1200, mpp=0.25)
    Image.fromarray(tissue.image).save(image, quality=80)
    card, _ = next(demo_cards())
    figures = tmp_path / "bench.json"

    said = _bench(
        "--card", str(card), "--image", str(image), "--rois", "1", "--segmenters", "2", "--json", str(figures)
    )

    assert "2,100 x 1,200 px at 0.25 mpp" in said
    assert "Pantile, 2 segmenters, 1 ROI " in said
    report = json.loads(figures.read_text())
    (measured,) = report["throughputs"]
    assert (measured["rois"], measured["segmenters"], measured["patches"]) == (1, 2, 2)
    assert set(measured["stages"]) >= {"fetch", "decode", "preparing", "network", "stitching", "encode", "upload"}
    assert all(seconds >= 0 for seconds in measured["stages"].values())
    # Two segmenters share one fetch and one decode, which the mean over both outputs halves.
    assert 0 < measured["stages"]["network"] < measured["seconds_per_roi"]
    assert all(each["processor_s"] > 0 for each in (measured, report["baseline"], *report["networks"]))
    assert measured["peak_bytes"] > 2**27
    assert measured["gpu_busy"] is None
    assert report["baseline"]["peak_bytes"] > 2**27
    assert report["speedups"][0] == report["baseline"]["seconds"] / (measured["seconds_per_roi"] / 2)


def test_a_card_without_its_checkpoint_is_refused_in_a_sentence(tmp_path: Path) -> None:
    card, _ = next(demo_cards())
    alone = tmp_path / "alone.toml"
    alone.write_text(card.read_text())

    said = _bench("--card", str(alone), expect=2)

    assert f"{tmp_path / 'alone.safetensors'}" in said
    assert "Traceback" not in said


def _bench(*arguments: str, expect: int = 0) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "pantile", "bench", *arguments],
        env=os.environ | {"COLUMNS": "200", "NO_COLOR": "1", "PANTILE_DEVICE": "cpu"},
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )
    assert done.returncode == expect, done.stdout + done.stderr
    return done.stdout + done.stderr

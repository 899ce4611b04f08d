"""A real slide as a whole through the real stack, beside an ROI of all of it."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pantile.domain.whole_slides import NOT_SEGMENTED

Pantile = Callable[..., subprocess.CompletedProcess[str]]

SEGMENTERS = Path(__file__).parents[2] / "services" / "pantile" / "local" / "segmenters"

ALIKE = 0.98
"""Share of pixels: libvips reads the ROI up to a quarter of a pixel off at 0.499 mpp (`imaging.reading.read_roi`)."""


@pytest.mark.timeout(420)
def test_a_whole_slide_agrees_with_an_roi_of_all_of_it(pantile: Pantile, shared: Path, tmp_path: Path) -> None:
    slide = shared / "data" / "wsi" / "CMU-1-Small-Region.svs"
    card = SEGMENTERS / "demo-glandular.toml"
    pantile("segmenters", "add", str(card), "--checkpoint", str(card.with_suffix(".safetensors")))
    asked = ("submit", str(slide), "--whole-slide", "--cohort", "WHOLE", "--segmenters", "demo-glandular")

    first = pantile(*asked, "--watch")
    again = pantile(*asked)
    places = tmp_path / "places.csv"
    places.write_text(f"slide,left_px,top_px,width_px,height_px\n{slide.stem},0,0,2220,2967\n")
    pantile("slides", "place", "WHOLE", str(places), "--lossless")
    pantile("watch", "WHOLE")
    results, annotations = tmp_path / "results", tmp_path / "annotations"
    pantile("results", "WHOLE", "--out", str(results))
    pantile("export", "geojson", "WHOLE", "--out", str(annotations))
    study = pantile("export", "study", "WHOLE", "--out", str(tmp_path / "study"), expect=1)

    assert "WHOLE: 1 whole slide to be segmented." in first.stdout
    assert "WHOLE: 0 whole slides to be segmented, 1 slide there already." in again.stdout
    stem = f"{slide.stem}_{{}}_demo-glandular"
    whole = np.array(Image.open(results / f"{stem.format('whole')}_class_map.tif"))
    roi = np.array(Image.open(results / f"{stem.format('tumor')}_class_map.png"))
    segmented = whole != NOT_SEGMENTED
    assert whole.shape == roi.shape
    assert segmented.mean() > 0.5
    assert (whole == roi)[segmented].mean() >= ALIKE
    assert (results / f"{stem.format('tumor')}_overlay.jpg").is_file()
    areas = (results / "class_areas.csv").read_text()
    assert f"{slide.stem}_whole" in areas
    features = json.loads((annotations / f"{stem.format('whole')}.geojson").read_text())["features"]
    assert features
    assert "the study's files are those of ROIs, and this is a whole slide" in study.stderr

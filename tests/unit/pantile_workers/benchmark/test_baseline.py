"""The baseline of the benchmark does the whole work: its class map is that of exact mode, pixel by pixel."""

from pathlib import Path

import numpy as np
from PIL import Image

from pantile.domain.class_maps import study_class_map
from pantile.domain.segmenters import EngineSettings, Mode, parse_card
from pantile.local.demo_cohorts import demo_cards
from pantile.local.tissue import Morphology, generate_region
from pantile_workers.benchmark.baseline import segment_patch_by_patch
from pantile_workers.imaging.patching import read_patches
from pantile_workers.inference.checkpoints import load_network
from pantile_workers.inference.engine import Engine

MPP = 0.5


def test_the_baseline_gives_the_class_map_of_exact_mode(tmp_path: Path) -> None:
    tissue = generate_region(Morphology.GLANDULAR, seed=5, width_px=1400, height_px=1100, mpp=MPP)
    image = tmp_path / "roi.png"
    Image.fromarray(tissue.image).save(image)
    card_file, checkpoint = next(demo_cards())
    card = parse_card(card_file.read_text())

    class_map, seconds = segment_patch_by_patch(image, load_network(card, checkpoint), card, roi_mpp=MPP)

    with Engine(device="cpu") as engine:
        cut = read_patches(
            image, roi_mpp=MPP, model_mpp=card.model_mpp, patch_px=card.patch_px, stride_px=384, max_megapixels=9
        )
        placed = engine.place_patches(cut.patches, corners=cut.corners, size_px=(cut.height_px, cut.width_px))
        exact = engine.segment(placed, engine.load(card, lambda: checkpoint), EngineSettings(mode=Mode.EXACT))
    expected = study_class_map(exact.class_map, height_px=1100, width_px=1400, roi_mpp=MPP, model_mpp=card.model_mpp)
    assert class_map.shape == (1100, 1400)
    # The engine's arithmetic is in another order, in which ties may fall the other way.
    assert (class_map != expected).mean() < 0.0005
    assert len(np.unique(class_map)) > 1
    assert list(seconds) == ["decode", "preparing", "network", "stitching", "encode"]

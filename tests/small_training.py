"""Fixtures of a small training on generated tissue: four cases, and a network that learns in seconds."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from pantile.domain.segmenters import card_document, parse_card
from pantile.domain.training import Training
from pantile.domain.training_text import training_from
from pantile.local.tissue import Morphology, generate_region
from pantile_workers.training.demo_segmenters import SEGMENTERS

MakeTraining = Callable[..., Training]


@pytest.fixture(scope="session")
def tissue_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four generated images, case-1 to case-4, with their class maps."""
    folder = tmp_path_factory.mktemp("tissue")
    for number in range(1, 5):
        region = generate_region(Morphology.NESTED, seed=number, width_px=160, height_px=128, mpp=1.0)
        for kind, picture in (("images", region.image), ("truth", region.class_map)):
            (folder / kind).mkdir(exist_ok=True)
            Image.fromarray(picture).save(folder / kind / f"case-{number}_roi.png")
    return folder


@pytest.fixture
def document(tissue_folder: Path) -> dict[str, Any]:
    """The document of the small training."""
    nested = parse_card((SEGMENTERS / "demo-nested.toml").read_text("utf-8"))
    small = {"name": "small", "patch_px": 64, "encoder": "resnet18", "decoder_channels": [16, 8, 8]}
    return {
        "card": card_document(nested) | small,
        "tissue": {
            "folder": str(tissue_folder),
            "images": "images/*.png",
            "class_maps": "truth/{stem}.png",
            "case": r"case-\d",
            "mpp": 1.0,
        },
        "split": {"validation_cases": ["case-3"], "test_cases": ["case-4"]},
        "batches": {"size": 4, "steps": 3},
        "learning": {"epochs": 2, "precision": "float32", "threads": 1},
    }


@pytest.fixture
def make_training(document: dict[str, Any]) -> MakeTraining:
    """Makes the small training; a section given changes those of its keys."""

    def make(**sections: dict[str, Any]) -> Training:
        changed = {name: {**document.get(name, {}), **keys} for name, keys in sections.items()}
        return training_from({**document, **changed})

    return make

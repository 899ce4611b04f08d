import json
import os
from pathlib import Path
from typing import Any

import pytest

from pantile.cards import load_shipped_cards
from pantile.domain.class_maps import ClassGroup

SHARED = Path(os.environ.get("PANTILE_SHARED", Path(__file__).parents[5] / "shared"))
REFERENCE = SHARED / "reference" / "segmenters.json"
NAMES = ["breast", "colon", "kidney", "lung", "prostate"]


@pytest.fixture(scope="module")
def reference() -> dict[str, Any]:
    """The study's own facts about its segmenters."""
    if not REFERENCE.is_file():
        pytest.skip(f"needs the study's facts in {REFERENCE}")
    facts: dict[str, Any] = json.loads(REFERENCE.read_text("utf-8"))["segmenters"]
    return facts


def test_the_five_segmenters_ship() -> None:
    assert list(load_shipped_cards()) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_card_says_where_its_checkpoint_is_expected(name: str) -> None:
    card = load_shipped_cards()[name]

    assert not card.checkpoint_sha256
    assert card.expected_at.startswith(f"checkpoints/{name}.safetensors, from the authors")


@pytest.mark.parametrize("name", NAMES)
def test_first_and_last_class_are_background(name: str) -> None:
    classes = load_shipped_cards()[name].scheme.classes

    assert [tissue.index for tissue in classes if tissue.group is ClassGroup.BACKGROUND] == [0, len(classes) - 1]


@pytest.mark.parametrize("name", NAMES)
def test_classes_and_palettes_are_those_of_the_study(name: str, reference: dict[str, Any]) -> None:
    facts = reference[name]
    card = load_shipped_cards()[name]

    assert card.output_channels == facts["output_channels"]
    assert [
        {
            "index": tissue.index,
            "name": tissue.name,
            "simplified_rgb": list(tissue.simplified_rgb),
            "detailed_rgb": list(tissue.detailed_rgb),
        }
        for tissue in card.scheme.classes[1:]
    ] == facts["classes"]


@pytest.mark.parametrize("name", NAMES)
def test_cohorts_colour_and_remaps_are_those_of_the_study(name: str, reference: dict[str, Any]) -> None:
    facts = reference[name]
    card = load_shipped_cards()[name]

    assert list(card.training_cohorts) == [f"TCGA-{cohort}" for cohort in facts["native_cohorts"]]
    assert card.plot_rgb is not None
    assert "#{:02X}{:02X}{:02X}".format(*card.plot_rgb) == facts["plot_colour"]
    article = facts.get("dice_remap_article")
    assert card.dice_remaps.get("article", {}) == ({"*": _whole(article)} if article else {})
    published = {cohort: _whole(targets) for cohort, targets in facts["dice_remap_published_code"].items()}
    assert card.dice_remaps["published_code"] == published


def _whole(targets: dict[str, int]) -> dict[int, int]:
    return {int(source): target for source, target in targets.items()}

"""Which remap a segmenter has under which protocol, and whether the study says so."""

from dataclasses import replace

import pytest

from pantile.cards import load_shipped_cards
from pantile.domain.class_maps import ClassGroup
from pantile.domain.dice import DiceProtocol
from pantile.domain.dice_remaps import RemapOrigin, find_dice_remap, published_cohort, takes_benign

ARTICLE, PUBLISHED = DiceProtocol.ARTICLE, DiceProtocol.PUBLISHED_CODE


@pytest.mark.parametrize(
    ("cohort", "name"),
    [("TCGA-LUAD", "LUNG"), ("TCGA-LUSC", "LUNG"), ("TCGA-READ", "COADREAD"), ("TCGA-BRCA", "BRCA"), ("PRAD", "PRAD")],
)
def test_cohorts_are_those_of_the_published_code(cohort: str, name: str) -> None:
    assert published_cohort(cohort) == name


@pytest.mark.parametrize("name", ["breast", "colon", "lung", "prostate"])
def test_the_article_states_one_remap_for_every_cohort(name: str) -> None:
    card = load_shipped_cards()[name]

    found = [find_dice_remap(card, ARTICLE, cohort) for cohort in ("TCGA-BRCA", "TCGA-PRAD", "TCGA-OV")]

    assert all(remap.is_stated and remap.targets == card.dice_remaps["article"]["*"] for remap in found)


def test_the_kidneys_remap_under_the_article_is_inferred() -> None:
    card = load_shipped_cards()["kidney"]

    remap = find_dice_remap(card, ARTICLE, "TCGA-KIRC")

    assert remap.origin is RemapOrigin.INFERRED
    named = {tissue.name: remap.targets[tissue.index] for tissue in card.scheme.classes}
    assert [name for name, target in named.items() if target == 1] == [
        "TUMOR",
        "TUMOR_REGRESS",
        "KIDNEY_BENIGN",
        "UROTHEL",
    ]
    assert [name for name, target in named.items() if target == 2] == ["STROMA"]


def test_benign_belongs_to_the_published_code_and_the_prostate_only() -> None:
    card = load_shipped_cards()["prostate"]

    assert find_dice_remap(card, PUBLISHED, "TCGA-PRAD").targets == {0: 0, 1: 1, 2: 2, 3: 2, 4: 0}
    assert find_dice_remap(card, ARTICLE, "TCGA-PRAD").targets == {0: 0, 1: 1, 2: 1, 3: 2, 4: 0}
    assert takes_benign(PUBLISHED, "TCGA-PRAD")
    assert not takes_benign(ARTICLE, "TCGA-PRAD")
    assert not takes_benign(PUBLISHED, "TCGA-BRCA")


def test_a_cohort_that_the_published_code_does_not_name_takes_the_remap_that_all_but_prostate_share() -> None:
    card = load_shipped_cards()["lung"]

    remap = find_dice_remap(card, PUBLISHED, "TCGA-OV")

    assert remap.origin is RemapOrigin.INFERRED
    assert remap.targets == card.dice_remaps["published_code"]["BRCA"]


def test_a_card_without_remaps_is_remapped_by_groups() -> None:
    card = replace(load_shipped_cards()["breast"], dice_remaps={})
    benign = card.scheme.indices_of(ClassGroup.BENIGN_EPITHELIUM)

    article, published, prostate = (
        find_dice_remap(card, protocol, cohort)
        for protocol, cohort in ((ARTICLE, "C"), (PUBLISHED, "C"), (PUBLISHED, "TCGA-PRAD"))
    )

    assert {remap.origin for remap in (article, published, prostate)} == {RemapOrigin.GROUPS}
    assert [{remap.targets[index] for index in benign} for remap in (article, published, prostate)] == [{1}, {0}, {2}]
    assert article.targets[2] == published.targets[2] == 2
    assert article.targets[13] == prostate.targets[13] == 0

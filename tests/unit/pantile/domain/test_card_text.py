"""A card written as TOML is the same card when it is read."""

from dataclasses import replace

import pytest

from pantile.cards import load_shipped_cards
from pantile.domain.card_text import write_admission, write_card
from pantile.domain.segmenters import Admission, card_document, card_from, parse_card


@pytest.mark.parametrize("name", ["breast", "colon", "kidney", "lung", "prostate"])
def test_a_written_card_is_the_same_card(name: str) -> None:
    card = load_shipped_cards()[name]

    assert parse_card(write_card(card)) == card


@pytest.mark.parametrize(
    "words",
    [
        "",
        "one line",
        "two\nlines\n",
        'a "quote" and """three"""',
        "a \\ backslash\nand \\n",
        "ü ☃ 🧬",
        "\x00\t\x1f\x7f\r\n",
    ],
)
def test_all_characters_survive(words: str) -> None:
    card = replace(load_shipped_cards()["lung"], notes=words, title=words, expected_at=words)

    assert parse_card(write_card(card)) == card


def test_versions_of_the_library_are_part_of_the_card() -> None:
    card = replace(load_shipped_cards()["lung"], trained_with="smp 0.2.1", runs_with="smp 0.6.0", plot_rgb=None)

    assert parse_card(write_card(card)) == card
    assert card_from(card_document(card)) == card


ADMISSION = Admission(agreement=0.99858, pixels=2_606_080, arithmetic="bfloat16", tissue="3 images at 0.25 mpp")


def test_an_admission_is_part_of_the_card() -> None:
    card = replace(load_shipped_cards()["lung"], admission=ADMISSION)

    assert parse_card(write_card(card)) == card


@pytest.mark.parametrize(
    "before",
    [
        "",
        '[admission]\nagreement = 0.9\npixels = 1\narithmetic = "float16"\ntissue = "[old]"\n',
        'admission = { agreement = 0.9, pixels = 1, arithmetic = "float16", tissue = "old" }\n',
    ],
    ids=["none", "a table", "in line"],
)
def test_an_admission_is_written_in_place_of_the_one_before(before: str) -> None:
    card = load_shipped_cards()["lung"]

    text = write_admission(before + "\n" + write_card(card) if "{" in before else write_card(card) + before, ADMISSION)

    assert parse_card(text) == replace(card, admission=ADMISSION)


def test_an_admission_leaves_remarks_where_they_are() -> None:
    text = "# Ours.\n" + write_card(load_shipped_cards()["lung"]).replace("[[classes]]", "# A class.\n[[classes]]", 1)

    once = write_admission(text, replace(ADMISSION, agreement=0.5))
    twice = write_admission(once + "\n# The end.\n", ADMISSION)

    assert twice.startswith(text.rstrip())
    assert "# The end.\n" in twice
    assert twice.count("[admission]") == 1

"""A card written as TOML is the same card when it is read."""

from dataclasses import replace

import pytest

from pantile.cards import load_shipped_cards
from pantile.domain.card_text import write_card
from pantile.domain.segmenters import card_document, card_from, parse_card


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

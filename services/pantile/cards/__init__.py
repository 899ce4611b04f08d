"""The cards of the study's five segmenters, which ship with the project because their weights cannot."""

from functools import cache
from importlib.resources import files

from pantile.domain.segmenters import Card, parse_card


@cache
def load_shipped_cards() -> dict[str, Card]:
    """The shipped cards by name; none of them knows a checkpoint."""
    folder = files(__package__)
    texts = [entry.read_text("utf-8") for entry in folder.iterdir() if entry.name.endswith(".toml")]
    cards = [parse_card(text) for text in texts]
    return {card.name: card for card in sorted(cards, key=lambda card: card.name)}

"""The demo's segmenters ship whole: cards that name their checkpoints, measured for mixed precision."""

import hashlib

from pantile.domain.segmenters import parse_card
from pantile.local.demo_cohorts import demo_cards


def test_each_of_the_demos_cards_names_its_checkpoint_and_what_was_measured_with_it() -> None:
    shipped = [(parse_card(card.read_text("utf-8")), checkpoint.read_bytes()) for card, checkpoint in demo_cards()]

    assert len(shipped) == 3
    for card, content in shipped:
        assert card.checkpoint_sha256 == hashlib.sha256(content).hexdigest()
        assert card.admission is not None
        assert card.admits_mixed

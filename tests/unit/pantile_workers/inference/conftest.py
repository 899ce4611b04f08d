from collections.abc import Callable

import pytest

from pantile.domain.class_maps import ClassGroup, ClassScheme, TissueClass
from pantile.domain.segmenters import Card

MakeCard = Callable[..., Card]


@pytest.fixture
def make_card() -> MakeCard:
    """Makes a card of a small U-Net; what is given replaces what it would have."""

    def make(*, classes: int = 4, **fields: object) -> Card:
        scheme = ClassScheme(
            tuple(
                TissueClass(
                    index=index,
                    name=f"class {index}",
                    group=ClassGroup.OTHER,
                    simplified_rgb=(index, 0, 0),
                    detailed_rgb=(0, index, 0),
                )
                for index in range(classes)
            )
        )
        known: dict[str, object] = {
            "name": "small",
            "version": "1",
            "title": "Small",
            "architecture": "Unet",
            "encoder": "timm-efficientnet-b0",
            "output_channels": classes,
            "model_mpp": 1.0,
            "patch_px": 64,
            "scheme": scheme,
            "licence": "none",
        }
        return Card(**(known | fields))  # type: ignore[arg-type]  # checked by the card itself

    return make

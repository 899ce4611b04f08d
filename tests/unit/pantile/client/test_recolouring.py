"""A class map in other colours has the same indices."""

from pathlib import Path

import numpy as np
from PIL import Image

from pantile.client.recolouring import class_colours, recolour
from pantile.domain.class_maps import ClassGroup, PaletteName
from pantile.schemas.segmenters import ClassOut

CLASSES = [
    ClassOut(
        index=0, name="glass", group=ClassGroup.BACKGROUND, simplified_rgb=(255, 255, 255), detailed_rgb=(1, 2, 3)
    ),
    ClassOut(index=1, name="tumor", group=ClassGroup.TUMOR, simplified_rgb=(0, 0, 255), detailed_rgb=(4, 5, 6)),
]


def test_only_the_palette_changes(tmp_path: Path) -> None:
    class_map = np.array([[0, 1, 1], [1, 0, 200]], dtype=np.uint8)
    picture = Image.fromarray(class_map)
    picture.putpalette([0] * 768)
    picture.save(tmp_path / "a.png")

    recolour(tmp_path / "a.png", tmp_path / "b.png", class_colours(CLASSES, PaletteName.DETAILED))

    with Image.open(tmp_path / "b.png") as copy:
        assert np.array_equal(np.array(copy), class_map)
        assert (copy.getpalette() or [])[:6] == [1, 2, 3, 4, 5, 6]

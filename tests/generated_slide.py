"""A whole slide of generated tissue, for the pictures in docs: two pieces on glass, as a pyramidal TIFF."""

from pathlib import Path

import numpy as np
import pyvips
from PIL import Image

from pantile.domain.class_maps import RgbImage
from pantile.local.tissue import Morphology, generate_region

MPP = 1.0
WIDTH_PX, HEIGHT_PX = 12_000, 8_400
_GLASS = (243, 242, 244)
_REGION_PX = 1000
"""Of generated tissue, which is mirrored at its edges until it fills a piece."""

_PIECES = (
    (Morphology.GLANDULAR, 5, 700, 1500, 6000, 5600),
    (Morphology.NESTED, 8, 7300, 900, 3900, 4400),
)
"""Morphology, seed, and left, top, width, height in pixels."""


def write_slide(file: Path) -> None:
    """Writes the slide; pixels of 1 µm."""
    slide = np.full((HEIGHT_PX, WIDTH_PX, 3), _GLASS, dtype=np.uint8)
    for morphology, seed, left, top, width, height in _PIECES:
        region = generate_region(morphology, seed=seed, width_px=_REGION_PX, height_px=_REGION_PX, mpp=MPP).image
        beyond = ((0, height - _REGION_PX), (0, width - _REGION_PX), (0, 0))
        slide[top : top + height, left : left + width] = _on_glass(np.pad(region, beyond, mode="symmetric"), seed=seed)
    image = pyvips.Image.new_from_memory(slide.tobytes(), WIDTH_PX, HEIGHT_PX, 3, "uchar").copy(interpretation="srgb")
    per_mm = 1000 / MPP
    image.tiffsave(str(file), tile=True, pyramid=True, compression="jpeg", Q=85, xres=per_mm, yres=per_mm)


def _on_glass(region: RgbImage, *, seed: int) -> RgbImage:
    """The region with the outline of a piece of tissue, (height, width, 3) uint8."""
    height, width = region.shape[:2]
    rows, columns = np.mgrid[-1:1:200j, -1:1:200j]
    angle = np.arctan2(rows, columns)
    phases = np.random.default_rng(seed).uniform(0, 2 * np.pi, 8)
    outline = 0.85 + sum(0.09 / n * np.sin(n * angle + phase) for n, phase in enumerate(phases, start=2))
    beyond = Image.fromarray(np.hypot(rows, columns) >= outline).resize((width, height))
    piece = Image.fromarray(region)
    piece.paste(_GLASS, mask=beyond)
    return np.asarray(piece)

"""Synthetic H&E regions with known ground truth, for the demo, its segmenters and tests: no slide is needed."""

from dataclasses import dataclass
from math import ceil

import numpy as np
from numpy.random import Generator
from PIL import Image

from pantile.domain.class_maps import ClassGroup, ClassMap, ClassScheme, RgbImage, TissueClass
from pantile.local.tissue_fields import Shape, resize
from pantile.local.tissue_growth import Morphology
from pantile.local.tissue_layout import DETAIL_MPP, Layout, lay_out
from pantile.local.tissue_nuclei import place_nuclei, stamp_nuclei
from pantile.local.tissue_stains import colour, stain

__all__ = ["DEMO_SCHEME", "Morphology", "Region", "generate_region"]

_GREY, _WHITE = (128, 128, 128), (255, 255, 255)


def _tissue_class(index: int, name: str, group: ClassGroup, *colours: tuple[int, int, int]) -> TissueClass:
    return TissueClass(index=index, name=name, group=group, simplified_rgb=colours[0], detailed_rgb=colours[-1])


DEMO_SCHEME = ClassScheme(
    (
        _tissue_class(0, "BACKGROUND", ClassGroup.BACKGROUND, _WHITE),
        _tissue_class(1, "TUMOR", ClassGroup.TUMOR, (0, 0, 255)),
        _tissue_class(2, "TUMOR STROMA", ClassGroup.TUMOR_STROMA, (255, 165, 0)),
        _tissue_class(3, "NECROSIS", ClassGroup.NECROSIS, _GREY, (152, 78, 163)),
        _tissue_class(4, "OTHER", ClassGroup.OTHER, _GREY),
    )
)
"""The classes of the ground truth and of the demo segmenters, in the study's colours.

Background is glass and open lumens, other is fat, lymphoid tissue and benign glands.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """A synthetic region: (height, width, 3) uint8 image and (height, width) uint8 class map in `DEMO_SCHEME`."""

    image: RgbImage
    class_map: ClassMap


def generate_region(morphology: Morphology, *, seed: int, width_px: int, height_px: int, mpp: float) -> Region:
    """The region of this seed; another size in pixels or `mpp` with the same extent in µm shows the same tissue."""
    streams = np.random.default_rng([seed, list(Morphology).index(morphology)]).spawn(5)
    layout = lay_out(streams[0], morphology, height_um=height_px * mpp, width_um=width_px * mpp)
    image = _paint(streams[1:], layout, morphology, shape=(height_px, width_px), mpp=mpp)
    class_map = Image.fromarray(layout.class_map).resize((width_px, height_px), Image.Resampling.NEAREST)
    return Region(image=image, class_map=np.asarray(class_map))


def _paint(streams: list[Generator], layout: Layout, morphology: Morphology, *, shape: Shape, mpp: float) -> RgbImage:
    """The image: painted at `DETAIL_MPP` or finer, then averaged where fewer pixels are asked for.

    Each step has its own stream of random numbers, since drawing nuclei takes more of them for smaller pixels.
    """
    shrink = max(1, ceil(mpp / DETAIL_MPP))
    stains = stain(streams[0], layout, morphology)
    fine = (shape[0] * shrink, shape[1] * shrink)
    canvas = np.array(resize(stains[0], fine)), np.array(resize(stains[1], fine))
    for nuclei in place_nuclei(streams[1], layout, morphology):
        stamp_nuclei(streams[2], canvas, nuclei, mpp / shrink)
    image = colour(streams[3], canvas, morphology)
    return np.asarray(Image.fromarray(image).reduce(shrink)) if shrink > 1 else image

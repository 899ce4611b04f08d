"""The demo's cohorts: generated regions whose tumors grow in different ways, with their ground truth beside them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from pantile.domain.class_maps import ClassGroup, ClassMap, at_pixels
from pantile.domain.csv_text import write_csv
from pantile.domain.dice import dice_of_class
from pantile.local.tissue import DEMO_SCHEME, Morphology, generate_region

MPP = 0.25
"""Microns per pixel of the demo's regions, as the study's."""

SIZE_PX = (3000, 2400)
REGIONS = 3
_FIRST_SEED = 7001
"""Seeds from here on are the demo's; training and validation use smaller ones."""

_JPEG_QUALITY = 80
_TUMOR = DEMO_SCHEME.indices_of(ClassGroup.TUMOR)[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoRegion:
    """A generated region of a cohort, its image and ground truth as files."""

    cohort: str
    slide: str
    image: Path
    truth: Path


def cohort_name(morphology: Morphology) -> str:
    """The cohort of a morphology's regions."""
    return f"DEMO-{morphology.value.upper().replace('_', '-')}"


def list_regions(folder: Path) -> list[DemoRegion]:
    """All regions of the demo, with the places of their files below `folder`, made or not."""
    return [
        DemoRegion(
            cohort=cohort_name(morphology),
            slide=f"{cohort_name(morphology)}-{number:02}",
            image=folder / cohort_name(morphology) / f"{cohort_name(morphology)}-{number:02}_{MPP}_tumor_original.jpg",
            truth=folder / "ground-truth" / f"{cohort_name(morphology)}-{number:02}.png",
        )
        for morphology in Morphology
        for number in range(1, REGIONS + 1)
    ]


def write_regions(folder: Path, *, on_region: Callable[[], None]) -> list[DemoRegion]:
    """Generates the regions that are not there yet, and gives them all."""
    regions = list_regions(folder)
    for place, region in enumerate(regions):
        if not (region.image.exists() and region.truth.exists()):
            morphology = list(Morphology)[place // REGIONS]
            _write_region(region, morphology, seed=_FIRST_SEED + place % REGIONS)
        on_region()
    return regions


def _write_region(region: DemoRegion, morphology: Morphology, *, seed: int) -> None:
    made = generate_region(morphology, seed=seed, width_px=SIZE_PX[0], height_px=SIZE_PX[1], mpp=MPP)
    for path, picture, options in (
        (region.truth, Image.fromarray(made.class_map), {}),
        (region.image, Image.fromarray(made.image), {"quality": _JPEG_QUALITY}),
    ):
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f".{path.name}")
        picture.save(draft, format="PNG" if path.suffix == ".png" else "JPEG", **options)
        draft.replace(path)


def tumor_dice(region: DemoRegion, class_map: ClassMap, *, map_mpp: float) -> float:
    """Dice of tumor between a class map and the region's ground truth, at the pixels of the image."""
    truth = np.asarray(Image.open(region.truth))
    scale = map_mpp / MPP
    extent_px = (class_map.shape[1] * scale, class_map.shape[0] * scale)
    predicted = at_pixels(class_map, height_px=truth.shape[0], width_px=truth.shape[1], extent_px=extent_px)
    return dice_of_class(truth, predicted, _TUMOR)


def demo_cards() -> Iterator[tuple[Path, Path]]:
    """Card and checkpoint of each of the demo's segmenters, which ship with Pantile, in the order of the cohorts."""
    for morphology in Morphology:
        card = Path(__file__).parent / "segmenters" / f"{cohort_name(morphology).lower()}.toml"
        yield card, card.with_suffix(".safetensors")


def write_dice_table(path: Path, rows: list[tuple[str, str, float]]) -> None:
    """Writes (cohort, segmenter, mean tumor Dice) rows as CSV."""
    path.write_text(write_csv(("cohort", "segmenter", "mean_tumor_dice"), rows), "utf-8")

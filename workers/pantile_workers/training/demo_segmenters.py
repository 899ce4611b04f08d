"""The demo's three segmenters: each trained on synthetic tissue of one morphology, so that each does best at home.

`python -m pantile_workers.training.demo_segmenters --out DIR` draws the tissue and trains all three, by the files
`demo-*.training.toml` that lie beside their cards.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer
from numpy.typing import NDArray
from PIL import Image

import pantile.local
from pantile.cli.screen import say, show_table
from pantile.domain.class_maps import count_pixels
from pantile.domain.confusion import dice_by_class
from pantile.domain.segmenters import Card, parse_card
from pantile.local.tissue import DEMO_SCHEME, Morphology, Region, generate_region
from pantile_workers.inference.checkpoints import load_network
from pantile_workers.training.commands import train
from pantile_workers.training.measuring import measure
from pantile_workers.training.tissue import LabelledTissue

SEGMENTERS = Path(pantile.local.__file__).parent / "segmenters"
"""Where the demo's cards, checkpoints and trainings lie."""

_SIDE_PX = 768
_MPP = 1.0
_TRAINING_SEEDS = range(10_000, 10_040)
_HELD_OUT_SEEDS = range(20_000, 20_006)
_CPU = torch.device("cpu")


def main(
    out: Annotated[Path, typer.Option(metavar="DIR", help="For the tissue, and a folder for each training.")],
    *,
    shipped: Annotated[bool, typer.Option("--shipped", help="Train none: measure those that ship.")] = False,
) -> None:
    """Trains the demo's segmenters; shows the Dice of each on tissue of every morphology that none has seen."""
    names = {morphology: demo_name(morphology) for morphology in Morphology}
    if not shipped:
        for morphology, name in names.items():
            draw_tissue(out / "tissue" / name, morphology, _TRAINING_SEEDS)
            train(SEGMENTERS / f"{name}.training.toml", tissue=out / "tissue" / name, out=out / name, resume=True)
    cards = {name: (SEGMENTERS if shipped else out / name) / f"{name}.toml" for name in names.values()}
    _show(cross_dice(cards), list(cards))


def demo_name(morphology: Morphology) -> str:
    """The name of a morphology's segmenter."""
    return f"demo-{morphology.replace('_', '-')}"


def draw_tissue(folder: Path, morphology: Morphology, seeds: Sequence[int]) -> None:
    """Writes a region for each seed, with its class map, as a training's patterns find them."""
    for kind in ("images", "class-maps"):
        (folder / kind).mkdir(parents=True, exist_ok=True)
    for seed in seeds:
        region = _generate(morphology, seed)
        Image.fromarray(region.image).save(folder / "images" / f"{seed}.png")
        Image.fromarray(region.class_map).save(folder / "class-maps" / f"{seed}.png")


def cross_dice(cards: Mapping[str, Path]) -> NDArray[np.float64]:
    """(segmenters, morphologies, classes) Dice on regions that no network was trained on; NaN for a class nowhere."""
    held_out = [_held_out(morphology) for morphology in Morphology]
    return np.array([[_dice(path, tissues) for tissues in held_out] for path in cards.values()])


def _dice(path: Path, tissues: Sequence[LabelledTissue]) -> list[float]:
    card: Card = parse_card(path.read_text("utf-8"))
    network = load_network(card, path.with_suffix(".safetensors"))
    confusion = measure(network, tissues, card, device=_CPU, batch=4)
    return [np.nan if value is None else value for value in dice_by_class(confusion)]


def _held_out(morphology: Morphology) -> list[LabelledTissue]:
    regions = ((seed, _generate(morphology, seed)) for seed in _HELD_OUT_SEEDS)
    return [
        LabelledTissue(
            name=f"{morphology} {seed}",
            case=str(seed),
            digest="",
            pixels=np.concatenate([region.image, region.class_map[..., None]], axis=-1),
            class_pixels=tuple(count_pixels(region.class_map, len(DEMO_SCHEME))),
        )
        for seed, region in regions
    ]


def _generate(morphology: Morphology, seed: int) -> Region:
    return generate_region(morphology, seed=seed, width_px=_SIDE_PX, height_px=_SIDE_PX, mpp=_MPP)


def _show(dice: NDArray[np.float64], names: Sequence[str]) -> None:
    """One table a class: a row for each segmenter, a column for each morphology."""
    for tissue in DEMO_SCHEME.classes:
        say(f"\n{tissue.name}")
        rows = [
            (name, *(f"{value:.3f}" for value in row))
            for name, row in zip(names, dice[:, :, tissue.index], strict=True)
        ]
        show_table(("segmenter", *Morphology), rows)


if __name__ == "__main__":
    typer.run(main)

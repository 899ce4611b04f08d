"""The demo's three segmenters: each trained on synthetic tissue of one morphology, so that each does best at home.

`python -m pantile_workers.training.demo_segmenters --out services/pantile/local/segmenters` makes them anew.
"""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from time import monotonic
from typing import Annotated

import numpy as np
import structlog
import torch
import typer
from numpy.typing import NDArray
from safetensors.torch import save
from torch import nn

from pantile.domain.segmenters import Card, parse_card
from pantile.local.tissue import DEMO_SCHEME, Morphology, generate_region
from pantile_workers.training.dataset import LabelledImage
from pantile_workers.training.train import TrainingPlan, measure_dice, train_network

log = structlog.get_logger()

_SIDE_PX = 768
_MPP = 1.0
_TRAINING_SEEDS = range(10_000, 10_040)
_HELD_OUT_SEEDS = range(20_000, 20_006)
_PLOT_RGB = {
    Morphology.GLANDULAR: (0, 119, 187),
    Morphology.NESTED: (238, 119, 51),
    Morphology.CLEAR_CELL: (0, 153, 136),
}
_CARD = """\
# A segmenter of the demo, made by `python -m pantile_workers.training.demo_segmenters`; do not edit.
name = "demo-{dashed}"
version = "1"
title = "Demo segmenter of {spaced} tumors"
format = "smp"
architecture = "Unet"
encoder = "tu-mobilenetv3_small_050"
decoder_channels = [64, 48, 32, 16, 8]
output_channels = {classes}
model_mpp = {mpp}
patch_px = 512
licence = "Apache-2.0"
training_cohorts = ["DEMO-{upper}"]
plot_rgb = {plot_rgb}
notes = "Trained on synthetic tissue alone. It knows nothing of real tissue and must not be used on any."

[checkpoint]
sha256 = "{sha256}"
"""
_CLASS = """
[[classes]]
index = {index}
name = "{name}"
group = "{group}"
simplified_rgb = {simplified_rgb}
detailed_rgb = {detailed_rgb}
"""
_REMAPS = """
[dice_remaps.article]
"*" = { 0 = 0, 1 = 1, 2 = 2, 3 = 0, 4 = 0 }

[dice_remaps.published_code]
"*" = { 0 = 0, 1 = 1, 2 = 2, 3 = 0, 4 = 0 }
"""


def main(
    out: Annotated[Path, typer.Option(help="Folder for the cards and checkpoints.")],
    steps: Annotated[int, typer.Option(help="Training steps of each segmenter.")] = 750,
    threads: Annotated[int, typer.Option(help="Threads of the CPU; another number changes the last bits.")] = 1,
) -> None:
    """Trains the demo's segmenters and prints their Dice for tumor on every morphology."""
    torch.set_num_threads(threads)
    out.mkdir(parents=True, exist_ok=True)
    networks = {morphology: _train(morphology, TrainingPlan(steps=steps)) for morphology in Morphology}
    for morphology, network in networks.items():
        write_segmenter(out, morphology, network)
    typer.echo(_show(cross_dice(networks)))


def demo_card(morphology: Morphology, *, sha256: str = "") -> Card:
    """The card of a morphology's segmenter; without a digest while there is no checkpoint."""
    return parse_card(_card_text(morphology, sha256))


def write_segmenter(out: Path, morphology: Morphology, network: nn.Module) -> None:
    """Writes the network's checkpoint and its card into the folder `out`."""
    checkpoint = save({name: tensor.contiguous() for name, tensor in network.state_dict().items()})
    card = _card_text(morphology, hashlib.sha256(checkpoint).hexdigest())
    path = out / parse_card(card).name
    path.with_suffix(".safetensors").write_bytes(checkpoint)
    path.with_suffix(".toml").write_text(card, "utf-8")


def cross_dice(networks: Mapping[Morphology, nn.Module]) -> NDArray[np.float64]:
    """(networks, morphologies, classes) Dice on regions that no network was trained on."""
    held_out = [_draw(morphology, _HELD_OUT_SEEDS) for morphology in Morphology]
    return np.array(
        [
            [measure_dice(network, images, demo_card(morphology)) for images in held_out]
            for morphology, network in networks.items()
        ]
    )


def _train(morphology: Morphology, plan: TrainingPlan) -> nn.Module:
    started = monotonic()
    images = _draw(morphology, _TRAINING_SEEDS)
    log.info("regions drawn", morphology=morphology, regions=len(images), seconds=round(monotonic() - started))

    def report(step: int, loss: float) -> None:
        if step % 50 == 49:
            log.info("learning", morphology=morphology, step=step + 1, loss=round(loss, 3))

    network = train_network(demo_card(morphology), images, plan, report=report)
    log.info("trained", morphology=morphology, seconds=round(monotonic() - started))
    return network


def _draw(morphology: Morphology, seeds: Sequence[int]) -> list[LabelledImage]:
    regions = (
        generate_region(morphology, seed=seed, width_px=_SIDE_PX, height_px=_SIDE_PX, mpp=_MPP) for seed in seeds
    )
    return [LabelledImage(image=region.image, class_map=region.class_map) for region in regions]


def _card_text(morphology: Morphology, sha256: str) -> str:
    card = _CARD.format(
        dashed=morphology.replace("_", "-"),
        spaced=morphology.replace("_", " "),
        upper=morphology.replace("_", "-").upper(),
        classes=len(DEMO_SCHEME),
        mpp=_MPP,
        plot_rgb=list(_PLOT_RGB[morphology]),
        sha256=sha256,
    )
    classes = (
        _CLASS.format(
            index=tissue.index,
            name=tissue.name,
            group=tissue.group,
            simplified_rgb=list(tissue.simplified_rgb),
            detailed_rgb=list(tissue.detailed_rgb),
        )
        for tissue in DEMO_SCHEME.classes
    )
    return card + "".join(classes) + _REMAPS


def _show(dice: NDArray[np.float64]) -> str:
    """One table a class: a row for each segmenter, a column for each morphology."""
    lines = []
    for tissue in DEMO_SCHEME.classes:
        lines.append(f"\n{tissue.name:24}" + "".join(f"{morphology:>12}" for morphology in Morphology))
        lines += [
            f"demo-{morphology.replace('_', '-'):19}" + "".join(f"{value:12.3f}" for value in row)
            for morphology, row in zip(Morphology, dice[:, :, tissue.index], strict=True)
        ]
    return "\n".join(lines)


if __name__ == "__main__":
    typer.run(main)

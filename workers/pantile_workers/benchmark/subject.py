"""What the benchmark segments: an ROI of the study's size, as many files of it as wanted, and its segmenters."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors.torch import save_file

from pantile.domain.errors import FileRefused
from pantile.domain.segmenters import Card, parse_card
from pantile.local.tissue import DEMO_SCHEME, Morphology, generate_region
from pantile.objects import sha256_of
from pantile_workers.inference.checkpoints import build_smp

STUDY_SIZE_PX = (12_500, 10_000)
STUDY_MPP = 0.25
_JPEG_QUALITY = 80
_GENERATED_PX = (3125, 2500)
_SEED = 11

_COMMENT = b"\xff\xfe"


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A card with its checkpoint; the segmenters of a benchmark are the same network under several names."""

    card: Card
    checkpoint: Path

    def named(self, number: int) -> Card:
        """The card of the segmenter of that number."""
        return replace(self.card, name=f"{self.card.name}-{number}")


def write_roi(path: Path) -> None:
    """Writes a JPEG of the study's size: generated tissue beside its mirror images."""
    width_px, height_px = _GENERATED_PX
    tissue = generate_region(Morphology.GLANDULAR, seed=_SEED, width_px=width_px, height_px=height_px, mpp=STUDY_MPP)
    pair = np.concatenate([tissue.image, tissue.image[:, ::-1]], axis=1)
    square = np.concatenate([pair, pair[::-1]], axis=0)
    across, down = STUDY_SIZE_PX[0] // square.shape[1], STUDY_SIZE_PX[1] // square.shape[0]
    Image.fromarray(np.tile(square, (down, across, 1))).save(path, quality=_JPEG_QUALITY)


def write_copies(image: Path, folder: Path, count: int) -> list[Path]:
    """Files of the same JPEG that differ in a comment, and so in their digests, as different ROIs do."""
    content = image.read_bytes()
    paths = [folder / f"BENCH-{number:04}-DX1_{STUDY_MPP}_tumor_original.jpg" for number in range(1, count + 1)]
    for number, path in enumerate(paths):
        words = f"copy {number}".encode()
        comment = _COMMENT + (len(words) + 2).to_bytes(2, "big") + words
        path.write_bytes(content[:2] + comment + content[2:])
    return paths


def read_standing(card: Path) -> Standing:
    """The segmenter of a card's file and the checkpoint beside it; raises `CardRefused` and `FileRefused`."""
    try:
        found = parse_card(card.read_text())
        checkpoint = card.with_suffix(found.format.suffix)
        digest = sha256_of(checkpoint.read_bytes())
    except OSError as error:
        raise FileRefused(f"{error.filename}, {error.strerror}") from error
    return Standing(card=replace(found, checkpoint_sha256=digest), checkpoint=checkpoint)


def write_standing(folder: Path) -> Standing:
    """The study's architecture with random weights: it takes a trained network's time, and knows nothing."""
    card = Card(
        name="untrained",
        version="1",
        title="The study's architecture with random weights",
        architecture="UnetPlusPlus",
        encoder="timm-efficientnet-b0",
        output_channels=len(DEMO_SCHEME),
        model_mpp=1.0,
        patch_px=512,
        scheme=DEMO_SCHEME,
        licence="Apache-2.0",
    )
    torch.manual_seed(_SEED)
    path = folder / "untrained.safetensors"
    save_file(build_smp(card).state_dict(), path)
    return Standing(card=replace(card, checkpoint_sha256=sha256_of(path.read_bytes())), checkpoint=path)

"""How far the engine's modes and stitchings agree, and how well each meets the ground truth, on real tissue.

`.venv/bin/python tests/benchmarks/fidelity.py` prints the tables of docs/fidelity.md: the three regions of
../shared/data/bcss at 0.25 mpp, segmented by toy4 in float32.
"""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from time import perf_counter

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pantile.domain.class_maps import ClassGroup, ClassMap, ClassScheme, TissueClass, at_pixels
from pantile.domain.dice import dice_of_class
from pantile.domain.segmenters import Card, EngineSettings, Mode, Stitching
from pantile_workers.imaging.patching import read_patches
from pantile_workers.imaging.reading import read_roi
from pantile_workers.inference.engine import Engine
from pantile_workers.inference.loaded import LoadedSegmenter
from pantile_workers.inference.placing import PatchSource

SHARED = Path(os.environ.get("PANTILE_SHARED", Path(__file__).parents[3] / "shared"))
ROI_MPP = 0.25
CLASSES = ("background", "tumor", "other tissue", "necrosis")
TUMOR = 1
NEAR_PX = 16
LEAST_COVER = 0.01

Key = tuple[Mode, Stitching]


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """One region: its class maps by mode and stitching at 1.0 mpp, and the ground truth at the ROI's own pixels.

    `mirrored` are class maps of the region beside and above its mirror images: as the regions are hardly larger than a
    patch, only those have patches enough without white padding.
    """

    name: str
    maps: dict[Key, ClassMap]
    mirrored: dict[Stitching, ClassMap]
    truth: ClassMap
    decode_s: dict[Mode, float]
    stitching_s: dict[Stitching, float]

    def at_roi_size(self, key: Key) -> ClassMap:
        """A class map at the ROI's own pixels."""
        class_map = self.maps[key]
        extent_px = (class_map.shape[1] / ROI_MPP, class_map.shape[0] / ROI_MPP)
        height_px, width_px = self.truth.shape
        return at_pixels(class_map, height_px=height_px, width_px=width_px, extent_px=extent_px)


def main() -> None:
    """Prints the tables."""
    with Engine(device="cpu", batch_patches=3) as engine:
        toy4 = engine.load(toy4_card(), lambda: SHARED / "checkpoints" / "toy4.safetensors")
        regions = list(_segment_all(engine, toy4))
    _print("Fast mode against exact", ("stitching", *_names(regions)), _agreements(regions))
    _print("Tumor Dice against the ground truth", ("mode", "stitching", *_names(regions)), _truths(regions))
    _print("Seams", ("regions", "stitching", "at seams", "at patch borders", "interior"), _seams(regions))
    _print("Accuracy near seams", ("mode", "stitching", f"within {NEAR_PX} px", "elsewhere"), _near_seams(regions))
    _print("Seconds a region", ("what", *_names(regions)), _seconds(regions))


def toy4_card() -> Card:
    """The card of the test segmenter."""
    classes = [
        TissueClass(index=index, name=name, group=ClassGroup.OTHER, simplified_rgb=(0, 0, 0), detailed_rgb=(0, 0, 0))
        for index, name in enumerate(CLASSES)
    ]
    return Card(
        name="toy4",
        version="1",
        title="toy4",
        architecture="UnetPlusPlus",
        encoder="timm-efficientnet-b0",
        output_channels=len(CLASSES),
        model_mpp=1.0,
        patch_px=512,
        scheme=ClassScheme(tuple(classes)),
        licence="for tests only",
    )


def _segment_all(engine: Engine, toy4: LoadedSegmenter) -> Iterator[Region]:
    for image in sorted((SHARED / "data" / "bcss" / "images").glob("*.jpg")):
        truth = np.asarray(Image.open(SHARED / "data" / "bcss" / "masks_toy4" / f"{image.stem}.png"))
        maps: dict[Key, ClassMap] = {}
        decode_s: dict[Mode, float] = {}
        stitching_s: dict[Stitching, float] = {}
        for mode in Mode:
            started = perf_counter()
            roi = _place(engine, image, mode)
            decode_s[mode] = perf_counter() - started
            for stitching in Stitching:
                done = engine.segment(roi, toy4, EngineSettings(mode=mode, stitching=stitching))
                maps[mode, stitching] = done.class_map
                stitching_s[stitching] = done.seconds.stitching_s
        yield Region(
            name=image.stem.split("-")[2],
            maps=maps,
            mirrored=_segment_mirrored(engine, toy4, image),
            truth=truth,
            decode_s=decode_s,
            stitching_s=stitching_s,
        )


def _segment_mirrored(engine: Engine, toy4: LoadedSegmenter, image: Path) -> dict[Stitching, ClassMap]:
    pixels = read_roi(image, roi_mpp=ROI_MPP, model_mpp=1.0).image
    height, width = pixels.shape[:2]
    roi = engine.place(np.pad(pixels, ((0, height), (0, width), (0, 0)), "symmetric"))
    return {each: engine.segment(roi, toy4, EngineSettings(stitching=each)).class_map for each in Stitching}


def _place(engine: Engine, image: Path, mode: Mode) -> PatchSource:
    if mode is Mode.FAST:
        return engine.place(read_roi(image, roi_mpp=ROI_MPP, model_mpp=1.0).image)
    cut = read_patches(image, roi_mpp=ROI_MPP, model_mpp=1.0, patch_px=512, stride_px=384)
    return engine.place_patches(cut.patches, corners=cut.corners, size_px=(cut.height_px, cut.width_px))


def _names(regions: Sequence[Region]) -> list[str]:
    return [region.name for region in regions]


def _agreements(regions: Sequence[Region]) -> Iterator[Sequence[str]]:
    for stitching in Stitching:
        pairs = [
            (each.at_roi_size((Mode.FAST, stitching)), each.at_roi_size((Mode.EXACT, stitching))) for each in regions
        ]
        yield f"{stitching}: pixel agreement", *(f"{(fast == exact).mean():.4%}" for fast, exact in pairs)
        yield f"{stitching}: mean Dice", *(f"{_mean_dice(exact, fast):.4f}" for fast, exact in pairs)


def _mean_dice(exact: ClassMap, fast: ClassMap) -> float:
    """Over the classes that cover 1 % of the region or more."""
    covering = [index for index in range(len(CLASSES)) if (exact == index).mean() >= LEAST_COVER]
    return float(np.mean([dice_of_class(exact, fast, index) for index in covering]))


def _truths(regions: Sequence[Region]) -> Iterator[Sequence[str]]:
    for mode, stitching in product(Mode, Stitching):
        found = [dice_of_class(each.truth, each.at_roi_size((mode, stitching)), TUMOR) for each in regions]
        yield mode, stitching, *(f"{dice:.4f}" for dice in found)


def _seams(regions: Sequence[Region]) -> Iterator[Sequence[str]]:
    """How often two pixels on either side of a line have different classes."""
    for stitching in Stitching:
        yield "as they are", stitching, *_changes([region.maps[Mode.FAST, stitching] for region in regions])
    for stitching in Stitching:
        yield "mirrored", stitching, *_changes([region.mirrored[stitching] for region in regions], whole=True)


def _changes(maps: Sequence[ClassMap], *, whole: bool = False) -> Iterator[str]:
    """At seams, at patch borders and elsewhere; with `whole`, only where no patch beside the line sees padding."""
    sides = [side for class_map in maps for side in (class_map, class_map.T)]
    for where in (_is_seam, _is_border, _is_interior):
        found = []
        for side in sides:
            lines = np.arange(1, side.shape[0])
            wanted = where(lines) & (lines <= (side.shape[0] - 512) // 384 * 384 + 128 if whole else True)
            found.append((side[1:] != side[:-1])[wanted].ravel())
        yield f"{np.concatenate(found).mean():.2%}"


def _is_seam(line: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Where the kept centres of two patches meet."""
    found: NDArray[np.bool_] = (line > 64) & ((line - 64) % 384 == 0)
    return found


def _is_border(line: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Where a patch begins or ends."""
    found: NDArray[np.bool_] = (line % 384 == 0) | ((line >= 512) & ((line - 512) % 384 == 0))
    return found


def _is_interior(line: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Where a single patch decides, 16 px and more from any other."""
    within = line % 384
    found: NDArray[np.bool_] = (within >= 128 + NEAR_PX) & (within < 384 - NEAR_PX)
    return found


def _near_seams(regions: Sequence[Region]) -> Iterator[Sequence[str]]:
    for mode, stitching in product(Mode, Stitching):
        near, right = [], []
        for region in regions:
            rows, columns = (_near(length) for length in region.truth.shape)
            near.append((rows[:, None] | columns).ravel())
            right.append((region.at_roi_size((mode, stitching)) == region.truth).ravel())
        is_near, is_right = np.concatenate(near), np.concatenate(right)
        yield mode, stitching, f"{is_right[is_near].mean():.2%}", f"{is_right[~is_near].mean():.2%}"


def _near(length_roi_px: int) -> NDArray[np.bool_]:
    """Which of the ROI's pixels lie near an edge of two kept centres."""
    place = np.arange(length_roi_px) * ROI_MPP
    found: NDArray[np.bool_] = (place > 384) & (np.abs((place - 64 + 192) % 384 - 192) < NEAR_PX)
    return found


def _seconds(regions: Sequence[Region]) -> Iterator[Sequence[str]]:
    for mode in Mode:
        yield f"decoding, {mode}", *(f"{region.decode_s[mode]:.2f}" for region in regions)
    for stitching in Stitching:
        yield f"stitching, {stitching}", *(f"{region.stitching_s[stitching]:.2f}" for region in regions)


def _print(title: str, header: Sequence[str], rows: Iterator[Sequence[str]]) -> None:
    print(f"\n{title}\n\n| {' | '.join(header)} |\n|{'---|' * len(header)}")  # noqa: T201
    for row in rows:
        print(f"| {' | '.join(row)} |")  # noqa: T201


if __name__ == "__main__":
    main()

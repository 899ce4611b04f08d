"""Which one number of a confidence map best says how wrong a class map is, on real tissue.

`.venv/bin/python tests/benchmarks/confidence.py` prints the table of docs/review.md: the three regions of
../shared/data/bcss at 0.25 mpp, segmented by toy4 in float32 and cut into squares. For each number it gives Spearman's
rank correlation, over the squares, with the share of pixels whose class is not that of the ground truth.
"""

from collections.abc import Iterator

import numpy as np
from fidelity import ROI_MPP, SHARED, toy4_card  # type: ignore[import-not-found]  # beside this script
from numpy.typing import NDArray
from PIL import Image

from pantile.cli.screen import show_table
from pantile.domain.class_maps import at_pixels
from pantile.domain.segmenters import EngineSettings, Stitching
from pantile_workers.imaging.reading import read_roi
from pantile_workers.inference.engine import Engine

SQUARE_PX = 128
UNKNOWN = 255
LEAST_KNOWN = 0.9
SHARES_BELOW = (0.5, 0.7, 0.9)


def main() -> None:
    """Prints the table."""
    rows = []
    for stitching in Stitching:
        wrong, *numbers = np.array(list(_measure(stitching))).T
        # The mean is high where the shares are low.
        correlations = [-_spearman(wrong, numbers[0]), *(_spearman(wrong, share) for share in numbers[1:])]
        rows.append((stitching, len(wrong), f"{wrong.mean():.1%}", *(f"{each:.2f}" for each in correlations)))
    show_table(("stitching", "squares", "wrong", "mean", *(f"share below {limit}" for limit in SHARES_BELOW)), rows)


def _measure(stitching: Stitching) -> Iterator[tuple[float, ...]]:
    """Of each square the share of wrong pixels, the mean confidence, and the shares of pixels below the limits."""
    with Engine(device="cpu") as engine:
        toy4 = engine.load(toy4_card(), lambda: SHARED / "checkpoints" / "toy4.safetensors")
        for image in sorted((SHARED / "data" / "bcss" / "images").glob("*.jpg")):
            roi = engine.place(read_roi(image, roi_mpp=ROI_MPP, model_mpp=1.0).image)
            done = engine.segment(roi, toy4, EngineSettings(stitching=stitching, confidence=True))
            assert done.confidence is not None
            truth = np.asarray(Image.open(SHARED / "data" / "bcss" / "masks_toy4" / f"{image.stem}.png"))
            height_px, width_px = done.class_map.shape
            extent_px = (truth.shape[1] * ROI_MPP, truth.shape[0] * ROI_MPP)
            truth = at_pixels(truth, height_px=height_px, width_px=width_px, extent_px=extent_px)
            for top in range(0, height_px - SQUARE_PX + 1, SQUARE_PX):
                for left in range(0, width_px - SQUARE_PX + 1, SQUARE_PX):
                    square = np.s_[top : top + SQUARE_PX, left : left + SQUARE_PX]
                    known = truth[square] != UNKNOWN
                    if known.mean() < LEAST_KNOWN:
                        continue
                    sure = done.confidence[square][known] / 255
                    yield (
                        float(np.mean(done.class_map[square][known] != truth[square][known])),
                        float(sure.mean()),
                        *(float(np.mean(sure < limit)) for limit in SHARES_BELOW),
                    )


def _spearman(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    return float(np.corrcoef(_ranks(one), _ranks(other))[0, 1])


def _ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Ranks, those of equal values averaged."""
    _, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    ranks: NDArray[np.float64] = (ends - (counts - 1) / 2)[places]
    return ranks


if __name__ == "__main__":
    main()

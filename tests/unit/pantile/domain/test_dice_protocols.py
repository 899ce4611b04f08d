"""The study's two protocols of Dice, against a plain numpy statement of each, on real tissue and at the boundaries."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pantile.cards import load_shipped_cards
from pantile.domain.class_maps import ClassMap
from pantile.domain.dice import IGNORED, DiceProtocol, Target, compare_pairs, count_pairs
from pantile.domain.dice_remaps import find_dice_remap

SAME = {0: 0, 1: 1, 2: 2}
ARTICLE, PUBLISHED = DiceProtocol.ARTICLE, DiceProtocol.PUBLISHED_CODE


def _plain_dice(truth: ClassMap, predicted: ClassMap, index: int) -> float:
    true, other = truth == index, predicted == index
    if not true.any() and not other.any():
        return 1.0
    return float(2 * (true & other).sum() / (true.sum() + other.sum()))


def _plain(
    protocol: DiceProtocol, truth: ClassMap, predicted: ClassMap, targets: Mapping[int, int]
) -> tuple[float | None, float, float]:
    """Overall Dice, that of tumor and of tumor stroma, as the protocols are written down."""
    if predicted.shape != truth.shape:
        resized = Image.fromarray(predicted).resize((truth.shape[1], truth.shape[0]), Image.Resampling.NEAREST)
        predicted = np.asarray(resized)
    mapped = np.zeros_like(predicted)
    for source, target in targets.items():
        mapped[predicted == source] = target
    truth = np.where(truth > 2, 0, truth).astype(np.uint8)
    if protocol is ARTICLE:
        mapped, truth = mapped[truth > 0], truth[truth > 0]
    tumor, stroma = _plain_dice(truth, mapped, 1), _plain_dice(truth, mapped, 2)
    present = [value for index, value in ((1, tumor), (2, stroma)) if (truth == index).any()]
    if present:
        return sum(present) / len(present), tumor, stroma
    return 0.0 if protocol is PUBLISHED else None, tumor, stroma


def _ours(
    protocol: DiceProtocol, truth: ClassMap, predicted: ClassMap, targets: Mapping[int, int]
) -> tuple[float | None, float, float]:
    figures = compare_pairs(count_pairs(truth, predicted), protocol, truth=SAME, predicted=targets)
    tumor, stroma = figures.classes
    return figures.overall, tumor.dice, stroma.dice


def _read(path: Path) -> ClassMap:
    return np.asarray(Image.open(path), dtype=np.uint8)


def _prediction(truth: ClassMap, *, classes: int, seed: int, shrink: int = 1) -> ClassMap:
    """A class map like the truth where a coin says so, and one of other classes elsewhere, in blocks."""
    rng = np.random.default_rng(seed)
    height, width = truth.shape[0] // shrink, truth.shape[1] // shrink
    own = truth[::shrink, ::shrink][:height, :width]
    blocks = rng.random((height // 16 + 1, width // 16 + 1)).repeat(16, 0).repeat(16, 1)[:height, :width]
    other = rng.integers(0, classes, (height // 8 + 1, width // 8 + 1)).repeat(8, 0).repeat(8, 1)[:height, :width]
    mixed: ClassMap = np.where(blocks < 0.7, np.minimum(own, classes - 1), other).astype(np.uint8)
    return mixed


@pytest.mark.parametrize("protocol", list(DiceProtocol))
@pytest.mark.parametrize("cohort", ["TCGA-BRCA", "TCGA-READ", "TCGA-LUSC", "TCGA-PRAD"])
@pytest.mark.parametrize("folder", ["bcss", "camelyon", "ocdc"])
def test_real_tissue_gives_what_the_protocol_says(
    shared: Path, folder: str, cohort: str, protocol: DiceProtocol
) -> None:
    files = sorted((shared / "data" / folder / "masks_toy4").glob("*.png"))[:3]
    assert files
    for seed, (file, card) in enumerate(zip(files * 2, load_shipped_cards().values(), strict=False)):
        truth = _read(file)
        targets = find_dice_remap(card, protocol, cohort).targets
        for shrink in (1, 3):
            predicted = _prediction(truth, classes=len(card.scheme), seed=seed, shrink=shrink)

            assert _ours(protocol, truth, predicted, targets) == pytest.approx(
                _plain(protocol, truth, predicted, targets), abs=1e-12
            )


def _row(*indices: int) -> ClassMap:
    return np.array([indices], dtype=np.uint8)


@pytest.mark.parametrize(
    ("truth", "predicted", "article", "published"),
    [
        (_row(1, 1, 2, 2), _row(1, 1, 2, 2), (1.0, 1.0, 1.0), (1.0, 1.0, 1.0)),
        # Absent from both: 1, and no part of the mean.
        (_row(1, 1, 0, 0), _row(1, 0, 0, 0), (2 / 3, 2 / 3, 1.0), (2 / 3, 2 / 3, 1.0)),
        # Absent from one: 0.
        (_row(1, 1, 2, 2), _row(1, 1, 1, 1), (1 / 3, 2 / 3, 0.0), (1 / 3, 2 / 3, 0.0)),
        # Tumor outside of what was annotated counts against the published code only.
        (_row(1, 1, 0, 0), _row(1, 1, 1, 1), (1.0, 1.0, 1.0), (2 / 3, 2 / 3, 1.0)),
        (_row(0, 0, 0, 0), _row(1, 0, 0, 0), (None, 1.0, 1.0), (0.0, 0.0, 1.0)),
        (_row(0, 0), _row(0, 0), (None, 1.0, 1.0), (0.0, 1.0, 1.0)),
        # Ground truth with more classes: those above 2 are background.
        (_row(1, 5, 8, 2), _row(1, 1, 0, 2), (1.0, 1.0, 1.0), (5 / 6, 2 / 3, 1.0)),
    ],
    ids=["same", "absent from both", "absent from one", "beyond the truth", "no foreground", "nothing", "more classes"],
)
def test_boundaries(
    truth: ClassMap,
    predicted: ClassMap,
    article: tuple[float | None, float, float],
    published: tuple[float | None, float, float],
) -> None:
    assert _ours(ARTICLE, truth, predicted, SAME) == pytest.approx(article)
    assert _ours(PUBLISHED, truth, predicted, SAME) == pytest.approx(published)
    assert _plain(ARTICLE, truth, predicted, SAME) == pytest.approx(article)
    assert _plain(PUBLISHED, truth, predicted, SAME) == pytest.approx(published)


@pytest.mark.parametrize("shape", [(7, 11), (64, 200), (3, 130), (1, 1)])
def test_a_prediction_of_another_shape_is_looked_up_by_nearest_neighbour(shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 3, (66, 131)).astype(np.uint8)
    predicted = rng.integers(0, 3, shape).astype(np.uint8)

    for protocol in DiceProtocol:
        assert _ours(protocol, truth, predicted, SAME) == pytest.approx(_plain(protocol, truth, predicted, SAME))


def test_a_prediction_that_covers_more_than_the_truth_is_not_squeezed() -> None:
    truth = np.ones((10, 10), dtype=np.uint8)
    predicted = np.zeros((5, 6), dtype=np.uint8)
    predicted[:, :5] = 1

    counts = count_pairs(truth, predicted, extent_px=(12.0, 10.0))

    assert counts[1, 1] == 100


def test_ignored_pixels_take_no_part_in_either_protocol() -> None:
    counts = count_pairs(_row(1, 255, 2, 0), _row(1, 1, 2, 0))
    remap = SAME | {255: IGNORED}

    both = [compare_pairs(counts, protocol, truth=remap, predicted=SAME) for protocol in DiceProtocol]

    assert [(figures.overall, figures.known_pixels) for figures in both] == [(1.0, 3), (1.0, 3)]


def test_iou_and_areas_follow_from_the_confusion() -> None:
    figures = compare_pairs(count_pairs(_row(1, 1, 2, 0), _row(1, 0, 1, 0)), PUBLISHED, truth=SAME, predicted=SAME)

    tumor, stroma = figures.classes
    assert figures.confusion == ((1, 0, 0), (1, 1, 0), (0, 1, 0))
    assert (tumor.truth_pixels, tumor.predicted_pixels, tumor.shared_pixels) == (2, 2, 1)
    assert tumor.iou == pytest.approx(1 / 3)
    assert (tumor.target, stroma.iou) == (Target.TUMOR, 0.0)


def test_counts_do_not_depend_on_how_rows_are_grouped() -> None:
    rng = np.random.default_rng(1)
    truth, predicted = (rng.integers(0, 14, (200, 33)).astype(np.uint8) for _ in range(2))

    counts = count_pairs(truth, predicted)

    assert counts.sum() == truth.size
    assert counts[3, 7] == int(((truth == 3) & (predicted == 7)).sum())

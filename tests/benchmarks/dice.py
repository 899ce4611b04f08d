"""How long the Dice of one class map takes, beside what a loop over masks takes: `python tests/benchmarks/dice.py`."""

import statistics
import time
from collections.abc import Callable

import numpy as np

from pantile.cards import load_shipped_cards
from pantile.domain.class_maps import ClassMap
from pantile.domain.dice import DiceProtocol, compare_pairs, count_pairs, dice
from pantile.domain.dice_remaps import find_dice_remap

SHAPE = (2530, 3163)
SAME = {0: 0, 1: 1, 2: 2}
_REPEATS = 15


def main() -> None:
    """Prints the median and the least of some repeats, in milliseconds of one core."""
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 3, SHAPE).astype(np.uint8)
    predicted = rng.integers(0, 13, SHAPE).astype(np.uint8)
    smaller = predicted[: SHAPE[0] // 4, : SHAPE[1] // 4].copy()
    ways: dict[str, Callable[[], object]] = {
        "both protocols, same shape": lambda: _both(truth, predicted),
        "both protocols, prediction of a quarter of the size": lambda: _both(truth, smaller),
        "masks of two classes, one protocol": lambda: [dice(truth == index, predicted == index) for index in (1, 2)],
    }
    for name, way in ways.items():
        took_ms = [_measure(way) * 1e3 for _ in range(_REPEATS)]
        print(f"{name:>52}: median {statistics.median(took_ms):5.1f} ms, least {min(took_ms):5.1f} ms")  # noqa: T201


def _both(truth: ClassMap, predicted: ClassMap) -> list[float | None]:
    card = load_shipped_cards()["lung"]
    counts = count_pairs(truth, predicted)
    return [
        compare_pairs(
            counts, protocol, truth=SAME, predicted=find_dice_remap(card, protocol, "TCGA-LUAD").targets
        ).overall
        for protocol in DiceProtocol
    ]


def _measure(way: Callable[[], object]) -> float:
    begun = time.process_time()
    way()
    return time.process_time() - begun


if __name__ == "__main__":
    main()

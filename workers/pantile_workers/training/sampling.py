"""Sampling: which patches there are, which classes each shows, and in which order a network sees them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from pantile.domain.class_maps import ClassGroup
from pantile.domain.errors import TrainingRefused
from pantile.domain.training import Balance, Training
from pantile_workers.training.tissue import LabelledTissue


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PatchIndex:
    """All patches of some tissue.

    `corners` is (patches, 3) int64: which image, top and left. `shows` is (patches, classes) bool: whether a class
    covers enough of the patch to count.
    """

    corners: NDArray[np.int64]
    shows: NDArray[np.bool_]

    @property
    def by_class(self) -> list[int]:
        """How many patches show each class."""
        return [int(count) for count in self.shows.sum(axis=0)]


def index_patches(tissues: Sequence[LabelledTissue], training: Training) -> PatchIndex:
    """The patches of a training's stride that show any class at all.

    Raises:
        TrainingRefused: none of them shows tumor.
    """
    patch_px, classes = training.patch_px, len(training.card.scheme)
    corners, shows = [], []
    for number, tissue in enumerate(tissues):
        for top in _starts(tissue.pixels.shape[0], patch_px, training.stride_px):
            for left in _starts(tissue.pixels.shape[1], patch_px, training.stride_px):
                square = tissue.pixels[top : top + patch_px, left : left + patch_px, 3]
                pixels = np.bincount(square.ravel(), minlength=256)[:classes]
                corners.append((number, top, left))
                shows.append(pixels >= training.batches.least_share * patch_px**2)
    index = PatchIndex(corners=np.array(corners, dtype=np.int64), shows=np.array(shows, dtype=np.bool_))
    if not any(index.by_class[tumor] for tumor in training.card.scheme.indices_of(ClassGroup.TUMOR)):
        raise TrainingRefused("no patch of the cases for training shows tumor")
    kept = index.shows.any(axis=1)
    return PatchIndex(corners=index.corners[kept], shows=index.shows[kept])


def _starts(length_px: int, patch_px: int, stride_px: int) -> list[int]:
    """Where patches start along an axis; the last ends where the image ends, or reaches beyond a smaller image."""
    last = max(0, length_px - patch_px)
    return sorted({*range(0, last, stride_px), last})


def count_steps(index: PatchIndex, training: Training) -> int:
    """The batches of one epoch."""
    batches = training.batches
    if batches.steps:
        return batches.steps
    if batches.balance is Balance.NONE:
        return max(1, len(index.corners) // batches.size)
    tumors = max(index.by_class[tumor] for tumor in training.card.scheme.indices_of(ClassGroup.TUMOR))
    shown = sum(count > 0 for count in index.by_class)
    return max(1, tumors * shown // batches.size)


def draw_epoch(index: PatchIndex, training: Training, *, epoch: int) -> NDArray[np.int64]:
    """(steps, batch size) patch numbers of an epoch; those of a seed and epoch are always the same."""
    rng = np.random.default_rng([training.learning.seed, epoch])
    steps, size = count_steps(index, training), training.batches.size
    if training.batches.balance is Balance.NONE:
        pools = [np.arange(len(index.corners))]
    else:
        pools = [np.flatnonzero(column) for column in index.shows.T if column.any()]
    each = -(-steps * size // len(pools))
    # Taking turns among the classes gives any batch equally many of each, but for one.
    taking_turns = np.stack([_draw(pool, each, rng) for pool in pools], axis=1).ravel()
    return taking_turns[: steps * size].reshape(steps, size)


def _draw(pool: NDArray[np.int64], number: int, rng: Generator) -> NDArray[np.int64]:
    """So many of the pool's patches: each once before any comes again."""
    rounds = -(-number // len(pool))
    return np.concatenate([rng.permutation(pool) for _ in range(rounds)])[:number]


@dataclass(frozen=True, slots=True)
class Draw:
    """One showing of a patch: its number in the whole training, which decides how it is changed, and the patch."""

    number: int
    patch: int


def list_draws(order: NDArray[np.int64], *, first_step: int, from_step: int) -> Iterator[list[Draw]]:
    """The batches of an epoch that begins with step `first_step` of the training, from its own step `from_step` on."""
    steps, size = order.shape
    for step in range(from_step, steps):
        yield [Draw((first_step + step) * size + place, int(patch)) for place, patch in enumerate(order[step])]

"""Preparing: all that can go wrong before the first step does so here, in a sentence."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pantile.domain.splits import Part, split_cases
from pantile.domain.training import Training
from pantile.domain.training_text import training_digest
from pantile_workers.training.networks import StartedNetwork, start_network
from pantile_workers.training.sampling import PatchIndex, count_steps, index_patches
from pantile_workers.training.tissue import LabelledTissue, find_files, keep_tissue


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Prepared:
    """A training that can begin: its tissue by part, its patches, its network, the steps of each epoch.

    `subject` is the digest (SHA-256, hex) of the training and all its tissue.
    """

    parts: Mapping[Part, Sequence[LabelledTissue]]
    index: PatchIndex
    start: StartedNetwork
    steps: int
    subject: str

    @property
    def training(self) -> Sequence[LabelledTissue]:
        """The tissue to learn from."""
        return self.parts[Part.TRAINING]

    @property
    def validation(self) -> Sequence[LabelledTissue]:
        """The tissue that chooses the best epoch."""
        return self.parts[Part.VALIDATION]

    @property
    def class_pixels(self) -> list[int]:
        """Known pixels of each class in the tissue to learn from."""
        return [sum(pixels) for pixels in zip(*(each.class_pixels for each in self.training), strict=True)]


def prepare(training: Training, tissue_folder: Path, *, on_image: Callable[[int, int], None]) -> Prepared:
    """Finds, checks, keeps and splits the tissue, and builds the network; `on_image` is told how many of how many.

    Raises:
        TrainingRefused: something is not as it must be.
    """
    start = start_network(training)
    files = find_files(training.tissue)
    done = iter(range(1, len(files) + 1))
    tissues = keep_tissue(files, training, tissue_folder, on_image=lambda: on_image(next(done), len(files)))
    part_of = split_cases(_classes_by_case(tissues), training.split, seed=training.learning.seed)
    parts = {part: [tissue for tissue in tissues if part_of[tissue.case] is part] for part in Part}
    index = index_patches(parts[Part.TRAINING], training)
    words = [training_digest(training), *sorted(f"{tissue.digest} {part_of[tissue.case]}" for tissue in tissues)]
    return Prepared(
        parts=parts,
        index=index,
        start=start,
        steps=count_steps(index, training),
        subject=hashlib.sha256("\n".join(words).encode()).hexdigest(),
    )


def _classes_by_case(tissues: Sequence[LabelledTissue]) -> dict[str, frozenset[int]]:
    found: dict[str, frozenset[int]] = {}
    for tissue in tissues:
        held = frozenset(index for index, pixels in enumerate(tissue.class_pixels) if pixels)
        found[tissue.case] = found.get(tissue.case, frozenset()) | held
    return found

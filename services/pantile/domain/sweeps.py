"""Sweeps: a training for each combination of the values to try, as the article's hyperparameters were found."""

from collections.abc import Mapping
from dataclasses import asdict, replace
from itertools import product
from typing import Any

from pantile.domain.errors import PantileError, TrainingRefused
from pantile.domain.training import Sweep, Training


def sweep_runs(training: Training) -> Mapping[str, Training]:
    """Every combination that a sweep asks for, by the name of its run; a training without a sweep alone, under "".

    Raises:
        TrainingRefused: a value cannot be.
    """
    tried = {name: values for name, values in asdict(training.sweep).items() if values}
    runs = {}
    for values in product(*tried.values()):
        chosen = dict(zip(tried, values, strict=True))
        name = ".".join(f"{key}-{value}" for key, value in chosen.items()).replace("/", "-")
        try:
            runs[name] = _choose(training, name, chosen)
        except PantileError as error:
            raise TrainingRefused(f"{name}, {error.detail}") from error
    return runs


def _choose(training: Training, run: str, chosen: Mapping[str, Any]) -> Training:
    card, batches, learning = training.card, training.batches, training.learning
    version = f"{card.version}-{run}" if run else card.version
    return replace(
        training,
        card=replace(
            card,
            version=version,
            patch_px=chosen.get("patch_px", card.patch_px),
            model_mpp=chosen.get("mpp", card.model_mpp),
            encoder=chosen.get("encoder", card.encoder),
            architecture=chosen.get("architecture", card.architecture),
        ),
        batches=replace(batches, size=chosen.get("batch_size", batches.size)),
        learning=replace(learning, rate=chosen.get("learning_rate", learning.rate)),
        sweep=Sweep(),
    )

"""The split of cases into training, validation and test: by case, so that no patient is on both sides."""

from collections.abc import Mapping
from enum import StrEnum

import numpy as np

from pantile.domain.errors import TrainingRefused
from pantile.domain.training import Split


class Part(StrEnum):
    """What a case is for."""

    TRAINING = "training"
    VALIDATION = "validation"
    TEST = "test"


def split_cases(cases: Mapping[str, frozenset[int]], split: Split, *, seed: int) -> dict[str, Part]:
    """The part of each case, `cases` being the classes that each holds.

    A drawn validation keeps at least one case, holds each class that two cases or more hold, and leaves each of them in
    training, as far as its number of cases allows.

    Raises:
        TrainingRefused: a case named is not there, or nothing would be left to learn from or to validate with.
    """
    named = [*split.validation_cases, *split.test_cases]
    if missing := [case for case in named if case not in cases]:
        raise TrainingRefused(f"there is no case {missing[0]}; there are {', '.join(sorted(cases)[:20])}")
    left = {case: held for case, held in cases.items() if case not in split.test_cases}
    validation = set(split.validation_cases) or _draw(left, split.share, seed)
    if not validation or len(validation) >= len(left):
        raise TrainingRefused(f"{len(left)} cases are too few to split: training and validation need one each")
    return {
        case: Part.TEST if case in split.test_cases else Part.VALIDATION if case in validation else Part.TRAINING
        for case in cases
    }


def _draw(cases: Mapping[str, frozenset[int]], share: float, seed: int) -> set[str]:
    if len(cases) < 2:
        return set()
    wanted = min(max(1, round(share * len(cases))), len(cases) - 1)
    names = sorted(cases)
    shuffled = [names[place] for place in np.random.default_rng(seed).permutation(len(names))]
    holders = {index: [case for case in shuffled if index in cases[case]] for held in cases.values() for index in held}
    rarest_first = sorted(holders, key=lambda index: (len(holders[index]), index))
    by_class = [case for index in rarest_first for case in holders[index][:1] if len(holders[index]) > 1]
    chosen: set[str] = set()
    for case in [*by_class, *shuffled]:
        is_needed = any(not set(holders[index]) - chosen - {case} for index in cases[case] if len(holders[index]) > 1)
        if len(chosen) < wanted and not is_needed:
            chosen.add(case)
    return chosen or {shuffled[0]}

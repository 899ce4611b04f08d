"""What an analysis is given: scores and, where there are any, second scores, Dice, diagnoses, exclusions and more."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pantile.analysis.bootstrap import DEFAULT_DRAWS
from pantile.analysis.comparisons import DEFAULT_MARGIN
from pantile.analysis.design import Category, categories
from pantile.analysis.dice_files import DiceTable
from pantile.analysis.figure import Figure
from pantile.analysis.long_files import Readings
from pantile.analysis.reading import InputFile
from pantile.analysis.scores import Mask, ScoreTable
from pantile.analysis.side_files import NO_EXCLUSIONS, Exclusions
from pantile.analysis.table import Table

Tell = Callable[[str], None]
"""Told of each step as it begins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """All that was read, before anything is left out."""

    name: str
    scores: ScoreTable
    files: tuple[InputFile, ...]
    second: ScoreTable | None = None
    dice: DiceTable | None = None
    diagnoses: Mapping[str, str] | None = None
    exclusions: Exclusions = NO_EXCLUSIONS
    trained: Mask | None = None
    readings: Readings | None = None
    is_generated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How the analysis is done."""

    seed: int = 1
    draws: int = DEFAULT_DRAWS
    categories: tuple[Category, ...] = categories()
    margin: float = DEFAULT_MARGIN


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """Tables and figures that answer one question."""

    title: str
    text: str
    tables: tuple[Table, ...] = ()
    figures: tuple[Figure, ...] = ()

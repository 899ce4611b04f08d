"""Which segmenter for a cohort's tumor type."""

from pydantic import Field

from pantile.domain.dice import DiceProtocol
from pantile.schemas.shapes import Shape


class RecommendedOut(Shape):
    """A segmenter's place. Means are 0 to 1: a score by ten, or overall Dice."""

    segmenter: str
    mean: float
    low: float | None = Field(description="The 95 % interval, by drawing patients; None of fewer than two.")
    high: float | None
    first: float | None = Field(description="How probable it is to be the best of those ranked.")
    excellent: float | None = Field(description="How probable a mean of at least 0.8 is.")
    score: float | None = Field(description="Mean score by ten, where it is part of the ranking.")
    dice: float | None = Field(description="Mean overall Dice, where it is part of the ranking.")
    rois: int
    cases: int
    is_native: bool = Field(description="Whether it was trained on this cohort, and so has an advantage here.")
    is_stated: bool = Field(description="Whether all Dice behind it are by remaps that the study states.")


class Recommendation(Shape):
    """Segmenters from the best down, and what the ranking rests on."""

    cohort: str
    by: str = Field(description="score, dice or both.")
    protocol: DiceProtocol
    draws: int
    seed: int
    ranking: list[RecommendedOut]
    scored_rois: int
    diced_rois: int

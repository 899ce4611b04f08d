"""Trainings and what came of their epochs."""

from datetime import datetime

from pydantic import Field

from pantile.domain.jobs import JobState
from pantile.schemas.shapes import Ask, Shape


class TrainingIn(Ask):
    """A training to be done: a document as docs/training.md tells its keys, with the card as a table in it."""

    document: dict[str, object]


class EpochOut(Shape):
    """What came of an epoch: its mean loss, and Dice in validation, by class in the order of the scheme."""

    epoch: int
    loss: float
    mean_dice: float
    dice: list[float | None] = Field(description="None for a class that is neither there nor found.")
    seconds: float


class TrainingListed(Shape):
    """A training, and how far it is."""

    id: int
    segmenter: str
    version: str
    state: JobState
    epochs_done: int
    epochs: int = Field(description="How many it is to have.")
    mean_dice: float | None = Field(description="The best so far, in validation.")
    worker: str | None
    error: str | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


class TrainingOut(TrainingListed):
    """A training with each of its epochs, and its report once it is done."""

    classes: list[str]
    history: list[EpochOut]
    document: dict[str, object]
    report: dict[str, object] | None


class TrainingList(Shape):
    """All trainings, newest first."""

    trainings: list[TrainingListed]


class TrainingAdded(Shape):
    """The training, and whether it is new or waits again."""

    training: TrainingOut
    added: bool

"""What crosses the queue: frozen values of ids, with a version, and names that a person recognises in Flower."""

from dataclasses import asdict, dataclass
from typing import Any, ClassVar, TypeVar

from pantile.domain.errors import PantileError

VERSION = 1


class MessageNotUnderstood(PantileError):
    """The message is of a version or shape that this worker does not understand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A hint that work may be there; `roi` and `segmenter` are only for people's eyes."""

    TASK: ClassVar[str]
    QUEUE: ClassVar[str]

    v: int = VERSION
    roi: str = ""

    def kwargs(self) -> dict[str, Any]:
        """The message as a Celery task's keyword arguments."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentRoi(Message):
    """Asks for one job."""

    TASK: ClassVar[str] = "segment-roi"
    QUEUE: ClassVar[str] = "segment.bulk"

    job_id: int
    segmenter: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestRoi(Message):
    """Asks for one ROI's image to be fetched, checked, hashed and stored."""

    TASK: ClassVar[str] = "ingest-roi"
    QUEUE: ClassVar[str] = "imaging"

    chore_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderOverlay(Message):
    """Asks for the overlay of one succeeded job."""

    TASK: ClassVar[str] = "render-overlay"
    QUEUE: ClassVar[str] = "imaging"

    chore_id: int
    segmenter: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CompareSegmenters(Message):
    """Asks how far the segmenters of one ROI disagree."""

    TASK: ClassVar[str] = "compare-segmenters"
    QUEUE: ClassVar[str] = "imaging"

    chore_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainSegmenter(Message):
    """Asks for the next slice of a training."""

    TASK: ClassVar[str] = "train-segmenter"
    QUEUE: ClassVar[str] = "train"

    training_id: int
    segmenter: str = ""


MESSAGES: tuple[type[Message], ...] = (SegmentRoi, IngestRoi, RenderOverlay, CompareSegmenters, TrainSegmenter)


M = TypeVar("M", bound=Message)


def read_message(kind: type[M], kwargs: dict[str, Any]) -> M:
    """The message in a task's keyword arguments; raises `MessageNotUnderstood` for another version or shape."""
    if kwargs.get("v") != VERSION:
        raise MessageNotUnderstood(f"{kind.TASK} of version {kwargs.get('v')!r}; this worker knows {VERSION}")
    try:
        return kind(**kwargs)
    except TypeError as error:
        raise MessageNotUnderstood(f"{kind.TASK} with {sorted(kwargs)}") from error

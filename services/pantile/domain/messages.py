"""What crosses the queue: frozen values of ids, with a version, and names that a person recognises in Flower.

A field that is new and may be left out changes nothing for others: whoever does not know it passes over it. What an
older worker would do wrong is a new version, which it leaves to workers that know it.
"""

from dataclasses import asdict, dataclass, fields
from typing import Any, ClassVar, TypeVar

from pantile.domain.errors import PantileError

VERSION = 1
"""What this Pantile sends."""

OLDEST = 1
"""The oldest version that it still reads: that of the release before."""


class MessageNotUnderstood(PantileError):
    """The message is of a version or shape that this worker does not understand."""


class MessageTooNew(MessageNotUnderstood):
    """The message is newer than this worker, and left to others: renew the worker."""


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
class MakePyramid(Message):
    """Asks for the pyramid of one ROI's image."""

    TASK: ClassVar[str] = "make-pyramid"
    QUEUE: ClassVar[str] = "imaging"

    chore_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluateRoi(Message):
    """Asks for the class maps of one ROI to be compared with its ground truth."""

    TASK: ClassVar[str] = "evaluate-roi"
    QUEUE: ClassVar[str] = "evaluate"

    chore_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MakeReport(Message):
    """Asks for the report of one study; `roi` is the study's name."""

    TASK: ClassVar[str] = "make-report"
    QUEUE: ClassVar[str] = "evaluate"

    chore_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class InspectSlide(Message):
    """Asks for a slide's facts, an overview, and where its tissue is; `roi` is the slide's name."""

    TASK: ClassVar[str] = "inspect-slide"
    QUEUE: ClassVar[str] = "imaging"

    chore_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MakeSlidePyramid(Message):
    """Asks for the pyramid of one slide; `roi` is the slide's name."""

    TASK: ClassVar[str] = "make-slide-pyramid"
    QUEUE: ClassVar[str] = "imaging"

    chore_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainSegmenter(Message):
    """Asks for the next slice of a training."""

    TASK: ClassVar[str] = "train-segmenter"
    QUEUE: ClassVar[str] = "train"

    training_id: int
    segmenter: str = ""


MESSAGES: tuple[type[Message], ...] = (
    SegmentRoi,
    IngestRoi,
    RenderOverlay,
    CompareSegmenters,
    MakePyramid,
    EvaluateRoi,
    MakeReport,
    InspectSlide,
    MakeSlidePyramid,
    TrainSegmenter,
)


M = TypeVar("M", bound=Message)


def read_message(kind: type[M], kwargs: dict[str, Any]) -> M:
    """The message in a task's keyword arguments; fields that this version does not know are passed over.

    Raises:
        MessageTooNew: it is of a later version; its row stays as it is, and its message is sent again.
        MessageNotUnderstood: it is older than the release before, or of another shape.
    """
    version = kwargs.get("v")
    if type(version) is int and version > VERSION:
        raise MessageTooNew(f"{kind.TASK} of version {version}; this worker knows {VERSION}")
    if type(version) is not int or version < OLDEST:
        raise MessageNotUnderstood(f"{kind.TASK} of version {version!r}; this worker knows {OLDEST} to {VERSION}")
    known = {field.name: field.type for field in fields(kind) if field.name in kwargs}
    if any(type(kwargs[name]) is not expected for name, expected in known.items()):
        raise MessageNotUnderstood(f"{kind.TASK} with {kwargs}")
    try:
        return kind(**{name: kwargs[name] for name in known})
    except TypeError as error:
        raise MessageNotUnderstood(f"{kind.TASK} with {sorted(kwargs)}") from error

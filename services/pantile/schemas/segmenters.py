"""Segmenters, and how they are registered."""

from pydantic import Field, StrictInt

from pantile.domain.class_maps import ClassGroup
from pantile.domain.segmenters import CardFormat
from pantile.schemas.shapes import MAX_BIGINT, Ask, Sha256, Shape


class ClassOut(Shape):
    """One class of a segmenter."""

    index: int
    name: str
    group: ClassGroup
    simplified_rgb: tuple[int, int, int]
    detailed_rgb: tuple[int, int, int]


class AdmissionOut(Shape):
    """How closely mixed precision agrees with float32, measured with this checkpoint, and whether that is enough."""

    granted: bool
    agreement: float
    pixels: int
    arithmetic: str
    tissue: str


class SegmenterOut(Shape):
    """A segmenter: registered, or known by its shipped card and waiting for its checkpoint."""

    name: str
    version: str
    title: str
    registered: bool
    digest: str | None
    format: CardFormat
    architecture: str
    encoder: str = Field(description="Empty where the network has none; of an ONNX file no more than a word.")
    output_channels: int
    model_mpp: float
    patch_px: int
    licence: str
    training_cohorts: list[str]
    checkpoint_sha256: str | None
    checkpoint_bytes: int | None
    expected_at: str | None = Field(description="Where the checkpoint would come from, while there is none.")
    notes: str
    admission: AdmissionOut | None = Field(None, description="None: never tested, and so float32.")
    classes: list[ClassOut]


class SegmenterList(Shape):
    """All segmenters."""

    segmenters: list[SegmenterOut]


class CheckpointIn(Ask):
    """A checkpoint that is about to be uploaded."""

    sha256: Sha256
    bytes: StrictInt = Field(gt=0, le=MAX_BIGINT)


class CheckpointUpload(Shape):
    """Where to PUT the checkpoint; None when it is here already."""

    url: str | None


class SegmenterIn(Ask):
    """A card in TOML, and the digest of its checkpoint (uploaded before)."""

    card: str = Field(max_length=200_000)
    checkpoint_sha256: Sha256


class SegmenterAdded(Shape):
    """The registered segmenter, whether it is new, and otherwise what of its card was brought up to date."""

    segmenter: SegmenterOut
    added: bool
    renewed: list[str] = Field(default=[])

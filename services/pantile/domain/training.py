"""What a training is: the segmenter it makes, the tissue it learns from, and how it learns; read from one TOML file.

The defaults are the study's where the article names a value: 1.0 mpp and 512 px patches (the card's), batches of 24
with equally many patches of each class, weighted cross-entropy, a tenth of the cases for validation (Methods, "Training
of the breast cancer algorithm").
"""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum

from pantile.domain.class_maps import ClassGroup
from pantile.domain.dice import IGNORED
from pantile.domain.errors import TrainingRefused
from pantile.domain.rois import check_mpp
from pantile.domain.segmenters import Card, CardFormat, Precision


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """The columns of a table of images; `mpp` is empty where all have the same."""

    image: str = "image"
    class_map: str = "class_map"
    case: str = "case"
    mpp: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tissue:
    """Where the images and their class maps are: a CSV table that names them, or a pattern for each.

    `folder` is what their names start from. With a `table`, `columns` are its columns, and `rows` keeps those rows
    whose column has one of the values given. Without, `images` is a pattern such as "images/*.jpg", `class_maps` the
    class map's name with {stem} for the image's own, and `case` a regular expression whose first group (or whole match)
    in the image's name is its case; without one each image is its own case. `mpp` is the images' microns per pixel,
    `ignored` the index of pixels that nobody annotated, `remap` the way from the files' indices to the card's.
    """

    folder: str = "."
    table: str = ""
    columns: Columns = field(default_factory=Columns)
    rows: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    images: str = ""
    class_maps: str = ""
    case: str = ""
    mpp: float | None = None
    ignored: int = IGNORED
    remap: Mapping[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _check(bool(self.table) != bool(self.images), "[tissue] names either a table or a pattern for images")
        _check(bool(self.table) or "{stem}" in self.class_maps, "tissue.class_maps must contain {stem}")
        _check((self.mpp is None) == bool(self.columns.mpp), "[tissue] needs either mpp or columns.mpp")
        _check(not self.columns.mpp or bool(self.table), "tissue.columns.mpp needs a table")
        _check(0 <= self.ignored <= 255, "tissue.ignored must be between 0 and 255")
        _check(all(0 <= part <= 255 for pair in self.remap.items() for part in pair), "tissue.remap is beyond 0-255")
        if self.mpp is not None:
            check_mpp(self.mpp)


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """Which cases are kept out of training: a `share` drawn for validation, or those named.

    Validation chooses the best epoch; `test_cases` take no part in anything until they are measured at the end.
    """

    share: float = 0.1
    validation_cases: tuple[str, ...] = ()
    test_cases: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _check(0 < self.share < 1, "split.share must be between 0 and 1")
        both = set(self.validation_cases) & set(self.test_cases)
        _check(not both, f"the case {min(both, default='')} is in validation_cases and in test_cases")


class Balance(StrEnum):
    """How patches come into batches: equally many of each class, or as they are found."""

    CLASSES = "classes"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Batches:
    """Which patches a network sees, and in which company.

    Patches of `patch_px` (0: the card's) are cut every `stride_px` (0: half of that). A patch counts for each class
    that covers `least_share` of it. With balance "classes" each batch holds equally many patches of each class, and an
    epoch shows as many of each as there are of tumor: rarer classes are shown again, commoner ones in part. `steps`
    makes an epoch of so many batches instead.
    """

    size: int = 24
    patch_px: int = 0
    stride_px: int = 0
    least_share: float = 0.02
    balance: Balance = Balance.CLASSES
    steps: int = 0

    def __post_init__(self) -> None:
        _check(self.size >= 2, "batches.size must be at least 2, for batch norm")
        _check(min(self.stride_px, self.steps) >= 0, "batches.stride_px and batches.steps must not be negative")
        _check(self.patch_px % 32 == 0 <= self.patch_px, "batches.patch_px must be a multiple of 32")
        _check(0 < self.least_share <= 1, "batches.least_share must be above 0 and at most 1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Augmentation:
    """How patches are changed each time anew; a strength of 0 (of 100 for `jpeg_quality`) leaves a change out.

    `flips` is the chance of each of both mirrorings, `turns` that of a rotation by one to three right angles, `chance`
    that of each other change: JPEG compression down to `jpeg_quality`, Gaussian `noise` of this standard deviation (of
    values from 0 to 1), `hue` shifted by up to this share of the circle, and `saturation`, `contrast`, `brightness` and
    `gamma` changed by up to this factor both ways.
    """

    flips: float = 0.5
    turns: float = 0.75
    chance: float = 0.5
    jpeg_quality: int = 50
    noise: float = 0.03
    hue: float = 0.04
    saturation: float = 0.25
    contrast: float = 0.2
    brightness: float = 0.15
    gamma: float = 0.2

    def __post_init__(self) -> None:
        shares = {name: value for name, value in asdict(self).items() if name not in {"jpeg_quality", "hue"}}
        wrong = [name for name, value in shares.items() if not 0 <= value <= 1]
        _check(not wrong, f"augmentation.{min(wrong, default='')} must be between 0 and 1")
        _check(0 <= self.hue <= 0.5, "augmentation.hue must be between 0 and 0.5")
        _check(1 <= self.jpeg_quality <= 100, "augmentation.jpeg_quality must be between 1 and 100")


class LossName(StrEnum):
    """What is made small, as segmentation-models-pytorch and torch define it."""

    CROSS_ENTROPY = "cross_entropy"
    DICE = "dice"
    LOVASZ = "lovasz"
    FOCAL = "focal"


class ClassWeights(StrEnum):
    """How much each class's pixels count in cross-entropy and focal loss."""

    ROOT = "root"
    """By one over the square root of the class's share of all pixels."""
    EQUAL = "equal"


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """The loss: the sum of these, equally weighted."""

    sum: tuple[LossName, ...] = (LossName.CROSS_ENTROPY,)
    class_weights: ClassWeights = ClassWeights.ROOT

    def __post_init__(self) -> None:
        _check(bool(self.sum) and len(set(self.sum)) == len(self.sum), "loss.sum must name at least one, each once")


class OptimiserName(StrEnum):
    """How weights are moved."""

    ADAMW = "adamw"
    SGD = "sgd"


class Schedule(StrEnum):
    """How the learning rate goes after it has risen from nothing within `warm_up`."""

    COSINE = "cosine"
    CONSTANT = "constant"


@dataclass(frozen=True, slots=True, kw_only=True)
class Learning:
    """How long and how fast a network learns.

    `warm_up` is the share of all steps in which the learning rate rises. `threads` are those of the CPU, 0 for one per
    core; with another number the last bits of the weights differ. `loaders` are processes that prepare patches beside
    the network; any number of them prepares the same.
    """

    epochs: int = 40
    rate: float = 1e-3
    optimiser: OptimiserName = OptimiserName.ADAMW
    weight_decay: float = 1e-2
    schedule: Schedule = Schedule.COSINE
    warm_up: float = 0.05
    precision: Precision = Precision.MIXED
    seed: int = 0
    threads: int = 0
    loaders: int = 0

    def __post_init__(self) -> None:
        _check(self.epochs >= 1, "learning.epochs must be at least 1")
        _check(0 < self.rate <= 10, "learning.rate must be above 0 and at most 10")
        _check(0 <= self.weight_decay < 1 and 0 <= self.warm_up < 1, "learning.weight_decay and warm_up are below 1")
        _check(min(self.seed, self.threads, self.loaders) >= 0, "learning.seed, threads and loaders are not negative")

    def rate_at(self, step: int, *, steps: int) -> float:
        """The learning rate of step `step`, from 0, of `steps` in all."""
        rising = int(self.warm_up * steps)
        if step < rising:
            return self.rate * (step + 1) / (rising + 1)
        if self.schedule is Schedule.CONSTANT:
            return self.rate
        return self.rate * 0.5 * (1 + math.cos(math.pi * (step - rising) / max(1, steps - rising)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """What the network starts from: random numbers, an encoder's weights (ImageNet's), or a whole segmenter's."""

    encoder: str = ""
    checkpoint: str = ""

    def __post_init__(self) -> None:
        _check(not (self.encoder and self.checkpoint), "[start] names an encoder or a whole checkpoint, not both")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """Values to try, each combination in a run of its own; empty for the one that stands elsewhere."""

    batch_size: tuple[int, ...] = ()
    learning_rate: tuple[float, ...] = ()
    patch_px: tuple[int, ...] = ()
    mpp: tuple[float, ...] = ()
    encoder: tuple[str, ...] = ()
    architecture: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """A whole training. The card is the segmenter's to be: all of it but the checkpoint."""

    card: Card
    tissue: Tissue
    split: Split = field(default_factory=Split)
    batches: Batches = field(default_factory=Batches)
    augmentation: Augmentation = field(default_factory=Augmentation)
    loss: Loss = field(default_factory=Loss)
    learning: Learning = field(default_factory=Learning)
    start: Start = field(default_factory=Start)
    sweep: Sweep = field(default_factory=Sweep)

    def __post_init__(self) -> None:
        _check(self.card.format is CardFormat.SMP, f"only cards of the format smp are trained, not {self.card.format}")
        _check(bool(self.card.scheme.indices_of(ClassGroup.TUMOR)), "no class of the card is of the group tumor")

    @property
    def patch_px(self) -> int:
        """Pixels along a side of the patches that the network learns from, at the segmenter's mpp."""
        return self.batches.patch_px or self.card.patch_px

    @property
    def stride_px(self) -> int:
        """Pixels from one of these patches to the next."""
        return self.batches.stride_px or self.patch_px // 2


def _check(holds: bool, sentence: str) -> None:
    if not holds:
        raise TrainingRefused(sentence)

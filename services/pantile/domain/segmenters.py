"""Segmenters: model cards, what they promise of a checkpoint, and the engine settings that make a job what it is."""

import hashlib
import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from pantile.domain.class_maps import ClassGroup, ClassScheme, TissueClass
from pantile.domain.errors import CardRefused, CheckpointRefused, SettingsRefused

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
_SHA256 = re.compile(r"[0-9a-f]{64}")

ADMITTED_FROM = 0.995
"""Share of pixels of the same class as in float32 from which a checkpoint may run in mixed precision."""


class CardFormat(StrEnum):
    """What a checkpoint is: weights of a network of segmentation-models-pytorch, or a whole network as ONNX."""

    SMP = "smp"
    ONNX = "onnx"

    @property
    def suffix(self) -> str:
        """What the names of such checkpoints end with."""
        match self:
            case CardFormat.SMP:
                return ".safetensors"
            case CardFormat.ONNX:
                return ".onnx"


@dataclass(frozen=True, slots=True, kw_only=True)
class Normalisation:
    """Mean and standard deviation per RGB channel, of values scaled to 0-1."""

    mean: tuple[float, float, float] = (0.485, 0.456, 0.406)
    std: tuple[float, float, float] = (0.229, 0.224, 0.225)


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """How closely mixed precision agrees with float32, measured with this checkpoint.

    `agreement` is the share of `pixels` with the same class in both, `arithmetic` the 16-bit type that was measured,
    `tissue` what it was measured on, in words.
    """

    agreement: float
    pixels: int
    arithmetic: str
    tissue: str

    def __post_init__(self) -> None:
        if not (0 <= self.agreement <= 1 and self.pixels > 0):
            raise CardRefused("an admission needs an agreement between 0 and 1, over at least one pixel")

    @property
    def is_granted(self) -> bool:
        """Whether the agreement is enough."""
        return self.agreement >= ADMITTED_FROM


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """A segmenter's card: everything needed to build its network and to read its class maps.

    `decoder_channels` is empty for the architecture's default. `checkpoint_sha256` is empty while no checkpoint is
    known; `expected_at` then says where one would come from. `trained_with` and `runs_with` are the library and version
    that the checkpoint was made with, and those it was imported with. `dice_remaps` are, by protocol and cohort ("*"
    for every cohort), the way from this scheme to 0 background, 1 tumor, 2 tumor stroma. `admission` is None while
    mixed precision was not measured; it is no part of what a segmenter is, and so not of its digest. Nor are the
    architecture, encoder and decoder of an ONNX file, which brings its network along: there they are words.
    """

    name: str
    version: str
    title: str
    architecture: str
    encoder: str
    output_channels: int
    model_mpp: float
    patch_px: int
    scheme: ClassScheme
    licence: str
    format: CardFormat = CardFormat.SMP
    decoder_channels: tuple[int, ...] = ()
    normalisation: Normalisation = field(default_factory=Normalisation)
    checkpoint_sha256: str = ""
    expected_at: str = ""
    training_cohorts: tuple[str, ...] = ()
    plot_rgb: tuple[int, int, int] | None = None
    notes: str = ""
    trained_with: str = ""
    runs_with: str = ""
    dice_remaps: Mapping[str, Mapping[str, Mapping[int, int]]] = field(default_factory=dict)
    admission: Admission | None = None

    @property
    def admits_mixed(self) -> bool:
        """Whether the network may run in mixed precision."""
        return self.admission is not None and self.admission.is_granted

    def __post_init__(self) -> None:
        problems = list(_card_problems(self))
        if problems:
            raise CardRefused(f"{self.name or 'unnamed'}: {'; '.join(problems)}")


def _card_problems(card: Card) -> list[str]:
    checks = {
        "the name must be lower-case letters, digits, dots, dashes or underscores": _NAME.fullmatch(card.name),
        "the version is missing": card.version.strip(),
        "model_mpp must be between 0.05 and 5": 0.05 <= card.model_mpp <= 5,
        "patch_px must be a multiple of 32 between 64 and 4096": card.patch_px % 32 == 0
        and 64 <= card.patch_px <= 4096,
        "output_channels must be between 2 and 255": 2 <= card.output_channels <= 255,
        f"{card.output_channels} output channels but {len(card.scheme)} classes": (
            card.output_channels == len(card.scheme)
        ),
        "checkpoint sha256 must be 64 hexadecimal digits": (
            not card.checkpoint_sha256 or _SHA256.fullmatch(card.checkpoint_sha256)
        ),
        "std must be positive": all(part > 0 for part in card.normalisation.std),
        "the encoder is missing": card.encoder or card.format is not CardFormat.SMP,
        "an ONNX network has its own arithmetic and needs no admission": (
            card.admission is None or card.format is not CardFormat.ONNX
        ),
    }
    return [problem for problem, holds in checks.items() if not holds]


def parse_card(text: str) -> Card:
    """The card written in TOML.

    Raises:
        CardRefused: not TOML, a key is missing or unknown, or a value cannot be.
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise CardRefused(f"not valid TOML, {error}") from error
    return card_from(document)


def card_from(document: Mapping[str, Any]) -> Card:
    """The card in a parsed TOML or JSON document; raises `CardRefused` as `parse_card` does."""
    fields = dict(document)
    name = str(fields.get("name", "unnamed"))
    try:
        checkpoint = fields.pop("checkpoint", {})
        card = Card(
            name=fields.pop("name"),
            version=str(fields.pop("version")),
            title=fields.pop("title", name),
            format=CardFormat(fields.pop("format", "smp")),
            architecture=fields.pop("architecture"),
            encoder=fields.pop("encoder", ""),
            output_channels=int(fields.pop("output_channels")),
            decoder_channels=tuple(int(width) for width in fields.pop("decoder_channels", ())),
            model_mpp=float(fields.pop("model_mpp")),
            patch_px=int(fields.pop("patch_px")),
            normalisation=_normalisation_from(fields.pop("normalisation", {})),
            scheme=_scheme_from(fields.pop("classes")),
            licence=fields.pop("licence"),
            checkpoint_sha256=checkpoint.get("sha256", ""),
            expected_at=checkpoint.get("expected_at", ""),
            training_cohorts=tuple(fields.pop("training_cohorts", ())),
            plot_rgb=_colour_from(fields.pop("plot_rgb", None)),
            notes=fields.pop("notes", ""),
            trained_with=fields.pop("trained_with", ""),
            runs_with=fields.pop("runs_with", ""),
            dice_remaps=_remaps_from(fields.pop("dice_remaps", {})),
            admission=_admission_from(fields.pop("admission", None)),
        )
    except KeyError as error:
        raise CardRefused(f"{name}: the key {error} is missing") from error
    except (TypeError, ValueError, AttributeError) as error:
        raise CardRefused(f"{name}: {error}") from error
    if fields:
        raise CardRefused(f"{name}: unknown keys {', '.join(sorted(fields))}")
    return card


def _normalisation_from(table: Mapping[str, Any]) -> Normalisation:
    default = Normalisation()
    mean = [float(part) for part in table.get("mean", default.mean)]
    std = [float(part) for part in table.get("std", default.std)]
    if len(mean) != 3 or len(std) != 3 or set(table) - {"mean", "std"}:
        raise ValueError("normalisation needs mean and std, three numbers each")
    return Normalisation(mean=(mean[0], mean[1], mean[2]), std=(std[0], std[1], std[2]))


def _admission_from(table: Mapping[str, Any] | None) -> Admission | None:
    if table is None:
        return None
    return Admission(
        agreement=float(table["agreement"]),
        pixels=int(table["pixels"]),
        arithmetic=str(table["arithmetic"]),
        tissue=str(table["tissue"]),
    )


def _colour_from(value: Any) -> tuple[int, int, int] | None:
    if value is None:
        return None
    red, green, blue = (int(part) for part in value)
    return red, green, blue


def _scheme_from(tables: list[Mapping[str, Any]]) -> ClassScheme:
    return ClassScheme(
        tuple(
            TissueClass(
                index=int(table["index"]),
                name=table["name"],
                group=ClassGroup(table["group"]),
                simplified_rgb=_colour_from(table["simplified_rgb"]) or (0, 0, 0),
                detailed_rgb=_colour_from(table["detailed_rgb"]) or (0, 0, 0),
            )
            for table in tables
        )
    )


def _remaps_from(protocols: Mapping[str, Any]) -> dict[str, dict[str, dict[int, int]]]:
    return {
        protocol: {
            cohort: {int(source): int(target) for source, target in targets.items()}
            for cohort, targets in cohorts.items()
        }
        for protocol, cohorts in protocols.items()
    }


def card_document(card: Card) -> dict[str, Any]:
    """The card as a plain document: `card_from` gives the same card back."""
    document = asdict(card)
    document["classes"] = document.pop("scheme")["classes"]
    document["checkpoint"] = {
        "sha256": document.pop("checkpoint_sha256"),
        "expected_at": document.pop("expected_at"),
    }
    for absent in ("plot_rgb", "admission"):
        if document[absent] is None:
            del document[absent]
    plain: dict[str, Any] = json.loads(json.dumps(document))
    return plain


def card_digest(card: Card) -> str:
    """SHA-256 (hex) of what a segmenter is: name, version, network, preprocessing and checkpoint; not its words."""
    network = {
        "architecture": card.architecture,
        "encoder": card.encoder,
        "decoder_channels": card.decoder_channels,
    }
    return _digest(
        {
            "name": card.name,
            "version": card.version,
            "format": card.format,
            "output_channels": card.output_channels,
            "model_mpp": card.model_mpp,
            "patch_px": card.patch_px,
            "normalisation": asdict(card.normalisation),
            "checkpoint_sha256": card.checkpoint_sha256,
        }
        | (network if card.format is CardFormat.SMP else {})
    )


def check_checkpoint(card: Card, *, sha256: str, output_channels: int, patch_px: int | None = None) -> None:
    """Checks that a checkpoint is the one the card speaks of; the checkpoint's own channel count wins.

    `patch_px` is the side of its patches where it takes no others.

    Raises:
        CheckpointRefused: another digest, another number of output channels than the card has classes, or patches of
            another size.
    """
    if card.checkpoint_sha256 and card.checkpoint_sha256 != sha256:
        raise CheckpointRefused(
            f"{card.name}: the card names the digest {card.checkpoint_sha256[:12]}…, the file has {sha256[:12]}…"
        )
    if output_channels != card.output_channels:
        named = ", ".join(f"{tissue.index} {tissue.name}" for tissue in card.scheme.classes)
        raise CheckpointRefused(
            f"{card.name}: the checkpoint has {output_channels} output channels, so the card needs {output_channels} "
            f"classes with the indices 0 to {output_channels - 1}; it has {len(card.scheme)} ({named})"
        )
    if patch_px not in {None, card.patch_px}:
        raise CheckpointRefused(
            f"{card.name}: the network takes patches of {patch_px} px only, the card says {card.patch_px}"
        )


class Mode(StrEnum):
    """How an ROI is brought to the network's resolution: `fast` all at once, `exact` by patches, as the study does."""

    FAST = "fast"
    EXACT = "exact"


class Stitching(StrEnum):
    """How overlapping patches become one class map: the `centre` of each is kept, or all of them `blend`."""

    CENTRE = "centre"
    BLEND = "blend"


class Precision(StrEnum):
    """The arithmetic of the network: `mixed` is 16-bit where the device has it in hardware, and float32 elsewhere."""

    FLOAT32 = "float32"
    MIXED = "mixed"


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineSettings:
    """What decides a class map beside image and segmenter; part of a job's identity, unlike device and batch size.

    With `confidence` the network's top probability is kept as well.
    """

    mode: Mode = Mode.FAST
    stitching: Stitching = Stitching.CENTRE
    stride_px: int = 384
    margin_px: int = 64
    precision: Precision = Precision.FLOAT32
    confidence: bool = False

    def __post_init__(self) -> None:
        if self.stride_px < 1 or self.margin_px < 0:
            raise SettingsRefused("the stride must be positive and the margin not negative")

    def document(self) -> dict[str, Any]:
        """The settings as a plain document; `confidence` only where it is asked for, as jobs are older than it."""
        plain: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        if not self.confidence:
            del plain["confidence"]
        return plain

    def digest(self) -> str:
        """SHA-256 (hex) of the settings."""
        return _digest(self.document())


def settings_from(document: Mapping[str, Any]) -> EngineSettings:
    """The engine settings in a plain document; raises `SettingsRefused` for what cannot be."""
    try:
        return EngineSettings(
            mode=Mode(document["mode"]),
            stitching=Stitching(document["stitching"]),
            stride_px=int(document["stride_px"]),
            margin_px=int(document["margin_px"]),
            precision=Precision(document["precision"]),
            confidence=bool(document.get("confidence", False)),
        )
    except (KeyError, ValueError, TypeError) as error:
        raise SettingsRefused(str(error)) from error


def _digest(document: Any) -> str:
    text = json.dumps(document, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()

"""What a submission asks of the engine, and the settings that each segmenter gets of it."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from math import floor

from pantile.domain.segmenters import ADMITTED_FROM, Card, CardFormat, EngineSettings, Mode, Precision, Stitching

_USUAL = EngineSettings()


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingsAsked:
    """How a submission wants its ROIs segmented.

    Without a `precision`, fast mode runs each segmenter in mixed precision that is admitted to it; all else in float32.
    """

    mode: Mode = _USUAL.mode
    stitching: Stitching = _USUAL.stitching
    precision: Precision | None = None
    confidence: bool = _USUAL.confidence
    stride_px: int = _USUAL.stride_px
    margin_px: int = _USUAL.margin_px


def settle(asked: SettingsAsked, card: Card, present: Iterable[EngineSettings]) -> EngineSettings:
    """The settings that a segmenter gets in a cohort that has it under the `present` ones.

    One of those is kept where it gives all that is asked, so that submitting again adds nothing: not even after the
    segmenter was admitted to mixed precision, or without asking for the confidence maps that the cohort has.
    """
    precision = asked.precision if card.admits_mixed else Precision.FLOAT32
    settled = EngineSettings(
        mode=asked.mode,
        stitching=asked.stitching,
        precision=precision or (Precision.MIXED if asked.mode is Mode.FAST else Precision.FLOAT32),
        confidence=asked.confidence,
        stride_px=asked.stride_px,
        margin_px=asked.margin_px,
    )

    def gives_all(each: EngineSettings) -> bool:
        is_alike = replace(each, precision=settled.precision, confidence=settled.confidence) == settled
        return is_alike and precision in {None, each.precision} and each.confidence >= asked.confidence

    return next(filter(gives_all, present), settled)


def why_float32(asked: SettingsAsked, card: Card, settled: EngineSettings) -> str | None:
    """Why a segmenter runs in float32 where mixed precision was asked for or is usual; None where there is no why."""
    is_expected = asked.precision is Precision.MIXED or (asked.precision is None and asked.mode is Mode.FAST)
    if not is_expected or settled.precision is Precision.MIXED:
        return None
    if card.admits_mixed:
        return "as in this cohort before"
    if card.format is CardFormat.ONNX:
        return "the graph of an ONNX file has its own arithmetic"
    if card.admission is None:
        return "not tested for mixed precision"
    return f"agreement {cut_percent(card.admission.agreement, digits=1)}, below {cut_percent(ADMITTED_FROM, digits=1)}"


def cut_percent(share: float, *, digits: int) -> str:
    """A share in percent, cut off and not rounded, so that too little never looks enough: 99.4 % for 0.9949."""
    # The small addend is for shares such as 0.0003, which is a little less than 3 / 10,000 in binary.
    return f"{floor(share * 10 ** (digits + 2) + 1e-6) / 10**digits:.{digits}f} %"

"""Each segmenter runs in the precision that was asked, that its card admits, and that its cohort has."""

from dataclasses import replace

import pytest

from pantile.domain.segmenters import (
    Admission,
    Card,
    CardFormat,
    EngineSettings,
    Mode,
    Precision,
    Stitching,
    parse_card,
)
from pantile.domain.settings_asked import SettingsAsked, cut_percent, settle, why_float32

UNTESTED = parse_card("""
name = "toy"
version = "1"
architecture = "Unet"
encoder = "resnet18"
output_channels = 2
model_mpp = 1.0
patch_px = 512
licence = "Apache-2.0"

[[classes]]
index = 0
name = "glass"
group = "background"
simplified_rgb = [255, 255, 255]
detailed_rgb = [255, 255, 255]

[[classes]]
index = 1
name = "tumor"
group = "tumor"
simplified_rgb = [0, 0, 255]
detailed_rgb = [0, 0, 255]
""")


def _tested(agreement: float) -> Card:
    admission = Admission(agreement=agreement, pixels=1000, arithmetic="bfloat16", tissue="generated tissue")
    return replace(UNTESTED, admission=admission)


ADMITTED, REFUSED = _tested(0.9987), _tested(0.99496)
ONNX = replace(UNTESTED, format=CardFormat.ONNX)
FLOAT32, MIXED = EngineSettings(), EngineSettings(precision=Precision.MIXED)


@pytest.mark.parametrize(
    ("asked", "card", "precision", "reason"),
    [
        (SettingsAsked(), ADMITTED, Precision.MIXED, None),
        (SettingsAsked(), UNTESTED, Precision.FLOAT32, "not tested for mixed precision"),
        (SettingsAsked(), REFUSED, Precision.FLOAT32, "agreement 99.4 %, below 99.5 %"),
        (SettingsAsked(), ONNX, Precision.FLOAT32, "the graph of an ONNX file has its own arithmetic"),
        (SettingsAsked(mode=Mode.EXACT), ADMITTED, Precision.FLOAT32, None),
        (SettingsAsked(mode=Mode.EXACT), UNTESTED, Precision.FLOAT32, None),
        (SettingsAsked(mode=Mode.EXACT, precision=Precision.MIXED), ADMITTED, Precision.MIXED, None),
        (SettingsAsked(precision=Precision.MIXED), UNTESTED, Precision.FLOAT32, "not tested for mixed precision"),
        (SettingsAsked(precision=Precision.FLOAT32), ADMITTED, Precision.FLOAT32, None),
        (SettingsAsked(precision=Precision.FLOAT32), UNTESTED, Precision.FLOAT32, None),
    ],
)
def test_mixed_precision_needs_fast_mode_or_a_word_and_always_an_admission(
    asked: SettingsAsked, card: Card, precision: Precision, reason: str | None
) -> None:
    settled = settle(asked, card, [])

    assert settled.precision is precision
    assert why_float32(asked, card, settled) == reason


def test_what_is_asked_beside_the_precision_is_kept() -> None:
    asked = SettingsAsked(mode=Mode.EXACT, stitching=Stitching.BLEND, confidence=True, stride_px=48, margin_px=8)

    assert settle(asked, UNTESTED, []) == EngineSettings(
        mode=Mode.EXACT, stitching=Stitching.BLEND, confidence=True, stride_px=48, margin_px=8
    )


def test_a_cohort_stays_in_float32_when_its_segmenter_is_admitted_later() -> None:
    settled = settle(SettingsAsked(), ADMITTED, [FLOAT32])

    assert settled == FLOAT32
    assert why_float32(SettingsAsked(), ADMITTED, settled) == "as in this cohort before"


def test_another_precision_is_added_where_it_is_asked_for() -> None:
    asked = SettingsAsked(precision=Precision.MIXED)

    assert settle(asked, ADMITTED, [FLOAT32]) == MIXED


def test_mixed_precision_ends_with_the_admission() -> None:
    assert settle(SettingsAsked(), REFUSED, [MIXED]) == FLOAT32


def test_confidence_maps_that_a_cohort_has_are_not_given_up() -> None:
    kept = replace(MIXED, confidence=True)

    assert settle(SettingsAsked(), ADMITTED, [kept]) == kept
    assert settle(SettingsAsked(confidence=True), ADMITTED, [MIXED]) == kept


def test_settings_of_another_mode_or_stitching_do_not_stand_in() -> None:
    present = [replace(MIXED, mode=Mode.EXACT), replace(MIXED, stitching=Stitching.BLEND), replace(MIXED, margin_px=0)]

    assert settle(SettingsAsked(), ADMITTED, present) == MIXED


@pytest.mark.parametrize(
    ("share", "digits", "percent"),
    [(0.99499, 1, "99.4 %"), (0.995, 1, "99.5 %"), (0.0003, 2, "0.03 %"), (0.9983, 2, "99.83 %"), (1.0, 2, "100.00 %")],
)
def test_percents_are_cut_off(share: float, digits: int, percent: str) -> None:
    assert cut_percent(share, digits=digits) == percent

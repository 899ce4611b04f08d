"""Cards, what they promise of a checkpoint, and engine settings."""

from contextlib import nullcontext
from dataclasses import replace

import pytest

from pantile.domain.errors import CardRefused, CheckpointRefused, SettingsRefused
from pantile.domain.segmenters import (
    Admission,
    EngineSettings,
    Mode,
    Stitching,
    card_digest,
    card_document,
    card_from,
    check_checkpoint,
    parse_card,
    settings_from,
)

CARD = """
name = "toy"
version = "1"
architecture = "Unet"
encoder = "resnet18"
output_channels = 2
model_mpp = 1.0
patch_px = 512
licence = "Apache-2.0"

[normalisation]
mean = [0.5, 0.5, 0.5]
std = [0.2, 0.2, 0.2]

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

[dice_remaps.article."*"]
0 = 0
1 = 1
"""


def test_a_card_survives_being_stored() -> None:
    card = parse_card(CARD)

    assert card_from(card_document(card)) == card


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ('architecture = "Unet"\n', "", "the key 'architecture' is missing"),
        ('encoder = "resnet18"\n', "", "the encoder is missing"),
        ("output_channels = 2", "output_channels = 3", "3 output channels but 2 classes"),
        ("patch_px = 512", "patch_px = 500", "multiple of 32"),
        ("model_mpp = 1.0", "model_mpp = 50", "model_mpp must be"),
        ('group = "tumor"', 'group = "tumour"', "tumour"),
        ("index = 1", "index = 7", "without gaps"),
        ('name = "toy"', 'name = "To y"', "lower-case"),
        ('licence = "Apache-2.0"', 'licence = "Apache-2.0"\nstain = 1', "unknown keys stain"),
        ("mean = [0.5, 0.5, 0.5]", "mean = [0.5]", "three numbers"),
        ('name = "toy"', "name = ", "not valid TOML"),
    ],
)
def test_a_wrong_card_is_refused_with_the_reason(old: str, new: str, sentence: str) -> None:
    with pytest.raises(CardRefused, match=sentence):
        parse_card(CARD.replace(old, new, 1))


def test_a_digest_changes_with_the_network_and_not_with_the_words() -> None:
    card = parse_card(CARD)

    assert card_digest(replace(card, title="Another title")) == card_digest(card)
    assert card_digest(replace(card, encoder="resnet34")) != card_digest(card)
    assert card_digest(replace(card, checkpoint_sha256="a" * 64)) != card_digest(card)


def test_the_checkpoints_channel_count_wins_and_the_classes_are_listed() -> None:
    with pytest.raises(
        CheckpointRefused, match=r"has 5 output channels.*indices 0 to 4; it has 2 \(0 glass, 1 tumor\)"
    ):
        check_checkpoint(parse_card(CARD), sha256="a" * 64, output_channels=5)


def test_another_digest_than_the_cards_is_refused() -> None:
    card = replace(parse_card(CARD), checkpoint_sha256="a" * 64)

    with pytest.raises(CheckpointRefused, match="names the digest"):
        check_checkpoint(card, sha256="b" * 64, output_channels=2)


def test_settings_have_one_digest_however_they_are_written() -> None:
    settings = EngineSettings()

    assert settings_from(settings.document()).digest() == settings.digest()
    assert EngineSettings(stride_px=256).digest() != settings.digest()
    with pytest.raises(SettingsRefused):
        settings_from({"mode": "slow"})


def test_what_was_not_asked_for_before_leaves_the_digest_of_older_jobs_as_it_was() -> None:
    settings = EngineSettings()

    assert "confidence" not in settings.document()
    assert settings.digest() == "1ed5979560d995b4a8333c0cadaab7833928134f6bdf57ee0bdd59d1b7cd090e"
    assert settings_from(EngineSettings(confidence=True).document()).confidence
    assert EngineSettings(confidence=True).digest() != settings.digest()


def test_mode_and_stitching_make_other_jobs() -> None:
    settings = [EngineSettings(mode=mode, stitching=stitching) for mode in Mode for stitching in Stitching]

    assert len({each.digest() for each in settings}) == 4
    assert [settings_from(each.document()) for each in settings] == settings


ONNX = CARD.replace('encoder = "resnet18"\n', "").replace('version = "1"\n', 'version = "1"\nformat = "onnx"\n')


def test_the_words_about_an_onnx_network_are_no_part_of_what_it_is() -> None:
    card = parse_card(ONNX)

    assert card.encoder == ""
    assert card_digest(card) == card_digest(replace(card, architecture="SegResNet", encoder="of MONAI"))
    assert card_digest(card) != card_digest(replace(card, checkpoint_sha256="1" * 64))


def test_an_onnx_network_has_no_admission() -> None:
    admission = Admission(agreement=1.0, pixels=1, arithmetic="bfloat16", tissue="any")

    with pytest.raises(CardRefused, match="has its own arithmetic"):
        replace(parse_card(ONNX), admission=admission)


@pytest.mark.parametrize(("patch_px", "is_refused"), [(None, False), (512, False), (256, True)])
def test_a_checkpoint_of_other_patches_than_the_cards_is_refused(patch_px: int | None, is_refused: bool) -> None:
    card = parse_card(CARD)

    with pytest.raises(CheckpointRefused, match="patches of 256 px only") if is_refused else nullcontext():
        check_checkpoint(card, sha256="", output_channels=2, patch_px=patch_px)

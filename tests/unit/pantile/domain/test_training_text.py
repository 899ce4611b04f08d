"""A training's file is read strictly, and written as it was understood."""

import tomllib
from pathlib import PurePosixPath
from typing import Any

import pytest

from pantile.cards import load_shipped_cards
from pantile.domain.errors import TrainingRefused
from pantile.domain.segmenters import card_document
from pantile.domain.sweeps import sweep_runs
from pantile.domain.training import Balance, Learning, Schedule
from pantile.domain.training_text import (
    parse_training,
    place,
    training_digest,
    training_document,
    training_from,
    write_training,
)

CARD = card_document(load_shipped_cards()["lung"])
TISSUE = {"images": "images/*.jpg", "class_maps": "masks/{stem}.png", "mpp": 0.25}
DOCUMENT: dict[str, Any] = {"card": CARD, "tissue": TISSUE}


def test_what_is_not_said_is_the_study_s() -> None:
    training = training_from(DOCUMENT)

    assert (training.patch_px, training.stride_px, training.card.model_mpp) == (512, 256, 1.0)
    assert (training.batches.size, training.batches.balance, training.split.share) == (24, Balance.CLASSES, 0.1)


def test_a_document_gives_the_same_training_back() -> None:
    training = training_from(
        DOCUMENT
        | {"tissue": TISSUE | {"remap": {"3": 2}, "ignored": 0}, "sweep": {"patch_px": [256, 512]},
           "learning": {"rate": 1, "schedule": "constant"}}
    )  # fmt: skip

    assert training_from(training_document(training)) == training
    assert training.tissue.remap == {3: 2}
    assert training.learning.rate == 1.0


def test_what_was_understood_is_taken_again() -> None:
    training = training_from(DOCUMENT | {"tissue": TISSUE | {"remap": {"3": 2}}, "learning": {"epochs": 7}})

    texts = write_training(training, card_file="card.toml")

    document = parse_training(texts["training.toml"])
    assert document["card"] == "card.toml"
    assert training_from(document | {"card": tomllib.loads(texts["card.toml"])}) == training


def test_a_trained_card_is_taken_without_what_belongs_to_its_checkpoint() -> None:
    trained = CARD | {"checkpoint": {"sha256": "a" * 64}, "trained_with": "something"}

    assert training_from(DOCUMENT | {"card": trained}) == training_from(DOCUMENT)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"lerning": {}}, "unknown key lerning; known are card, tissue"),
        ({"learning": {"lr": 1}}, "unknown key learning.lr; known are epochs, rate"),
        ({"learning": {"rate": "fast"}}, "learning.rate must be a number, not 'fast'"),
        ({"learning": {"epochs": 1.5}}, "learning.epochs must be a whole number, not 1.5"),
        ({"learning": {"epochs": True}}, "learning.epochs must be a whole number, not True"),
        ({"learning": {"schedule": "step"}}, "learning.schedule is cosine or constant, not 'step'"),
        ({"learning": 3}, "learning must be a table"),
        ({"loss": {"sum": "dice"}}, "loss.sum must be a list, not 'dice'"),
        ({"loss": {"sum": ["mse"]}}, "loss.sum is cross_entropy or dice or lovasz or focal, not 'mse'"),
        ({"loss": {"sum": []}}, "loss.sum must name at least one"),
        ({"batches": {"size": 1}}, "batches.size must be at least 2"),
        ({"augmentation": {"hue": 0.7}}, "augmentation.hue must be between 0 and 0.5"),
        ({"augmentation": {"noise": -1.0}}, "augmentation.noise must be between 0 and 1"),
        ({"tissue": TISSUE | {"mpp": 9.0}}, "got 9"),
        ({"tissue": {"images": "*.png", "class_maps": "{stem}"}}, r"\[tissue\] needs either mpp or columns.mpp"),
        ({"tissue": TISSUE | {"table": "t.csv"}}, r"\[tissue\] names either a table or a pattern"),
        ({"tissue": TISSUE | {"class_maps": "mask.png"}}, "tissue.class_maps must contain {stem}"),
        ({"tissue": TISSUE | {"remap": {"x": 1}}}, "tissue.remap has the key x, which is no whole number"),
        ({"split": {"share": 1.0}}, "split.share must be between 0 and 1"),
        ({"start": {"encoder": "a", "checkpoint": "b"}}, "not both"),
        ({"card": CARD | {"patch_px": 100}}, "the card, lung: patch_px must be a multiple of 32"),
        ({"card": "nowhere"}, "the key card is missing"),
    ],
)
def test_what_cannot_be_is_refused_by_name(changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(TrainingRefused, match=sentence):
        training_from(DOCUMENT | changes)


def test_a_training_without_tissue_is_refused() -> None:
    with pytest.raises(TrainingRefused, match=r"the table \[tissue\] is missing"):
        training_from({"card": CARD})


def test_a_scheme_without_tumor_is_refused() -> None:
    classes = [tissue | {"group": "other"} for tissue in CARD["classes"]]

    with pytest.raises(TrainingRefused, match="no class of the card is of the group tumor"):
        training_from(DOCUMENT | {"card": CARD | {"classes": classes}})


def test_paths_start_from_the_files_own_folder() -> None:
    training = training_from(DOCUMENT | {"start": {"encoder": "weights/b0.pth"}})

    placed = place(training, PurePosixPath("/study"))

    assert (placed.tissue.folder, placed.start.encoder, placed.start.checkpoint) == (
        "/study",
        "/study/weights/b0.pth",
        "",
    )


def test_the_digest_is_of_what_decides_the_weights() -> None:
    training = training_from(DOCUMENT)
    elsewhere = training_from(DOCUMENT | {"tissue": TISSUE | {"folder": "elsewhere"}, "learning": {"loaders": 4}})
    other = training_from(DOCUMENT | {"learning": {"seed": 1}})

    assert training_digest(training) == training_digest(elsewhere)
    assert training_digest(training) != training_digest(other)


def test_a_sweep_is_one_training_for_each_combination() -> None:
    training = training_from(DOCUMENT | {"sweep": {"learning_rate": [1e-3, 1e-4], "encoder": ["resnet18", "resnet34"]}})

    runs = sweep_runs(training)

    assert list(runs) == [
        f"learning_rate-{rate}.encoder-{encoder}" for rate in (0.001, 0.0001) for encoder in ("resnet18", "resnet34")
    ]
    last = runs["learning_rate-0.0001.encoder-resnet34"]
    assert (last.learning.rate, last.card.encoder) == (0.0001, "resnet34")
    assert last.card.version == "1-learning_rate-0.0001.encoder-resnet34"


def test_a_training_without_a_sweep_is_itself() -> None:
    training = training_from(DOCUMENT)

    assert sweep_runs(training) == {"": training}


def test_a_value_of_a_sweep_that_cannot_be_is_refused_with_its_run() -> None:
    with pytest.raises(TrainingRefused, match=r"patch_px-100, .*multiple of 32"):
        sweep_runs(training_from(DOCUMENT | {"sweep": {"patch_px": [256, 100]}}))


def test_the_learning_rate_rises_and_falls() -> None:
    learning = Learning(rate=1.0, warm_up=0.1)

    rates = [learning.rate_at(step, steps=100) for step in range(100)]

    assert rates[:10] == sorted(rates[:10])
    assert max(rates) == rates[10] == 1.0
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert rates[-1] < 0.01


def test_a_constant_learning_rate_stays() -> None:
    learning = Learning(rate=0.5, schedule=Schedule.CONSTANT, warm_up=0.0)

    assert {learning.rate_at(step, steps=10) for step in range(10)} == {0.5}

"""Trainings as text and as documents: read from TOML, sent as JSON, written as they were understood."""

import hashlib
import json
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import PurePath
from typing import Any

from pantile.domain.card_text import write_card
from pantile.domain.errors import CardRefused, PantileError, TrainingRefused
from pantile.domain.segmenters import Card, card_document, card_from
from pantile.domain.toml_tables import read_table, write_line, write_table
from pantile.domain.training import Augmentation, Batches, Learning, Loss, Split, Start, Sweep, Tissue, Training

_SECTIONS: Mapping[str, type[Any]] = {
    "tissue": Tissue,
    "split": Split,
    "batches": Batches,
    "augmentation": Augmentation,
    "loss": Loss,
    "learning": Learning,
    "start": Start,
    "sweep": Sweep,
}
"""The tables of a training's file beside its card."""


def parse_training(text: str) -> dict[str, Any]:
    """The document in a training's TOML, still unread; raises `TrainingRefused`."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise TrainingRefused(f"not valid TOML, {error}") from error


def training_from(document: Mapping[str, Any]) -> Training:
    """The training in a document whose card is a table.

    Raises:
        TrainingRefused: a key is missing, unknown or of another type, or a value cannot be; the sentence names it.
    """
    sections = dict(document)
    try:
        card = sections.pop("card", None)
        if not isinstance(card, Mapping):
            raise TrainingRefused("the key card is missing: a card's TOML file, or a table [card]")
        known = {"output_channels": len(card.get("classes", ())), "normalisation": {}, **card, "checkpoint": {}}
        return _read_training(_without_results(card_from(known)), sections)
    except CardRefused as error:
        raise TrainingRefused(f"the card, {error.detail}") from error
    except (ValueError, PantileError) as error:
        detail = error.detail if isinstance(error, PantileError) else str(error)
        raise TrainingRefused(detail) from error


def _read_training(card: Card, sections: Mapping[str, Any]) -> Training:
    if unknown := sorted(sections.keys() - _SECTIONS.keys()):
        raise TrainingRefused(f"unknown key {unknown[0]}; known are card, {', '.join(_SECTIONS)}")
    if "tissue" not in sections:
        raise TrainingRefused("the table [tissue] is missing")
    read = {name: read_table(kind, sections[name], where=name) for name, kind in _SECTIONS.items() if name in sections}
    return Training(card=card, **read)


def _without_results(card: Card) -> Card:
    """The card as it is before a training: without what another checkpoint's card would say of it."""
    return replace(card, checkpoint_sha256="", expected_at="", trained_with="", runs_with="", admission=None)


def training_document(training: Training) -> dict[str, Any]:
    """The training as a plain document: `training_from` gives the same training back."""
    document = {name: asdict(getattr(training, name)) for name in _SECTIONS}
    plain: dict[str, Any] = json.loads(json.dumps({"card": card_document(training.card), **document}))
    return plain


def write_training(training: Training, *, card_file: str) -> Mapping[str, str]:
    """The texts of a training as it was understood: of the file that names `card_file` as its card, and of the card."""
    document = training_document(training)
    parts = ["# As it was understood, with every default; `pantile train` takes it again.\n"]
    parts += [write_line("card", card_file)]
    parts += [f"\n[{name}]\n{write_table(document[name])}" for name in _SECTIONS if name != "sweep"]
    return {"training.toml": "".join(parts), card_file: write_card(training.card)}


def place(training: Training, folder: PurePath) -> Training:
    """The training with paths that start from `folder`, where its file lies."""
    start = {name: str(folder / path) for name, path in asdict(training.start).items() if path}
    tissue = replace(training.tissue, folder=str(folder / training.tissue.folder))
    return replace(training, tissue=tissue, start=Start(**start))


def training_digest(training: Training) -> str:
    """SHA-256 (hex) of all that decides the weights; not of where the tissue lies or how patches are prepared."""
    document = training_document(training)
    del document["tissue"]["folder"], document["learning"]["loaders"]
    text = json.dumps(document, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()

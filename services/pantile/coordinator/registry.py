"""The registry of segmenters: a card is taken once its checkpoint is in the bucket and fits it."""

import hashlib
import json
import mmap
import struct
from dataclasses import replace
from tempfile import TemporaryFile
from typing import Any

from pantile.catalog import segmenters
from pantile.catalog.database import Database
from pantile.catalog.holdings import incoming_key
from pantile.catalog.segmenters import Registration
from pantile.domain.errors import (
    CheckpointRefused,
    CheckpointUnreadable,
    ObjectMissing,
    SegmenterWithoutCheckpoint,
    UploadMissing,
)
from pantile.domain.onnx_files import MAX_BYTES, OnnxFacts, read_onnx
from pantile.domain.segmenters import Card, CardFormat, check_checkpoint
from pantile.objects import ObjectStore

_MAX_HEADER_BYTES = 100_000_000
"""What the safetensors format allows its header."""

_HEAD = "segmentation_head.0.weight"


def checkpoint_key(sha256: str, card_format: CardFormat = CardFormat.SMP) -> str:
    """Where a checkpoint is kept."""
    return f"checkpoints/{sha256}{card_format.suffix}"


def is_kept(objects: ObjectStore, sha256: str) -> bool:
    """Whether a checkpoint of this digest is kept, of whatever format."""
    return any(objects.size(checkpoint_key(sha256, card_format)) is not None for card_format in CardFormat)


def register_segmenter(
    database: Database, objects: ObjectStore, card: Card, *, sha256: str, actor: str
) -> Registration:
    """Registers a card with an uploaded (or already kept) checkpoint, or brings a registered one's words up to date.

    Raises:
        SegmenterWithoutCheckpoint: no digest is given, neither by the card nor beside it.
        UploadMissing: the checkpoint is neither kept nor uploaded.
        CheckpointRefused: it is not what was announced, is of another format than the card says, or does not fit it.
        CardRefused: the name and version are taken by another segmenter.
    """
    if not sha256:
        raise SegmenterWithoutCheckpoint(f"{card.name}; expected at {card.expected_at or 'a place of your own'}")
    key = checkpoint_key(sha256, card.format)
    if objects.size(key) is None:
        _keep_checkpoint(objects, card.format, sha256)
    output_channels, patch_px = _read_fit(objects, key, card.format)
    check_checkpoint(card, sha256=sha256, output_channels=output_channels, patch_px=patch_px)
    with database.transaction() as connection:
        return segmenters.add_segmenter(
            connection,
            replace(card, checkpoint_sha256=sha256),
            checkpoint_key=key,
            checkpoint_bytes=objects.size(key) or 0,
            actor=actor,
        )


def _keep_checkpoint(objects: ObjectStore, card_format: CardFormat, sha256: str) -> None:
    uploaded = incoming_key(sha256)
    digest = hashlib.sha256()
    try:
        for part in objects.chunks(uploaded):
            digest.update(part)
    except ObjectMissing as error:
        raise UploadMissing(f"checkpoint {sha256[:12]}…") from error
    if digest.hexdigest() != sha256:
        objects.delete(uploaded)
        raise CheckpointRefused(f"the upload has the digest {digest.hexdigest()[:12]}…, not {sha256[:12]}…")
    _read_fit(objects, uploaded, card_format)
    objects.copy(uploaded, checkpoint_key(sha256, card_format))
    objects.delete(uploaded)


def _read_fit(objects: ObjectStore, key: str, card_format: CardFormat) -> tuple[int, int | None]:
    """A checkpoint's number of output channels, and the side of its patches where it takes no others."""
    match card_format:
        case CardFormat.SMP:
            return read_output_channels(objects, key), None
        case CardFormat.ONNX:
            facts = _read_onnx(objects, key)
            return facts.output_channels, facts.patch_px


def _read_onnx(objects: ObjectStore, key: str) -> OnnxFacts:
    """What an ONNX checkpoint says of itself; raises `CheckpointRefused`."""
    if not 0 < (objects.size(key) or 0) <= MAX_BYTES:
        raise CheckpointUnreadable("the file is empty, or larger than an ONNX file can be")
    with TemporaryFile() as file:
        for part in objects.chunks(key):
            file.write(part)
        file.flush()
        # Not closed: an error of the reader still holds views of it.
        return read_onnx(memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)))


def read_output_channels(objects: ObjectStore, key: str) -> int:
    """The number of output channels of a safetensors checkpoint, from its header alone.

    Raises:
        CheckpointRefused: the object is no safetensors file, or has no segmentation head.
    """
    try:
        (length,) = struct.unpack("<Q", objects.head(key, bytes_=8))
        header: dict[str, Any] = json.loads(objects.head(key, bytes_=8 + min(length, _MAX_HEADER_BYTES))[8:])
        if _HEAD not in header:
            raise CheckpointRefused(f"the file has no tensor {_HEAD}")
        return int(header[_HEAD]["shape"][0])
    except (ValueError, TypeError, LookupError, RecursionError, struct.error) as error:
        raise CheckpointRefused("the file is not in the safetensors format") from error

"""The registry of segmenters: a card is taken once its checkpoint is in the bucket and fits it."""

import hashlib
import json
import struct
from dataclasses import replace
from typing import Any

from pantile.catalog import segmenters
from pantile.catalog.database import Database
from pantile.catalog.segmenters import Segmenter
from pantile.coordinator.submit import incoming_key
from pantile.domain.errors import CheckpointRefused, ObjectMissing, SegmenterWithoutCheckpoint, UploadMissing
from pantile.domain.segmenters import Card, check_checkpoint
from pantile.objects import ObjectStore

_MAX_HEADER_BYTES = 100_000_000
"""What the safetensors format allows its header."""

_HEAD = "segmentation_head.0.weight"


def checkpoint_key(sha256: str) -> str:
    """Where a checkpoint is kept."""
    return f"checkpoints/{sha256}.safetensors"


def register_segmenter(database: Database, objects: ObjectStore, card: Card, *, sha256: str) -> tuple[Segmenter, bool]:
    """Registers a card with an uploaded (or already kept) checkpoint; says whether the segmenter is new.

    Raises:
        SegmenterWithoutCheckpoint: no digest is given, neither by the card nor beside it.
        UploadMissing: the checkpoint is neither kept nor uploaded.
        CheckpointRefused: it is not what was announced, is no safetensors file, or does not fit the card.
        CardRefused: the name and version are taken by another segmenter.
    """
    if not sha256:
        raise SegmenterWithoutCheckpoint(f"{card.name}; expected at {card.expected_at or 'a place of your own'}")
    key = checkpoint_key(sha256)
    if objects.size(key) is None:
        _keep_checkpoint(objects, sha256)
    check_checkpoint(card, sha256=sha256, output_channels=read_output_channels(objects, key))
    with database.transaction() as connection:
        return segmenters.add_segmenter(
            connection,
            replace(card, checkpoint_sha256=sha256),
            checkpoint_key=key,
            checkpoint_bytes=objects.size(key) or 0,
        )


def _keep_checkpoint(objects: ObjectStore, sha256: str) -> None:
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
    read_output_channels(objects, uploaded)
    objects.copy(uploaded, checkpoint_key(sha256))
    objects.delete(uploaded)


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

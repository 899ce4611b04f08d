"""Registered segmenters: cards whose checkpoint is in the bucket, and the engine settings that jobs name."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from psycopg.types.json import Jsonb

from pantile.catalog.audit import record_action
from pantile.catalog.database import Connection, Row
from pantile.domain.errors import CardRefused, SegmenterUnknown
from pantile.domain.segmenters import Card, EngineSettings, card_digest, card_document, card_from


@dataclass(frozen=True, slots=True, kw_only=True)
class Segmenter:
    """A registered segmenter."""

    id: int
    card: Card
    digest: str
    checkpoint_key: str
    checkpoint_bytes: int

    @property
    def can_run(self) -> bool:
        """Whether it has its weights here; one whose class maps were made elsewhere has none."""
        return bool(self.checkpoint_key)


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """What registering a card did: the segmenter is new, or keys of its card were `renewed`, or neither."""

    segmenter: Segmenter
    is_new: bool
    renewed: tuple[str, ...]


def add_segmenter(
    connection: Connection, card: Card, *, checkpoint_key: str, checkpoint_bytes: int, actor: str
) -> Registration:
    """Registers a card; one that differs only in words, colours or admission is brought up to date. Audited.

    Raises:
        CardRefused: this name and version are registered with another network or checkpoint.
    """
    known = connection.execute(
        "SELECT card FROM segmenters WHERE name = %s AND version = %s FOR UPDATE", [card.name, card.version]
    ).fetchone()
    row = connection.execute(
        """
        INSERT INTO segmenters (name, version, digest, card, checkpoint_sha256, checkpoint_key, checkpoint_bytes)
        VALUES (%(name)s, %(version)s, %(digest)s, %(card)s, %(sha256)s, %(key)s, %(bytes)s)
        ON CONFLICT (name, version) DO UPDATE SET card = excluded.card WHERE segmenters.digest = excluded.digest
        RETURNING id, card, digest, checkpoint_key, checkpoint_bytes, xmax = 0 AS is_new
        """,
        {
            "name": card.name,
            "version": card.version,
            "digest": card_digest(card),
            "card": Jsonb(card_document(card)),
            "sha256": card.checkpoint_sha256,
            "key": checkpoint_key,
            "bytes": checkpoint_bytes,
        },
    ).fetchone()
    if row is None:
        raise CardRefused(
            f"{card.name} {card.version} is registered with another checkpoint or network; give the card a new version"
        )
    renewed = _renewed_keys(known["card"], row["card"]) if known else ()
    if row["is_new"] or renewed:
        action, subject = "register" if row["is_new"] else "renew", f"segmenter {card.name}@{card.version}"
        details = {"checkpoint_sha256": card.checkpoint_sha256, "renewed": renewed}
        record_action(connection, actor=actor, action=action, subject=subject, details=details)
    return Registration(segmenter=_segmenter(row), is_new=row["is_new"], renewed=renewed)


def _renewed_keys(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(sorted(key for key in before.keys() | after.keys() if before.get(key) != after.get(key)))


def is_registered(connection: Connection, card: Card) -> bool:
    """Whether a segmenter of this name and version is registered."""
    row = connection.execute("SELECT 1 FROM segmenters WHERE name = %s AND version = %s", [card.name, card.version])
    return row.fetchone() is not None


def list_segmenters(connection: Connection) -> list[Segmenter]:
    """All registered segmenters, by name, the newest version first."""
    rows = connection.execute(
        "SELECT id, card, digest, checkpoint_key, checkpoint_bytes FROM segmenters ORDER BY name, id DESC"
    )
    return [_segmenter(row) for row in rows]


def find_segmenters(connection: Connection, names: Sequence[str], *, to_run: bool = False) -> list[Segmenter]:
    """The segmenters asked for, as `name` (its newest version) or `name@version`; all newest ones for no name or "all".

    With `to_run`, those without weights here count for nothing.

    Raises:
        SegmenterUnknown: one of them is not registered, or none is.
    """
    registered = [each for each in list_segmenters(connection) if each.can_run or not to_run]
    newest: dict[str, Segmenter] = {}
    for segmenter in registered:
        newest.setdefault(segmenter.card.name, segmenter)
    exact = {f"{segmenter.card.name}@{segmenter.card.version}": segmenter for segmenter in registered}
    if not newest:
        raise SegmenterUnknown("none is registered yet; add one with `pantile segmenters add`")
    if not names or list(names) == ["all"]:
        return list(newest.values())
    unknown = [name for name in names if name not in newest and name not in exact]
    if unknown:
        raise SegmenterUnknown(f"{', '.join(unknown)}; registered are {', '.join(sorted(newest))}")
    return list({found.id: found for found in (exact.get(name) or newest[name] for name in names)}.values())


def keep_settings(connection: Connection, settings: EngineSettings) -> str:
    """Stores engine settings once and gives their digest."""
    digest = settings.digest()
    connection.execute(
        "INSERT INTO engine_settings (digest, document) VALUES (%s, %s) ON CONFLICT DO NOTHING",
        [digest, Jsonb(settings.document())],
    )
    return digest


def _segmenter(row: Row) -> Segmenter:
    return Segmenter(
        id=row["id"],
        card=card_from(row["card"]),
        digest=row["digest"],
        checkpoint_key=row["checkpoint_key"],
        checkpoint_bytes=row["checkpoint_bytes"],
    )

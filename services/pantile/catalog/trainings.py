"""Trainings: asked for, claimed slice by slice, handed back with their state, and ended with a segmenter."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from psycopg.errors import UniqueViolation
from psycopg.types.json import Jsonb

from pantile.catalog import segmenters
from pantile.catalog.audit import record_action
from pantile.catalog.database import Connection, Row, announce_work
from pantile.catalog.leases import Lease, succeed
from pantile.domain.errors import TrainingNotFound, TrainingRefused
from pantile.domain.segmenters import Card
from pantile.domain.training import Training
from pantile.domain.training_text import training_digest, training_document, training_from

_LISTED = """
    t.id, t.segmenter, t.version, t.state, t.step, t.epochs, t.document, t.report, t.error, t.attempt,
    t.lease_owner AS worker, t.created_at, t.started_at, t.finished_at
"""


def add_training(connection: Connection, training: Training, *, max_attempts: int, actor: str) -> tuple[int, bool]:
    """The id of the training, and whether it is new or waits again; asked for twice it is done once. Audited.

    Raises:
        TrainingRefused: the card's name and version are taken, by a segmenter or by another training.
    """
    card = training.card
    values = {
        "digest": training_digest(training),
        "segmenter": card.name,
        "version": card.version,
        "document": Jsonb(training_document(training)),
        "max_attempts": max_attempts,
    }
    known = connection.execute("SELECT id, state FROM trainings WHERE digest = %(digest)s", values).fetchone()
    if known is not None and known["state"] not in {"failed", "cancelled"}:
        return known["id"], False
    if segmenters.is_registered(connection, card):
        raise TrainingRefused(f"{card.name} {card.version} is registered already; give the card another version")
    try:
        row = connection.execute(
            """
            INSERT INTO trainings (digest, segmenter, version, document, max_attempts)
            VALUES (%(digest)s, %(segmenter)s, %(version)s, %(document)s, %(max_attempts)s)
            ON CONFLICT (digest) DO UPDATE SET state = 'waiting', document = excluded.document, charged_attempts = 0,
                suspect = false, not_before = now(), published_at = NULL, finished_at = NULL, error_kind = NULL,
                error = NULL
            RETURNING id
            """,
            values,
        ).fetchone()
    except UniqueViolation as error:
        raise TrainingRefused(
            f"another training makes {card.name} {card.version}; cancel it, or give the card another version"
        ) from error
    assert row is not None  # noqa: S101 — either inserted or updated
    record_action(connection, actor=actor, action="train", subject=f"training {row['id']}")
    announce_work(connection)
    return row["id"], True


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptFile:
    """A training's file in the bucket."""

    key: str
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimedTraining:
    """A training that a worker holds for a slice, with the state to go on from: none at its beginning."""

    lease: Lease
    training: Training
    step: int
    last: KeptFile | None
    best: KeptFile | None


def claim_training(
    connection: Connection, training_id: int, *, worker: str, token: UUID, lease_s: float
) -> ClaimedTraining | None:
    """Claims a waiting training; None when it is not there to take. A train worker holds nothing else: suspects too."""
    row = connection.execute(
        """
        UPDATE trainings SET state = 'running', attempt = attempt + 1, lease_token = %(token)s,
            lease_owner = %(worker)s, lease_until = clock_timestamp() + make_interval(secs => %(lease_s)s),
            started_at = coalesce(started_at, clock_timestamp())
        WHERE id = %(id)s AND state = 'waiting' AND not_before <= clock_timestamp()
        RETURNING document, step, state_key, state_sha256, best_key, best_sha256
        """,
        {"id": training_id, "token": token, "worker": worker, "lease_s": lease_s},
    ).fetchone()
    if row is None:
        return None
    return ClaimedTraining(
        lease=Lease(table="trainings", row_id=training_id, token=token),
        training=training_from(row["document"]),
        step=row["step"],
        last=KeptFile(key=row["state_key"], sha256=row["state_sha256"]) if row["state_key"] else None,
        best=KeptFile(key=row["best_key"], sha256=row["best_sha256"]) if row["best_key"] else None,
    )


def note_epoch(connection: Connection, lease: Lease, epoch: Mapping[str, Any]) -> None:
    """Notes an epoch of a held training, for people to see; nothing when the lease was lost.

    An epoch that is done again, because its worker died before it was kept, takes the place of the first.
    """
    connection.execute(
        """
        UPDATE trainings SET epochs = jsonb_set(epochs, ARRAY[(%(epoch)s - 1)::text], %(told)s)
        WHERE id = %(id)s AND lease_token = %(token)s AND state = 'running'
        """,
        {"epoch": epoch["epoch"], "told": Jsonb(dict(epoch)), "id": lease.row_id, "token": lease.token},
    )


def hand_back(connection: Connection, lease: Lease, *, step: int, last: KeptFile | None, best: KeptFile | None) -> bool:
    """Gives a held training back at the end of a slice, uncharged, to go on from there; False when the lease was lost.

    Without `best`, before the first epoch is done, there is none.
    """
    changed = connection.execute(
        """
        UPDATE trainings SET state = 'waiting', suspect = false, published_at = NULL, not_before = clock_timestamp(),
            step = %(step)s, state_key = %(last_key)s,
            state_sha256 = %(last)s, best_key = %(best_key)s,
            best_sha256 = %(best)s, error_kind = NULL, error = NULL,
            lease_token = NULL, lease_until = NULL, lease_owner = NULL
        WHERE id = %(id)s AND lease_token = %(token)s AND state = 'running'
        """,
        {
            "id": lease.row_id,
            "token": lease.token,
            "step": step,
            "last_key": last and last.key,
            "last": last and last.sha256,
            "best_key": best and best.key,
            "best": best and best.sha256,
        },
    ).rowcount
    announce_work(connection)
    return changed == 1


def finish_training(
    connection: Connection,
    lease: Lease,
    card: Card,
    *,
    checkpoint_key: str,
    checkpoint_bytes: int,
    report: Mapping[str, Any],
) -> bool:
    """Registers a held training's segmenter and ends it; False, and nothing changed, when the lease was lost.

    Its state is kept no longer: the sweeper removes it.

    Raises:
        CardRefused: the name and version were taken meanwhile.
    """
    held = connection.execute(
        "SELECT 1 FROM trainings WHERE id = %s AND lease_token = %s AND state = 'running' FOR UPDATE",
        [lease.row_id, lease.token],
    ).fetchone()
    if held is None:
        return False
    added = segmenters.add_segmenter(
        connection,
        card,
        checkpoint_key=checkpoint_key,
        checkpoint_bytes=checkpoint_bytes,
        actor=f"training {lease.row_id}",
    )
    connection.execute(
        """
        UPDATE trainings SET segmenter_id = %(segmenter_id)s, report = %(report)s, step = %(step)s,
            state_key = NULL, state_sha256 = NULL, best_key = NULL, best_sha256 = NULL
        WHERE id = %(id)s
        """,
        {
            "segmenter_id": added.segmenter.id,
            "report": Jsonb(dict(report)),
            "step": report["steps"],
            "id": lease.row_id,
        },
    )
    return succeed(connection, lease)


def list_trainings(connection: Connection) -> list[Row]:
    """All trainings, newest first."""
    return connection.execute(f"SELECT {_LISTED} FROM trainings t ORDER BY t.id DESC").fetchall()  # noqa: S608


def list_open(connection: Connection) -> set[int]:
    """The ids of the trainings that have not ended."""
    rows = connection.execute("SELECT id FROM trainings WHERE state IN ('waiting', 'running')")
    return {row["id"] for row in rows}


def get_training(connection: Connection, training_id: int) -> Row:
    """One training; raises `TrainingNotFound`."""
    row = connection.execute(f"SELECT {_LISTED} FROM trainings t WHERE t.id = %s", [training_id]).fetchone()  # noqa: S608
    if row is None:
        raise TrainingNotFound(str(training_id))
    return row


def cancel_training(connection: Connection, training_id: int, *, actor: str) -> Row:
    """Cancels a training that has not ended, and gives it; its state stays, to go on from when it is asked for again.

    Raises:
        TrainingNotFound: there is none of this id.
    """
    changed = connection.execute(
        """
        UPDATE trainings SET state = 'cancelled', finished_at = clock_timestamp(), published_at = NULL,
            lease_token = NULL, lease_until = NULL, lease_owner = NULL
        WHERE id = %s AND state IN ('waiting', 'running')
        """,
        [training_id],
    ).rowcount
    if changed:
        record_action(connection, actor=actor, action="cancel", subject=f"training {training_id}")
    return get_training(connection, training_id)

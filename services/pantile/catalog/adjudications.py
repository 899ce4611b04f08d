"""Adjudications: outputs on which two readings differ or that a rater flagged, and the consensus that settles each.

A consensus stands beside the scores and never over them. An output has one adjudication at most.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from pantile.catalog.audit import record_action
from pantile.catalog.database import Connection, Row
from pantile.domain.errors import AdjudicationClosed, AdjudicationNotFound, StudyClosed
from pantile.domain.studies import Study

CLAIM_MIN = 30
"""Minutes for which a claim holds."""

# Outputs of the study, or of one of its ROIs, that are asked for a score and whose first two readings, when both are
# done, differ by the study's delta; or that are flagged, by themselves or with their case.
_DUE = """
    SELECT o.id, min(why.reason) AS reason
    FROM outputs o JOIN studies t ON t.id = o.study_id JOIN rois r ON r.id = o.roi_id
    CROSS JOIN LATERAL (
        SELECT 'difference' AS reason FROM (
            SELECT max(s.value) - min(s.value) AS delta FROM scores s JOIN assignments a ON a.id = s.assignment_id
            WHERE s.output_id = o.id AND a.state = 'done' AND a.purpose IN ('primary', 'second') AND a.round = 1
        ) scored WHERE delta >= t.adjudication_delta
        UNION ALL
        SELECT 'flag' FROM flags f JOIN assignments a ON a.id = f.assignment_id
        WHERE a.study_id = o.study_id AND a.roi_id = o.roi_id AND a.purpose IN ('primary', 'second')
          AND (f.output_id = o.id OR f.output_id IS NULL)
    ) why
    WHERE o.study_id = %(study_id)s AND (%(roi_id)s::bigint IS NULL OR o.roi_id = %(roi_id)s) AND o.job_id IS NOT NULL
      AND r.state <> 'withdrawn'
      AND EXISTS (SELECT 1 FROM study_questions q WHERE q.study_id = o.study_id AND q.kind = 'score'
                  AND (q.tissue_type IS NULL OR q.tissue_type = r.tissue_type))
    GROUP BY o.id
"""


def open_adjudications(connection: Connection, study_id: int, *, roi_id: int | None = None) -> int:
    """Opens the adjudications that are due in a study, or for one of its ROIs; gives how many are new."""
    if roi_id is not None:
        # Of two readings that are completed at once, the second sees the first.
        connection.execute("SELECT pg_advisory_xact_lock(8248, hashint8(%s))", [roi_id])
    return connection.execute(
        f"""
        WITH opened AS (
            INSERT INTO adjudications (study_id, output_id, reason)
            SELECT %(study_id)s, id, reason FROM ({_DUE}) due ORDER BY id
            ON CONFLICT (output_id) DO NOTHING RETURNING id, reason
        )
        INSERT INTO adjudication_events (adjudication_id, action, actor, details)
        SELECT id, 'open', 'rule', jsonb_build_object('reason', reason) FROM opened
        """,  # noqa: S608 — a constant of this module
        {"study_id": study_id, "roi_id": roi_id},
    ).rowcount


_SELECT = """
    SELECT d.id, d.key, d.study_id, d.output_id, d.reason, d.state, d.value, d.rationale, d.opened_at, d.signed_at,
           d.claimed_until, signer.name AS signed_by,
           d.claimed_until IS NOT NULL AND d.claimed_until > clock_timestamp() AS is_claimed,
           coalesce(d.claimed_until > clock_timestamp() AND d.claimed_by = %(account_id)s::bigint, false) AS is_mine,
           o.key AS output, o.roi_id, c.name AS cohort, r.tissue_type, r.state = 'withdrawn' AS is_withdrawn
    FROM adjudications d JOIN outputs o ON o.id = d.output_id JOIN rois r ON r.id = o.roi_id
    JOIN cohorts c ON c.id = r.cohort_id LEFT JOIN accounts signer ON signer.id = d.signed_by
"""


def list_adjudications(
    connection: Connection,
    study: Study,
    *,
    account_id: int | None,
    state: str | None = None,
    after: int = 0,
    limit: int,
) -> list[Row]:
    """A study's adjudications by id, from the one after `after`, all or those in a state; none of withdrawn cases."""
    return connection.execute(
        f"""
        {_SELECT} WHERE d.study_id = %(study_id)s AND d.id > %(after)s AND r.state <> 'withdrawn'
          AND (%(state)s::text IS NULL OR d.state = %(state)s)
        ORDER BY d.id LIMIT %(limit)s
        """,
        {"study_id": study.id, "account_id": account_id, "state": state, "after": after, "limit": limit},
    ).fetchall()


def count_adjudications(connection: Connection, study_id: int) -> dict[str, int]:
    """A study's adjudications by state, without those of withdrawn cases."""
    rows = connection.execute(
        """
        SELECT d.state, count(*) AS adjudications FROM adjudications d JOIN outputs o ON o.id = d.output_id
        JOIN rois r ON r.id = o.roi_id AND r.state <> 'withdrawn' WHERE d.study_id = %s GROUP BY d.state
        """,
        [study_id],
    )
    return {"open": 0, "signed": 0} | {row["state"]: row["adjudications"] for row in rows}


def find_adjudication(
    connection: Connection, study: Study, key: UUID, *, account_id: int | None, lock: bool = False
) -> Row:
    """An adjudication of a study; raises `AdjudicationNotFound`."""
    row = connection.execute(
        f"{_SELECT} WHERE d.key = %(key)s AND d.study_id = %(study_id)s {'FOR UPDATE OF d' if lock else ''}",
        {"key": key, "study_id": study.id, "account_id": account_id},
    ).fetchone()
    if row is None:
        raise AdjudicationNotFound(str(key))
    return row


@dataclass(frozen=True, slots=True, kw_only=True)
class Adjudicator:
    """Who settles: an account, and how the logs name them."""

    account_id: int
    actor: str


def claim(connection: Connection, study: Study, key: UUID, adjudicator: Adjudicator) -> datetime:
    """Takes an adjudication for half an hour by the database's clock, anew where it is theirs; gives until when.

    Raises:
        AdjudicationNotFound: the study has none such.
        AdjudicationClosed: somebody else has it, or it is signed.
        StudyClosed: the study is not published.
    """
    row = _lock_open(connection, study, key, adjudicator)
    if row["is_claimed"] and not row["is_mine"]:
        raise AdjudicationClosed(f"somebody else has it until {row['claimed_until']:%H:%M} UTC")
    claimed = connection.execute(
        """
        UPDATE adjudications SET claimed_by = %s, claimed_until = clock_timestamp() + make_interval(mins => %s)
        WHERE id = %s RETURNING claimed_until
        """,
        [adjudicator.account_id, CLAIM_MIN, row["id"]],
    ).fetchone()
    assert claimed is not None  # noqa: S101 — the row is locked
    _record(connection, study, row, "claim", adjudicator.actor)
    until: datetime = claimed["claimed_until"]
    return until


def release(connection: Connection, study: Study, key: UUID, adjudicator: Adjudicator) -> None:
    """Gives an adjudication back. Raises as `claim`, and `AdjudicationClosed` for one that is not theirs."""
    row = _lock_open(connection, study, key, adjudicator)
    _check_claimed(row)
    connection.execute("UPDATE adjudications SET claimed_by = NULL, claimed_until = NULL WHERE id = %s", [row["id"]])
    _record(connection, study, row, "release", adjudicator.actor)


def sign(
    connection: Connection, study: Study, key: UUID, adjudicator: Adjudicator, *, value: int, rationale: str
) -> None:
    """Signs the consensus on an output, which somebody has claimed; the scores stay as they are.

    Raises as `claim`, and `AdjudicationClosed` where the claim has ended or the rationale is empty.
    """
    row = _lock_open(connection, study, key, adjudicator)
    _check_claimed(row)
    connection.execute(
        """
        UPDATE adjudications SET state = 'signed', value = %s, rationale = %s, signed_by = %s,
            signed_at = clock_timestamp(), claimed_by = NULL, claimed_until = NULL, version = version + 1
        WHERE id = %s
        """,
        [value, rationale, adjudicator.account_id, row["id"]],
    )
    details = {"value": value, "rationale": rationale}
    _record(connection, study, row, "sign", adjudicator.actor, details)


def reopen(connection: Connection, study: Study, key: UUID, *, reason: str, actor: str) -> None:
    """Opens a signed adjudication again; what was signed stays in its history. Raises as `claim`."""
    row = find_adjudication(connection, study, key, account_id=None, lock=True)
    _check_study(study)
    if row["state"] != "signed":
        raise AdjudicationClosed("it is open already")
    connection.execute(
        """
        UPDATE adjudications SET state = 'open', value = NULL, rationale = '', signed_by = NULL, signed_at = NULL,
            version = version + 1 WHERE id = %s
        """,
        [row["id"]],
    )
    details = {"reason": reason, "value": row["value"], "rationale": row["rationale"], "signed_by": row["signed_by"]}
    _record(connection, study, row, "reopen", actor, details)


def _lock_open(connection: Connection, study: Study, key: UUID, adjudicator: Adjudicator) -> Row:
    row = find_adjudication(connection, study, key, account_id=adjudicator.account_id, lock=True)
    _check_study(study)
    if row["state"] == "signed":
        raise AdjudicationClosed("it is signed already")
    if row["is_withdrawn"]:
        raise AdjudicationClosed("the case was withdrawn")
    return row


def _check_study(study: Study) -> None:
    if not study.takes_scores:
        raise StudyClosed(f"it is {study.state}, and only a published study is adjudicated")


def _check_claimed(row: Row) -> None:
    if not row["is_mine"]:
        raise AdjudicationClosed("it is not yours, or not any more: claim it first")


def _record(
    connection: Connection, study: Study, row: Row, action: str, actor: str, details: dict[str, Any] | None = None
) -> None:
    connection.execute(
        "INSERT INTO adjudication_events (adjudication_id, action, actor, details) VALUES (%s, %s, %s, %s)",
        [row["id"], action, actor, Jsonb(details or {})],
    )
    record_action(
        connection, actor=actor, action=f"{action} adjudication", subject=f"study {study.name}",
        details={"adjudication": str(row["key"]), **(details or {})},
    )  # fmt: skip


def list_history(connection: Connection, adjudication_id: int) -> list[Row]:
    """What was done in an adjudication, first to last."""
    return connection.execute(
        """
        SELECT action, actor, at, details FROM adjudication_events WHERE adjudication_id = %s ORDER BY id
        """,
        [adjudication_id],
    ).fetchall()


def list_readings(connection: Connection, row: Row) -> list[Row]:
    """The readings that an adjudication is about: the first, the second, …, each with its score and flags, no names."""
    return connection.execute(
        """
        SELECT a.key AS assignment, s.value, coalesce(s.comment, '') AS comment, coalesce(s.answers, '{}') AS answers,
               coalesce((SELECT jsonb_agg(jsonb_build_object('kind', f.kind, 'note', f.note) ORDER BY f.id)
                FROM flags f WHERE f.assignment_id = a.id AND (f.output_id = %(output_id)s OR f.output_id IS NULL)),
                '[]') AS flags
        FROM assignments a LEFT JOIN scores s ON s.assignment_id = a.id AND s.output_id = %(output_id)s
        WHERE a.study_id = %(study_id)s AND a.roi_id = %(roi_id)s AND a.purpose IN ('primary', 'second')
          AND a.round = 1 AND a.state <> 'void'
        ORDER BY a.purpose, a.id
        """,
        {name: row[name] for name in ("output_id", "study_id", "roi_id")},
    ).fetchall()

"""Leases: how rows of the work tables are held, kept, given back and returned when their holder went silent.

A lease is a random token and a time by the database's clock. Every write by a holder names the token, so a holder that
comes late changes nothing. Blame follows ARCHITECTURE: an end with a cause charges its row; a silent end makes its rows
suspects, and only a second silent end, when the suspect ran alone, charges it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from psycopg import sql

from pantile.catalog.database import Connection, Row
from pantile.domain.jobs import MAX_RETRY_DELAY_S, RETRY_DELAY_S, AttemptOutcome, Cause

Leased = Literal["jobs", "chores", "trainings"]
"""A table whose rows are leased."""

TABLES: tuple[Leased, ...] = ("jobs", "chores", "trainings")
"""All of them."""

WORK_OF: dict[Leased, str] = {"jobs": "job", "chores": "chore", "trainings": "training"}
"""What a row of each is called."""

_ENDED_AT_ONCE = 1000

_DELAY = sql.SQL("make_interval(secs => least({longest}, {first} * 2 ^ least(greatest(attempt - 1, 0), 16)))").format(
    longest=sql.Literal(MAX_RETRY_DELAY_S), first=sql.Literal(RETRY_DELAY_S)
)
"""The wait after an attempt: `RETRY_DELAY_S` after the first, doubled each time, at most `MAX_RETRY_DELAY_S`."""

_NO_LEASE = sql.SQL("lease_token = NULL, lease_until = NULL, lease_owner = NULL")


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """What a worker holds: a row of a table, under a token."""

    table: Leased
    row_id: int
    token: UUID


def renew(connection: Connection, table: Leased, tokens: Sequence[UUID], *, lease_s: float) -> set[int]:
    """Prolongs the leases of these tokens by `lease_s` from now; gives the ids of the rows that are still held."""
    # A renewal lost in a crash of the server only ends the lease sooner: no need to wait for the disk.
    connection.execute("SET LOCAL synchronous_commit = off")
    rows = connection.execute(
        sql.SQL("""
            UPDATE {table} SET lease_until = clock_timestamp() + make_interval(secs => %(lease_s)s)
            WHERE lease_token = ANY(%(tokens)s) AND state = 'running'
            RETURNING id
        """).format(table=sql.Identifier(table)),
        {"tokens": list(tokens), "lease_s": lease_s},
    )
    return {row["id"] for row in rows}


def fail(connection: Connection, lease: Lease, *, kind: str, sentence: str) -> bool:
    """Fails a held row for a cause that another attempt cannot mend; False when the lease was lost."""
    return _end(
        connection,
        lease,
        sql.SQL("""
            state = 'failed', finished_at = clock_timestamp(), suspect = false,
            charged_attempts = charged_attempts + 1, error_kind = %(kind)s, error = %(sentence)s
        """),
        AttemptOutcome.FAILED,
        kind=kind,
        sentence=sentence,
    )


def succeed(connection: Connection, lease: Lease) -> bool:
    """Ends a held row as succeeded; False when the lease was lost."""
    return _end(
        connection,
        lease,
        sql.SQL(
            "state = 'succeeded', finished_at = clock_timestamp(), suspect = false, error_kind = NULL, error = NULL"
        ),
        AttemptOutcome.SUCCEEDED,
    )


def give_back(connection: Connection, lease: Lease, *, kind: str, sentence: str, charge: bool) -> bool:
    """Gives a held row back for another attempt after a wait; False when the lease was lost.

    With `charge` the attempt counts against the row, which fails once `max_attempts` are used up.
    """
    used_up = sql.SQL("(%(charge)s AND charged_attempts + 1 >= max_attempts)")
    return _end(
        connection,
        lease,
        sql.SQL("""
            state = CASE WHEN {used_up} THEN 'failed' ELSE 'waiting' END,
            finished_at = CASE WHEN {used_up} THEN clock_timestamp() END,
            charged_attempts = charged_attempts + %(charge)s::int, suspect = false, published_at = NULL,
            not_before = clock_timestamp() + {delay}, error_kind = %(kind)s, error = %(sentence)s
        """).format(used_up=used_up, delay=_DELAY),
        AttemptOutcome.RETURNED,
        kind=kind,
        sentence=sentence,
        charge=charge,
    )


def release(
    connection: Connection, table: Leased, tokens: Sequence[UUID], *, why: str = "the worker was told to stop"
) -> int:
    """Gives back, at once and without charge, all that these tokens hold."""
    rows = connection.execute(
        sql.SQL("""
            UPDATE {table} SET state = 'waiting', published_at = NULL, {no_lease}
            WHERE lease_token = ANY(%(tokens)s) AND state = 'running'
            RETURNING id, attempt
        """).format(table=sql.Identifier(table), no_lease=_NO_LEASE),
        {"tokens": list(tokens)},
    ).fetchall()
    _close_attempts(connection, table, rows, AttemptOutcome.RETURNED, why)
    return len(rows)


def cancel(connection: Connection, table: Leased, row_ids: Sequence[int]) -> int:
    """Ends those of the rows that are open, held or not, as nobody wants them any more; gives how many."""
    rows = connection.execute(
        sql.SQL("""
            WITH open AS MATERIALIZED (
                SELECT id, state FROM {table} WHERE id = ANY(%s) AND state IN ('waiting', 'running')
                ORDER BY id FOR UPDATE
            )
            UPDATE {table} r SET state = 'cancelled', finished_at = clock_timestamp(), published_at = NULL, {no_lease}
            FROM open WHERE r.id = open.id RETURNING r.id, r.attempt, open.state
        """).format(table=sql.Identifier(table), no_lease=_NO_LEASE),
        [list(row_ids)],
    ).fetchall()
    held = [row for row in rows if row["state"] == "running"]
    _close_attempts(connection, table, held, AttemptOutcome.CANCELLED, None)
    return len(rows)


def expire(connection: Connection, table: Leased) -> list[Row]:
    """Returns rows whose lease has ended silently: first as suspects, then charged, at last failed.

    Gives id, attempt, state and worker of each. One call takes at most 1,000, the oldest first.
    """
    return _suspect(
        connection,
        table,
        sql.SQL("lease_until < clock_timestamp()"),
        AttemptOutcome.LEASE_ENDED,
        kind=Cause.LEASE_ENDED,
        cause="The worker died or went silent",
    )


def suspect(connection: Connection, leases: Sequence[Lease], *, kind: str, cause: str) -> int:
    """Gives back held rows any of which may be why their worker cannot go on; gives how many were still held.

    They are blamed as by a silent end: nobody at first, and whichever it happens to again when it is tried alone.
    `cause` says in words, without a full stop, what happened.
    """
    returned = 0
    for table in sorted({lease.table for lease in leases}):
        held = [lease for lease in leases if lease.table == table]
        rows = _suspect(
            connection,
            table,
            sql.SQL("(id, lease_token) IN (SELECT * FROM unnest(%(ids)s::bigint[], %(tokens)s::uuid[]))"),
            AttemptOutcome.RETURNED,
            kind=kind,
            cause=cause,
            ids=[lease.row_id for lease in held],
            tokens=[lease.token for lease in held],
        )
        returned += len(rows)
    return returned


def _suspect(
    connection: Connection,
    table: Leased,
    which: sql.Composable,
    outcome: AttemptOutcome,
    *,
    kind: str,
    cause: str,
    **values: object,
) -> list[Row]:
    used_up = sql.SQL("(r.suspect AND r.charged_attempts + 1 >= r.max_attempts)")
    rows = connection.execute(
        sql.SQL("""
            WITH ended AS MATERIALIZED (
                SELECT id, lease_owner FROM {table} WHERE state = 'running' AND {which}
                ORDER BY lease_until LIMIT %(limit)s FOR UPDATE SKIP LOCKED
            )
            UPDATE {table} r SET
                state = CASE WHEN {used_up} THEN 'failed' ELSE 'waiting' END,
                finished_at = CASE WHEN {used_up} THEN clock_timestamp() END,
                charged_attempts = r.charged_attempts + r.suspect::int, suspect = true, published_at = NULL,
                not_before = CASE WHEN r.suspect THEN clock_timestamp() + {delay} ELSE r.not_before END,
                error_kind = CASE WHEN {used_up} THEN 'AttemptsUsedUp' ELSE %(kind)s END,
                error = %(cause)s || CASE WHEN {used_up}
                    THEN ' each time this was tried alone; the input is not tried again.' ELSE '.' END,
                {no_lease}
            FROM ended WHERE r.id = ended.id
            RETURNING r.id, r.attempt, r.state, ended.lease_owner AS worker
        """).format(table=sql.Identifier(table), which=which, used_up=used_up, delay=_DELAY, no_lease=_NO_LEASE),
        {**values, "limit": _ENDED_AT_ONCE, "kind": kind, "cause": cause},
    ).fetchall()
    _close_attempts(connection, table, rows, outcome, cause)
    return rows


def _end(
    connection: Connection,
    lease: Lease,
    changes: sql.Composable,
    outcome: AttemptOutcome,
    **values: object,
) -> bool:
    rows = connection.execute(
        sql.SQL("""
            UPDATE {table} SET {changes}, {no_lease}
            WHERE id = %(row_id)s AND lease_token = %(token)s AND state = 'running'
            RETURNING id, attempt
        """).format(table=sql.Identifier(lease.table), changes=changes, no_lease=_NO_LEASE),
        {"row_id": lease.row_id, "token": lease.token, **values},
    ).fetchall()
    sentence = values.get("sentence")
    _close_attempts(connection, lease.table, rows, outcome, str(sentence) if sentence else None)
    return bool(rows)


def _close_attempts(
    connection: Connection, table: Leased, rows: Sequence[Row], outcome: AttemptOutcome, error: str | None
) -> None:
    if table != "jobs" or not rows:
        return
    connection.execute(
        """
        UPDATE job_attempts a SET ended_at = clock_timestamp(), outcome = %(outcome)s, error = %(error)s
        FROM unnest(%(ids)s::bigint[], %(attempts)s::int[]) AS e(job_id, attempt)
        WHERE a.job_id = e.job_id AND a.attempt = e.attempt
        """,
        {
            "ids": [row["id"] for row in rows],
            "attempts": [row["attempt"] for row in rows],
            "outcome": outcome,
            "error": error,
        },
    )

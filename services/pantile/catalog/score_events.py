"""Events of scoring in the catalog: appended one by one, read back, and verified against the scores."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from uuid import UUID

from psycopg.types.json import Jsonb

from pantile.catalog.database import Connection, Row
from pantile.domain.errors import KeyReused
from pantile.domain.readings import ReadingState
from pantile.domain.score_events import (
    Action,
    Projection,
    ScoreEvent,
    StoredEvent,
    find_break,
    project,
    score_from,
)

_EVENTS = """
    SELECT e.id, e.assignment_id, a.key AS assignment, e.number, e.key, o.key AS output, e.action, e.actor, e.at,
           e.client_at, e.before, e.after, e.pane, e.view, e.reason, e.group_key, e.previous_hash, e.hash
    FROM score_events e JOIN assignments a ON a.id = e.assignment_id LEFT JOIN outputs o ON o.id = e.output_id
"""

_ENDED = {ReadingState.DONE, ReadingState.SKIPPED, ReadingState.WITHDRAWN}

_AT_ONCE = 500
"""Assignments that are verified together, so that a study's events are never all in memory."""


def append_event(connection: Connection, event: ScoreEvent, *, assignment_id: int, output_id: int | None = None) -> str:
    """Adds an event to an assignment whose row the caller has locked, and gives its hash; raises `KeyReused`.

    An assignment that was pending is open from its first event on.
    """
    found = event.hash()
    appended = connection.execute(
        """
        WITH appended AS (
            INSERT INTO score_events (assignment_id, number, key, output_id, action, actor, at, client_at, before,
                                      after, pane, view, reason, group_key, previous_hash, hash)
            VALUES (%(assignment_id)s, %(number)s, %(key)s, %(output_id)s, %(action)s, %(actor)s, %(at)s, %(client_at)s,
                    %(before)s, %(after)s, %(pane)s, %(view)s, %(reason)s, %(group)s, %(previous_hash)s, %(hash)s)
            ON CONFLICT (key) DO NOTHING RETURNING number, hash
        )
        UPDATE assignments SET events = appended.number, last_hash = appended.hash,
            state = CASE state WHEN 'pending' THEN 'open' ELSE state END, opened_at = coalesce(opened_at, %(at)s)
        FROM appended WHERE id = %(assignment_id)s
        """,
        {
            "assignment_id": assignment_id,
            "output_id": output_id,
            "number": event.number,
            "key": event.key,
            "action": event.action,
            "actor": event.actor,
            "at": event.at,
            "client_at": event.client_at,
            "before": Jsonb(event.before),
            "after": Jsonb(event.after),
            "pane": event.pane,
            "view": Jsonb(event.view) if event.view is not None else None,
            "reason": event.reason,
            "group": event.group,
            "previous_hash": event.previous_hash,
            "hash": found,
        },
    )
    if appended.rowcount != 1:
        raise KeyReused
    return found


def find_event(connection: Connection, key: UUID) -> StoredEvent | None:
    """The event with that key, None where there is none."""
    row = connection.execute(f"{_EVENTS} WHERE e.key = %s", [key]).fetchone()
    return _stored(row) if row else None


def list_events(connection: Connection, assignment_id: int) -> list[StoredEvent]:
    """The events of an assignment, first to last."""
    rows = connection.execute(
        f"{_EVENTS} WHERE e.assignment_id = %s ORDER BY e.number",
        [assignment_id],
    )
    return [_stored(row) for row in rows]


@dataclass(frozen=True, slots=True, kw_only=True)
class Discrepancy:
    """An assignment whose history does not hold, and why."""

    assignment: UUID
    problem: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """What was looked at, and what is wrong with it."""

    assignments: int
    events: int
    discrepancies: tuple[Discrepancy, ...]


def verify_study(connection: Connection, study_id: int) -> Verification:
    """Whether each assignment's chain holds, and the assignment is as it follows from its events.

    It has to be the first statement of a transaction, which sees one moment of a study that people are scoring.
    """
    connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
    return check_study(connection, study_id)


def check_study(connection: Connection, study_id: int) -> Verification:
    """As `verify_study`, in a transaction of any kind; what is scored meanwhile may then seem a discrepancy."""
    assignments = events = 0
    found: list[Discrepancy] = []
    for chunk in _assignments(connection, study_id):
        stored = _events_of(connection, [row["id"] for row in chunk])
        for row in chunk:
            own = stored.get(row["id"], [])
            assignments, events = assignments + 1, events + len(own)
            problem = _problem(row, own)
            if problem is not None:
                found.append(Discrepancy(assignment=row["key"], problem=problem))
    return Verification(assignments=assignments, events=events, discrepancies=tuple(found))


def _assignments(connection: Connection, study_id: int) -> Iterator[list[Row]]:
    last = 0
    while chunk := connection.execute(
        """
        SELECT a.id, a.key, a.events, a.last_hash, a.state, a.comment,
               (SELECT coalesce(jsonb_object_agg(o.key, jsonb_build_object(
                    'value', s.value, 'answers', s.answers, 'comment', s.comment, 'version', s.version)), '{}')
                FROM scores s JOIN outputs o ON o.id = s.output_id WHERE s.assignment_id = a.id) AS scores,
               (SELECT coalesce(jsonb_agg(jsonb_build_array(o.key, f.kind, f.note)), '[]')
                FROM flags f LEFT JOIN outputs o ON o.id = f.output_id WHERE f.assignment_id = a.id) AS flags
        FROM assignments a WHERE a.study_id = %s AND a.id > %s ORDER BY a.id LIMIT %s
        """,
        [study_id, last, _AT_ONCE],
    ).fetchall():
        last = chunk[-1]["id"]
        yield chunk


def _events_of(connection: Connection, assignment_ids: Sequence[int]) -> dict[int, list[StoredEvent]]:
    rows = connection.execute(
        f"{_EVENTS} WHERE e.assignment_id = ANY(%s) ORDER BY e.assignment_id, e.number",
        [list(assignment_ids)],
    )
    return {key: [_stored(row) for row in own] for key, own in groupby(rows, key=lambda row: row["assignment_id"])}


def _problem(row: Row, stored: Sequence[StoredEvent]) -> str | None:
    broken = find_break(stored, events=row["events"], last_hash=row["last_hash"])
    return broken or _difference(row, project(each.event for each in stored))


def _difference(row: Row, projected: Projection) -> str | None:
    """What of an assignment is not as it follows from its events."""
    scores = {UUID(output): score_from(score) for output, score in row["scores"].items()}
    wrong = [key for key in scores.keys() | projected.scores.keys() if scores.get(key) != projected.scores.get(key)]
    if wrong:
        return f"the score of output {min(map(str, wrong))} is not the one that follows from the events"
    flags = {(UUID(output) if output else None, kind): note for output, kind, note in row["flags"]}
    if flags != projected.flags:
        return "the flags are not those that follow from the events"
    if row["comment"] != projected.comment:
        return "the comment is not the one that follows from the events"
    if (row["state"] in _ENDED or projected.state in _ENDED) and row["state"] != projected.state:
        return f"it is {row['state']}, and by its events {projected.state or 'not ended'}"
    return None


def _stored(row: Row) -> StoredEvent:
    event = ScoreEvent(
        assignment=row["assignment"],
        number=row["number"],
        key=row["key"],
        action=Action(row["action"]),
        actor=row["actor"],
        at=row["at"],
        before=row["before"],
        after=row["after"],
        output=row["output"],
        client_at=row["client_at"],
        pane=row["pane"],
        view=row["view"],
        reason=row["reason"],
        group=row["group_key"],
        previous_hash=row["previous_hash"],
    )
    return StoredEvent(event=event, hash=row["hash"])

"""Readings: a rater's scores of an assignment and its state, each change one short transaction and one event.

Whoever changes an assignment holds its row, so that its events have one order, and shares its study's, so that a study
is not locked while a change of it is under way.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID, uuid4

from pantile.catalog.adjudications import open_adjudications
from pantile.catalog.audit import record_action
from pantile.catalog.database import Connection, Row
from pantile.catalog.score_events import append_event
from pantile.domain.access import Visitor
from pantile.domain.errors import (
    NotAllowed,
    OutputMissing,
    OutputNotFound,
    ReadingIncomplete,
    ReadingNotFound,
    StudyClosed,
)
from pantile.domain.questions import Question, QuestionKind
from pantile.domain.readings import ReadingState, check_reason, check_reopenable, check_scorable
from pantile.domain.rois import TissueType
from pantile.domain.score_events import Action, ScoreEvent
from pantile.domain.studies import StudyRole, StudyState


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """An assignment that the transaction has locked, with all that decides whether and how it can be changed."""

    id: int
    key: UUID
    study_id: int
    study: str
    roi_id: int
    account_id: int
    position: int
    state: ReadingState
    study_state: StudyState
    comment: str
    pane_order: tuple[int, ...]
    asked: tuple[Question, ...]
    events: int
    last_hash: str
    now: datetime


_LOCK = """
    SELECT a.id, a.key, a.study_id, s.name AS study, s.state AS study_state, a.roi_id, a.account_id, a.position,
           a.state, a.comment, a.pane_order, a.events, a.last_hash, r.tissue_type, m.role, clock_timestamp() AS now,
           (SELECT jsonb_agg(to_jsonb(q) ORDER BY q.number) FROM study_questions q WHERE q.study_id = a.study_id)
               AS questions
    FROM assignments a JOIN studies s ON s.id = a.study_id JOIN rois r ON r.id = a.roi_id
    LEFT JOIN study_members m ON m.study_id = a.study_id AND m.account_id = a.account_id
    WHERE a.key = %s FOR UPDATE OF a FOR SHARE OF s
"""


def lock_reading(connection: Connection, key: UUID, visitor: Visitor) -> Reading:
    """The visitor's own assignment, locked until the transaction ends.

    Raises:
        ReadingNotFound: there is no such assignment.
        NotAllowed: it is somebody else's, or its rater may score no more in this study.
        StudyClosed: the study takes no scores.
    """
    row = connection.execute(_LOCK, [key]).fetchone()
    if row is None:
        raise ReadingNotFound(str(key))
    if row["account_id"] != visitor.account_id:
        raise NotAllowed("the case is somebody else's")
    if row["role"] is None or not StudyRole(row["role"]).may_score:
        raise NotAllowed("you do not score in this study")
    return _reading(row)


def _reading(row: Row) -> Reading:
    tissue_type = TissueType(row["tissue_type"])
    questions = questions_from(row["questions"] or [])
    return Reading(
        **{name: row[name] for name in ("id", "key", "study_id", "study", "roi_id", "account_id", "position", "comment",
                                        "events", "last_hash", "now")},
        state=ReadingState(row["state"]),
        study_state=StudyState(row["study_state"]),
        pane_order=tuple(row["pane_order"]),
        asked=tuple(each for each in questions if each.is_asked_of(tissue_type)),
    )  # fmt: skip


def questions_from(documents: list[Row]) -> tuple[Question, ...]:
    """The questions of a study as its rows have them."""
    return tuple(
        Question(
            number=document["number"],
            kind=QuestionKind(document["kind"]),
            prompt=document["prompt"],
            options=tuple(document["options"]),
            is_required=document["is_required"],
            tissue_type=TissueType(document["tissue_type"]) if document["tissue_type"] else None,
        )
        for document in documents
    )


def check_open(reading: Reading) -> None:
    """Raises `StudyClosed` or `ReadingClosed` unless scores can be set and changed."""
    _check_study(reading)
    check_scorable(reading.state)


def _check_study(reading: Reading) -> None:
    if reading.study_state is not StudyState.PUBLISHED:
        raise StudyClosed(f"it is {reading.study_state}, and only a published study is scored")


def open_reading(connection: Connection, key: UUID, visitor: Visitor) -> Reading:
    """Notes that the rater looks at the case, which is open from the first time on. Raises as `lock_reading`."""
    reading = lock_reading(connection, key, visitor)
    opens = reading.state is ReadingState.PENDING and reading.study_state is StudyState.PUBLISHED
    connection.execute(
        """
        UPDATE assignments SET visited_at = %(now)s, opened_at = CASE WHEN %(opens)s THEN %(now)s ELSE opened_at END,
            state = CASE WHEN %(opens)s THEN 'open' ELSE state END
        WHERE id = %(id)s
        """,
        {"id": reading.id, "now": reading.now, "opens": opens},
    )
    return replace(reading, state=ReadingState.OPEN) if opens else reading


def find_output(connection: Connection, reading: Reading, output: UUID, *, may_be_missing: bool = False) -> Row:
    """The row of an output of the case, with its score; raises `OutputNotFound`, `OutputMissing`."""
    row = connection.execute(
        """
        SELECT o.id, o.key, o.number, o.job_id, s.value, coalesce(s.answers, '{}') AS answers,
               coalesce(s.comment, '') AS comment, coalesce(s.version, 0) AS version
        FROM outputs o LEFT JOIN scores s ON s.output_id = o.id AND s.assignment_id = %(assignment_id)s
        WHERE o.key = %(key)s AND o.study_id = %(study_id)s AND o.roi_id = %(roi_id)s
        """,
        {"key": output, "assignment_id": reading.id, "study_id": reading.study_id, "roi_id": reading.roi_id},
    ).fetchone()
    if row is None or row["number"] not in reading.pane_order:
        raise OutputNotFound(str(output))
    if row["job_id"] is None and not may_be_missing:
        raise OutputMissing
    return row


def complete_reading(connection: Connection, key: UUID, visitor: Visitor, *, skips_missing: bool = False) -> Reading:
    """Ends a reading all of whose outputs are scored, or whatever is left with `skips_missing`; audited.

    One that is done already stays as it is. Raises `ReadingIncomplete`, and as `lock_reading`.
    """
    reading = lock_reading(connection, key, visitor)
    _check_study(reading)
    if reading.state is ReadingState.DONE:
        return reading
    check_scorable(reading.state)
    unscored = _list_unscored(connection, reading)
    if unscored and not skips_missing:
        raise ReadingIncomplete(unscored)
    left = {"unscored": unscored} if unscored else {}
    done = _turn(connection, reading, ReadingState.DONE, Action.COMPLETE, visitor, details=left)
    open_adjudications(connection, reading.study_id, roi_id=reading.roi_id)
    return done


def _list_unscored(connection: Connection, reading: Reading) -> list[str]:
    """The keys of outputs that are there and not scored, by pane."""
    rows = connection.execute(
        """
        SELECT o.key FROM outputs o LEFT JOIN scores s ON s.output_id = o.id AND s.assignment_id = %(assignment_id)s
        WHERE o.study_id = %(study_id)s AND o.roi_id = %(roi_id)s AND o.job_id IS NOT NULL
          AND o.number = ANY(%(pane_order)s) AND s.is_complete IS NOT TRUE
        ORDER BY array_position(%(pane_order)s, o.number)
        """,
        {
            "assignment_id": reading.id,
            "study_id": reading.study_id,
            "roi_id": reading.roi_id,
            "pane_order": list(reading.pane_order),
        },
    )
    return [str(row["key"]) for row in rows]


def skip_reading(connection: Connection, key: UUID, visitor: Visitor, *, reason: str) -> Reading:
    """Ends a reading without its being scored whole; audited. One that is skipped already stays as it is."""
    reading = lock_reading(connection, key, visitor)
    _check_study(reading)
    if reading.state is ReadingState.SKIPPED:
        return reading
    check_scorable(reading.state)
    return _turn(connection, reading, ReadingState.SKIPPED, Action.SKIP, visitor, reason=check_reason(reason))


def reopen_reading(connection: Connection, key: UUID, visitor: Visitor, *, reason: str) -> Reading:
    """Opens a reading that was done or skipped; audited. Raises `ReadingClosed`, and as `lock_reading`."""
    reading = lock_reading(connection, key, visitor)
    _check_study(reading)
    if reading.state is ReadingState.OPEN:
        return reading
    check_reopenable(reading.state)
    return _turn(connection, reading, ReadingState.OPEN, Action.REOPEN, visitor, reason=check_reason(reason))


def _turn(
    connection: Connection,
    reading: Reading,
    state: ReadingState,
    action: Action,
    visitor: Visitor,
    *,
    details: Mapping[str, object] | None = None,
    reason: str | None = None,
) -> Reading:
    """Gives a reading another state, with its event and its line in the audit log."""
    after = {"status": state.value, **(details or {})}
    append_note(
        connection, reading, action, visitor, before={"status": reading.state.value}, after=after, reason=reason
    )
    _set_state(connection, reading, state)
    told: dict[str, object] = {"study": reading.study, "case": reading.position, **(details or {})}
    if reason is not None:
        told["reason"] = reason
    record_action(
        connection, actor=visitor.actor, action=action.value, subject=f"assignment {reading.key}", details=told
    )
    return replace(reading, state=state)


def _set_state(connection: Connection, reading: Reading, state: ReadingState) -> None:
    connection.execute(
        """
        UPDATE assignments SET state = %(state)s, completed_at = CASE WHEN %(state)s = 'done' THEN %(now)s END
        WHERE id = %(id)s
        """,
        {"id": reading.id, "state": state.value, "now": reading.now},
    )


def append_note(
    connection: Connection,
    reading: Reading,
    action: Action,
    visitor: Visitor,
    *,
    before: Mapping[str, object],
    after: Mapping[str, object],
    output: Row | None = None,
    reason: str | None = None,
) -> None:
    """Appends an event that changes no score."""
    event = ScoreEvent(
        assignment=reading.key,
        number=reading.events + 1,
        key=uuid4(),
        action=action,
        actor=visitor.actor,
        at=reading.now,
        before=before,
        after=after,
        output=output["key"] if output else None,
        pane=reading.pane_order.index(output["number"]) + 1 if output else None,
        reason=reason,
        previous_hash=reading.last_hash,
    )
    append_event(connection, event, assignment_id=reading.id, output_id=output["id"] if output else None)

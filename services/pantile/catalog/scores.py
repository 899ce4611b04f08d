"""Scores in the catalog: one row an assignment and output, with a version; each change one event before it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from psycopg.types.json import Jsonb

from pantile.catalog.database import Connection
from pantile.catalog.readings import Reading, check_open, find_output, lock_reading
from pantile.catalog.score_events import append_event, find_event
from pantile.domain.access import Visitor
from pantile.domain.errors import KeyReused, ScoreConflict
from pantile.domain.score_events import Action, ScoreEvent, VersionedScore, action_of, score_from
from pantile.domain.scores import Answer, Score, check_score, is_complete


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreChange:
    """What a rater asks to be set: None for answers or a comment leaves them; `version` is the one that they saw."""

    key: UUID
    version: int
    value: int | None
    answers: Mapping[str, Answer] | None = None
    comment: str | None = None
    action: Action | None = None
    group: UUID | None = None
    client_at: datetime | None = None
    view: Mapping[str, float] | None = None

    def applied_to(self, score: Score) -> Score:
        """The score after the change."""
        return Score(
            value=self.value,
            answers=score.answers if self.answers is None else self.answers,
            comment=score.comment if self.comment is None else self.comment,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedScore:
    """A score as it stands after a change, and the number of the event that made it."""

    output: UUID
    current: VersionedScore
    event: int


def record_score(
    connection: Connection, assignment: UUID, output: UUID, change: ScoreChange, visitor: Visitor
) -> RecordedScore:
    """Sets an output's score; the same change again (by its key) gives the same answer and changes nothing.

    Raises:
        ReadingNotFound, NotAllowed: as `lock_reading`.
        KeyReused: the key came with another change before.
        StudyClosed, ReadingClosed: nothing can be scored here, or not any more.
        OutputNotFound, OutputMissing: the case has no such output, or there is nothing of it to see.
        ScoreConflict: the score is not at the version that the rater saw.
        AnswerRefused: the study does not ask for this.
    """
    reading = lock_reading(connection, assignment, visitor)
    repeated = _find_repeated(connection, reading, output, change)
    if repeated is not None:
        return repeated
    check_open(reading)
    row = find_output(connection, reading, output)
    before = score_from(row)
    if before.version != change.version:
        raise ScoreConflict(before.document())
    after = VersionedScore(score=change.applied_to(before.score), version=before.version + 1)
    check_score(after.score, reading.asked)
    event = ScoreEvent(
        assignment=reading.key,
        number=reading.events + 1,
        key=change.key,
        action=change.action or action_of(before.score, after.score),
        actor=visitor.actor,
        at=reading.now,
        before=before.document(),
        after=after.document(),
        output=output,
        client_at=change.client_at,
        pane=reading.pane_order.index(row["number"]) + 1,
        view=change.view,
        group=change.group,
        previous_hash=reading.last_hash,
    )
    append_event(connection, event, assignment_id=reading.id, output_id=row["id"])
    _keep_score(connection, reading, row["id"], after)
    return RecordedScore(output=output, current=after, event=event.number)


def _find_repeated(connection: Connection, reading: Reading, output: UUID, change: ScoreChange) -> RecordedScore | None:
    stored = find_event(connection, change.key)
    if stored is None:
        return None
    event = stored.event
    if (event.assignment, event.output) != (reading.key, output) or not event.is_about_score:
        raise KeyReused
    current = score_from(event.after)
    if change.applied_to(current.score) != current.score:
        raise KeyReused
    return RecordedScore(output=output, current=current, event=event.number)


def _keep_score(connection: Connection, reading: Reading, output_id: int, current: VersionedScore) -> None:
    """Writes the score that follows from the event just appended."""
    score = current.score
    connection.execute(
        """
        INSERT INTO scores (assignment_id, output_id, value, answers, comment, is_complete, version, updated_at)
        VALUES (%(assignment_id)s, %(output_id)s, %(value)s, %(answers)s, %(comment)s, %(is_complete)s, %(version)s,
                %(now)s)
        ON CONFLICT (assignment_id, output_id) DO UPDATE SET value = excluded.value, answers = excluded.answers,
            comment = excluded.comment, is_complete = excluded.is_complete, version = excluded.version,
            updated_at = excluded.updated_at
        """,
        {
            "assignment_id": reading.id,
            "output_id": output_id,
            "value": score.value,
            "answers": Jsonb(dict(score.answers)),
            "comment": score.comment,
            "is_complete": is_complete(score, reading.asked),
            "version": current.version,
            "now": reading.now,
        },
    )

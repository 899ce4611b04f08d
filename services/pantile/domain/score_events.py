"""Events of scoring: an append-only history in which every event carries the hash of the one before it.

The scores of an assignment follow from its events. An event's hash is the SHA-256 of its content as canonical JSON, the
hash before it included, so that none can be altered, left out or moved to another assignment without the chain telling.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, cast
from uuid import UUID

from pantile.domain.scores import Answer, Score

Document = Mapping[str, object]
"""JSON as an event keeps it. Its numbers are whole, or of six decimals and below 1e9: PostgreSQL's jsonb gives back the
same digits only then."""

MAX_VIEW = 1e9


class Action(StrEnum):
    """What an event says was done."""

    SET = "set"
    CLEAR = "clear"
    COMMENT = "comment"
    UNDO = "undo"
    REDO = "redo"
    IMPORT = "import"
    FLAG = "flag"
    UNFLAG = "unflag"
    COMPLETE = "complete"
    SKIP = "skip"
    REOPEN = "reopen"
    WITHDRAW = "withdraw"


_FLAGGING = frozenset({Action.FLAG, Action.UNFLAG})


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreEvent:
    """One event of an assignment; `output` is None for what concerns the case as a whole.

    `pane` is the place, from 1, at which the rater saw the output, `view` where they had zoomed to. Events of one
    `group` were one step for the rater, who undoes them together.
    """

    assignment: UUID
    number: int
    key: UUID
    action: Action
    actor: str
    at: datetime
    before: Document
    after: Document
    output: UUID | None = None
    client_at: datetime | None = None
    pane: int | None = None
    view: Mapping[str, float] | None = None
    reason: str | None = None
    group: UUID | None = None
    previous_hash: str = ""

    @property
    def is_about_score(self) -> bool:
        """Whether a score follows from it."""
        return self.output is not None and self.action not in _FLAGGING

    def hash(self) -> str:
        """The SHA-256, in hexadecimal, of all of the event."""
        content = {
            "assignment": str(self.assignment),
            "number": self.number,
            "key": str(self.key),
            "output": _text(self.output),
            "action": self.action.value,
            "actor": self.actor,
            "at": _time(self.at),
            "client_at": _time(self.client_at) if self.client_at is not None else None,
            "before": self.before,
            "after": self.after,
            "pane": self.pane,
            "view": self.view,
            "reason": self.reason,
            "group": _text(self.group),
            "previous_hash": self.previous_hash,
        }
        return hashlib.sha256(canonical_json(content)).hexdigest()


def canonical_json(document: Document) -> bytes:
    """JSON of which there is one form: sorted names, no spaces, UTF-8."""
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode()


def plain_view(view: Mapping[str, float]) -> dict[str, float]:
    """A view in numbers that an event can keep: six decimals, and no minus zero."""
    return {name: round(float(value), 6) + 0.0 for name, value in view.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredEvent:
    """An event as it is read back, with the hash that was stored beside it."""

    event: ScoreEvent
    hash: str


def find_break(stored: Sequence[StoredEvent], *, events: int, last_hash: str) -> str | None:
    """What is wrong with the chain of an assignment that should have that many events and that last hash, or None."""
    previous = ""
    for number, each in enumerate(stored, start=1):
        if each.event.number != number:
            return f"event {number} is missing"
        if each.event.previous_hash != previous:
            return f"event {number} does not follow the one before it"
        if each.event.hash() != each.hash:
            return f"event {number} was altered"
        previous = each.hash
    if len(stored) != events or previous != last_hash:
        return f"the last events are missing or added: there are {len(stored)}, and the assignment counts {events}"
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionedScore:
    """A score, and how often it was written."""

    score: Score
    version: int

    def document(self) -> dict[str, object]:
        """The score as events keep it."""
        return {**self.score.document(), "version": self.version}


UNSCORED = VersionedScore(score=Score(), version=0)


def score_from(document: Document) -> VersionedScore:
    """The score that an event keeps."""
    kept = cast("dict[str, Any]", document)
    answers: dict[str, Answer] = kept["answers"]
    return VersionedScore(
        score=Score(value=kept["value"], answers=answers, comment=kept["comment"]), version=kept["version"]
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Projection:
    """An assignment as it follows from its events.

    Scores go by output, notes of flags by output and kind; the state is the one that it was given last, None where it
    never ended.
    """

    scores: Mapping[UUID, VersionedScore]
    flags: Mapping[tuple[UUID | None, str], str]
    comment: str
    state: str | None


def project(events: Iterable[ScoreEvent]) -> Projection:
    """What follows from an assignment's events, first to last."""
    scores: dict[UUID, VersionedScore] = {}
    flags: dict[tuple[UUID | None, str], str] = {}
    comment, state = "", None
    for event in events:
        match event.action:
            case Action.FLAG:
                flags[event.output, str(event.after["flag"])] = str(event.after["note"])
            case Action.UNFLAG:
                flags.pop((event.output, str(event.before["flag"])), None)
            case Action.COMPLETE | Action.SKIP | Action.REOPEN | Action.WITHDRAW:
                state = str(event.after["status"])
            case _ if event.output is not None:
                scores[event.output] = score_from(event.after)
            case _:
                comment = str(event.after["comment"])
    return Projection(scores=scores, flags=flags, comment=comment, state=state)


def action_of(before: Score, after: Score) -> Action:
    """What a change of a score is called when the rater does not say."""
    if before.value is not None and after.value is None:
        return Action.CLEAR
    if (before.value, before.answers) == (after.value, after.answers) and before.comment != after.comment:
        return Action.COMMENT
    return Action.SET


def _text(key: UUID | None) -> str | None:
    return str(key) if key is not None else None


def _time(time: datetime) -> str:
    return time.astimezone(UTC).isoformat(timespec="microseconds")

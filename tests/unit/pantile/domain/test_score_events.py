"""The chain of an assignment's events tells of every change to it, and the scores follow from it."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from hashlib import sha256
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pantile.domain.score_events import (
    MAX_VIEW,
    Action,
    Projection,
    ScoreEvent,
    StoredEvent,
    VersionedScore,
    action_of,
    canonical_json,
    find_break,
    plain_view,
    project,
)
from pantile.domain.scores import Score

ASSIGNMENT, OUTPUT, OTHER = UUID(int=1), UUID(int=2), UUID(int=3)
AT = datetime(2026, 3, 1, 12, tzinfo=UTC)


def _chain(*values: tuple[UUID, int | None]) -> list[StoredEvent]:
    """Events that set these scores one after another."""
    stored: list[StoredEvent] = []
    for number, (output, value) in enumerate(values, start=1):
        event = ScoreEvent(
            assignment=ASSIGNMENT,
            number=number,
            key=UUID(int=100 + number),
            action=Action.SET,
            actor="jane",
            at=AT,
            before={"value": None, "answers": {}, "comment": "", "version": 0},
            after={"value": value, "answers": {}, "comment": "", "version": number},
            output=output,
            previous_hash=stored[-1].hash if stored else "",
        )
        stored.append(StoredEvent(event=event, hash=event.hash()))
    return stored


def _break(stored: list[StoredEvent], *, of: list[StoredEvent]) -> str | None:
    return find_break(stored, events=len(of), last_hash=of[-1].hash)


def test_an_events_hash_is_the_sha256_of_its_content_in_one_form() -> None:
    (stored,) = _chain((OUTPUT, 7))

    expected = (
        '{"action":"set","actor":"jane","after":{"answers":{},"comment":"","value":7,"version":1},'
        '"assignment":"00000000-0000-0000-0000-000000000001","at":"2026-03-01T12:00:00.000000+00:00",'
        '"before":{"answers":{},"comment":"","value":null,"version":0},"client_at":null,"group":null,'
        '"key":"00000000-0000-0000-0000-000000000065","number":1,"output":"00000000-0000-0000-0000-000000000002",'
        '"pane":null,"previous_hash":"","reason":null,"view":null}'
    )
    assert stored.hash == sha256(expected.encode()).hexdigest()


def test_the_time_zone_in_which_a_time_is_read_back_does_not_matter() -> None:
    event = _chain((OUTPUT, 7))[0].event
    elsewhere = replace(event, at=AT.astimezone(timezone(timedelta(hours=-7))))

    assert elsewhere.hash() == event.hash()


def test_an_untouched_chain_holds() -> None:
    chain = _chain((OUTPUT, 7), (OTHER, 3), (OUTPUT, 8))

    assert _break(chain, of=chain) is None
    assert find_break([], events=0, last_hash="") is None


_TAMPERING: dict[str, tuple[Callable[[list[StoredEvent]], list[StoredEvent]], str]] = {
    "a value is altered": (
        lambda chain: [chain[0], _altered(chain[1], after={**chain[1].event.after, "value": 10}), chain[2]],
        "event 2 was altered",
    ),
    "a time is altered": (
        lambda chain: [_altered(chain[0], at=AT + timedelta(microseconds=1)), *chain[1:]],
        "event 1 was altered",
    ),
    "another is the actor": (lambda chain: [_altered(chain[0], actor="joe"), *chain[1:]], "event 1 was altered"),
    "the first is left out": (lambda chain: chain[1:], "event 1 is missing"),
    "one within is left out": (lambda chain: [chain[0], chain[2]], "event 2 is missing"),
    "the last is left out": (lambda chain: chain[:2], "missing or added"),
    "all are left out": (lambda chain: chain[:0], "missing or added"),
    "one is altered, and its hash as well": (
        lambda chain: [_rehashed(chain[0], actor="joe"), *chain[1:]],
        "event 2 does not follow",
    ),
    "the last is altered, and its hash as well": (
        lambda chain: [*chain[:2], _rehashed(chain[2], actor="joe")],
        "missing or added",
    ),
}


def _altered(stored: StoredEvent, **changes: Any) -> StoredEvent:
    return StoredEvent(event=replace(stored.event, **changes), hash=stored.hash)


def _rehashed(stored: StoredEvent, **changes: Any) -> StoredEvent:
    event = replace(stored.event, **changes)
    return StoredEvent(event=event, hash=event.hash())


@pytest.mark.parametrize("name", _TAMPERING)
def test_tampering_breaks_the_chain(name: str) -> None:
    """Check 26, the rules."""
    tamper, expected = _TAMPERING[name]
    chain = _chain((OUTPUT, 7), (OTHER, 3), (OUTPUT, 8))

    assert expected in (_break(tamper(chain), of=chain) or "nothing was noticed")


def test_an_event_moved_to_another_assignment_is_noticed() -> None:
    chain = _chain((OUTPUT, 7))

    assert _break([_altered(chain[0], assignment=uuid4())], of=chain) == "event 1 was altered"


def test_scores_are_the_last_that_was_set_of_each_output() -> None:
    events = [stored.event for stored in _chain((OUTPUT, 7), (OTHER, 3), (OUTPUT, None))]

    assert project(events).scores == {
        OUTPUT: VersionedScore(score=Score(value=None), version=3),
        OTHER: VersionedScore(score=Score(value=3), version=2),
    }


def test_flags_comment_and_state_follow_as_well() -> None:
    event = _chain((OUTPUT, 7))[0].event
    told: list[tuple[Action, UUID | None, dict[str, object], dict[str, object]]] = [
        (Action.FLAG, None, {}, {"flag": "difficult", "note": "crushed"}),
        (Action.FLAG, OUTPUT, {}, {"flag": "output", "note": ""}),
        (Action.UNFLAG, OUTPUT, {"flag": "output", "note": ""}, {}),
        (Action.COMMENT, None, {"comment": ""}, {"comment": "odd"}),
        (Action.COMPLETE, None, {"status": "open"}, {"status": "done"}),
        (Action.REOPEN, None, {"status": "done"}, {"status": "open"}),
    ]

    projected = project(
        replace(event, action=action, output=output, before=before, after=after)
        for action, output, before, after in told
    )

    assert projected == Projection(scores={}, flags={(None, "difficult"): "crushed"}, comment="odd", state="open")


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (Score(), Score(value=7), Action.SET),
        (Score(value=7), Score(value=7), Action.SET),
        (Score(value=7), Score(), Action.CLEAR),
        (Score(value=7), Score(value=7, comment="sure"), Action.COMMENT),
        (Score(value=7), Score(value=6, comment="sure"), Action.SET),
        (Score(), Score(answers={"2": "x"}, comment="sure"), Action.SET),
    ],
)
def test_a_change_is_called_by_what_it_changes(before: Score, after: Score, expected: Action) -> None:
    assert action_of(before, after) is expected


@given(st.floats(-MAX_VIEW, MAX_VIEW))
def test_a_view_keeps_its_digits_in_a_database_that_writes_numbers_out(number: float) -> None:
    """PostgreSQL's jsonb keeps numbers as decimals: without an exponent, and without the sign of zero."""
    view = plain_view({"zoom": number})
    written = f"{view['zoom']:f}"

    assert canonical_json(view) == canonical_json({"zoom": json.loads(written)})
    assert not written.startswith("-0.000000")

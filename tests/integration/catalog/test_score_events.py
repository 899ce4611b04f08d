"""Events of scoring can only be added, and whoever has the power to change them all the same is found out."""

from collections.abc import Sequence
from typing import LiteralString
from uuid import UUID, uuid4

import psycopg
import pytest

from pantile.catalog import readings, remarks
from pantile.catalog.database import Connection, Database
from pantile.catalog.score_events import Discrepancy, Verification, check_study, list_events, verify_study
from pantile.catalog.scores import ScoreChange, record_score
from pantile.domain.access import Visitor
from pantile.domain.readings import FlagKind
from pantile.domain.score_events import plain_view, project
from tests.study_fixture import SmallStudy, make_study


@pytest.fixture
def study(database: Database) -> SmallStudy:
    """The small study, of which R1 has scored two cases with all that an event can hold."""
    study = make_study(database)
    visitor = Visitor(scopes=frozenset(), account_id=study.accounts["r1"], account="r1")
    for roi in (0, 1):
        _read(database, study.assignments["r1"][roi], visitor)
    return study


def _read(database: Database, key: UUID, visitor: Visitor) -> None:
    outputs = _outputs(database, key)
    for number, output in enumerate(outputs):
        change = ScoreChange(
            key=uuid4(),
            version=0,
            value=number,
            comment='Grüße, "a\\b"\n\t\u2028\U0001f52c',
            group=uuid4(),
            view=plain_view({"zoom": 1 / 3, "x": 1e-7, "y": -0.0}),
        )
        with database.transaction() as connection:
            record_score(connection, key, output, change, visitor)
    with database.transaction() as connection:
        record_score(connection, key, outputs[0], ScoreChange(key=uuid4(), version=1, value=None), visitor)
    with database.transaction() as connection:
        remarks.set_flag(connection, key, visitor, kind=FlagKind.OTHER, output=outputs[1], note="x", is_set=True)
    with database.transaction() as connection:
        remarks.set_comment(connection, key, visitor, "on the whole")
    with database.transaction() as connection:
        readings.complete_reading(connection, key, visitor, skips_missing=True)


def _outputs(database: Database, key: UUID) -> list[UUID]:
    with database.transaction() as connection:
        rows = connection.execute(
            """
            SELECT o.key FROM outputs o JOIN assignments a ON a.study_id = o.study_id AND a.roi_id = o.roi_id
            WHERE a.key = %s ORDER BY o.number
            """,
            [key],
        ).fetchall()
    return [row["key"] for row in rows]


def _verify(database: Database, study: SmallStudy) -> Verification:
    with database.transaction() as connection:
        return verify_study(connection, study.study_id)


def test_events_can_only_be_added(database: Database, study: SmallStudy) -> None:
    """Check 26: as the role under which the service runs."""
    changes: Sequence[LiteralString] = [
        "UPDATE score_events SET actor = 'x'",
        "UPDATE score_events SET actor = 'x' WHERE false",
        "DELETE FROM score_events",
        "TRUNCATE score_events",
        "TRUNCATE score_events, assignments CASCADE",
    ]

    for change in changes:
        with pytest.raises(psycopg.errors.RaiseException, match="only be added"), database.transaction() as connection:
            connection.execute(change)

    assert _verify(database, study).events == 18


def test_the_chain_holds_and_scores_are_its_projection(database: Database, study: SmallStudy) -> None:
    """Check 26: read back from the database, with Unicode, fractions and all, events have the hashes they had."""
    assert _verify(database, study) == Verification(assignments=18, events=18, discrepancies=())

    key = study.assignments["r1"][0]
    with database.transaction() as connection:
        row = connection.execute("SELECT id FROM assignments WHERE key = %s", [key]).fetchone()
        assert row is not None
        projected = project(each.event for each in list_events(connection, row["id"])).scores
        kept = connection.execute(
            """
            SELECT o.key, s.value, s.comment, s.version FROM scores s JOIN outputs o ON o.id = s.output_id
            WHERE s.assignment_id = %s
            """,
            [row["id"]],
        ).fetchall()
    found = {each["key"]: (each["value"], each["comment"], each["version"]) for each in kept}
    assert found == {key: (each.score.value, each.score.comment, each.version) for key, each in projected.items()}
    assert [value for value, _, _ in found.values()].count(None) == 1


_TAMPERING: Sequence[tuple[LiteralString, str]] = [
    (
        "UPDATE score_events SET after = jsonb_set(after, '{value}', '10') WHERE number = 2 AND assignment_id = 1",
        "event 2",
    ),
    ("UPDATE score_events SET at = at + interval '1 us' WHERE number = 9 AND assignment_id = 1", "event 9 was altered"),
    ("DELETE FROM score_events WHERE number = 3 AND assignment_id = 1", "event 3 is missing"),
    ("DELETE FROM score_events WHERE number = 9 AND assignment_id = 1", "missing or added"),
    ("DELETE FROM score_events WHERE assignment_id = 1", "missing or added"),
    ("UPDATE score_events SET number = number + 100 WHERE assignment_id = 1", "event 1 is missing"),
    ("UPDATE scores SET value = 10 WHERE assignment_id = 1 AND value = 1", "the score of output"),
    ("UPDATE scores SET comment = 'x' WHERE assignment_id = 1 AND value = 1", "the score of output"),
    ("DELETE FROM scores WHERE assignment_id = 1 AND value = 1", "the score of output"),
    (
        """
        INSERT INTO scores (assignment_id, output_id, value, is_complete, version)
        SELECT 1, max(id), 9, true, 1 FROM outputs
        """,
        "the score of output",
    ),
    ("DELETE FROM flags WHERE assignment_id = 1", "the flags"),
    ("UPDATE assignments SET comment = 'x' WHERE id = 1", "the comment"),
    ("UPDATE assignments SET state = 'open' WHERE id = 1", "it is open"),
    ("UPDATE assignments SET last_hash = 'x' WHERE id = 1", "missing or added"),
]


def test_tampering_by_a_superuser_is_found(database: Database, study: SmallStudy) -> None:
    """Check 26: whoever owns the database can switch the trigger off; the chain tells, of that assignment alone."""
    key = study.assignments["r1"][0]
    found = []
    for statement, _ in _TAMPERING:
        with database.transaction() as connection:
            connection.execute("ALTER TABLE score_events DISABLE TRIGGER score_events_only_grow")
            connection.execute("SAVEPOINT untouched")
            found.append(_tampered(connection, statement, study.study_id))
            connection.execute("ROLLBACK TO SAVEPOINT untouched")
            connection.execute("ALTER TABLE score_events ENABLE TRIGGER score_events_only_grow")

    for (statement, expected), discrepancies in zip(_TAMPERING, found, strict=True):
        assert [each.assignment for each in discrepancies] == [key], statement
        assert expected in discrepancies[0].problem, (statement, discrepancies[0].problem)
    assert _verify(database, study).discrepancies == ()


def _tampered(connection: Connection, statement: LiteralString, study_id: int) -> tuple[Discrepancy, ...]:
    """What is found in the transaction that has tampered."""
    assert connection.execute(statement).rowcount > 0
    return check_study(connection, study_id).discrepancies

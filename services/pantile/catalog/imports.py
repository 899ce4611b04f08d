"""Imports: scores from the study's own CSV become readings of a member, each score an event like any other."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from uuid import UUID, uuid4

from psycopg.types.json import Jsonb

from pantile.catalog.adjudications import open_adjudications
from pantile.catalog.audit import record_action
from pantile.catalog.database import Connection, Row
from pantile.catalog.studies import list_questions, list_segmenters, lock_study
from pantile.catalog.study_members import Member, find_member
from pantile.domain.errors import AssignmentRefused, ScoresRefused, StudyClosed
from pantile.domain.questions import Question
from pantile.domain.readings import Purpose
from pantile.domain.rois import RoiKey, TissueType
from pantile.domain.score_events import UNSCORED, Action, ScoreEvent, StoredEvent, VersionedScore
from pantile.domain.scores import Score, is_complete
from pantile.domain.studies import Study
from pantile.domain.study_csv import ScoreLine


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportAsk:
    """Whose readings the scores become, and why they read."""

    rater: str
    purpose: Purpose = Purpose.PRIMARY


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What an import did: rows read, readings and scores added, readings that were there, adjudications opened."""

    rows: int
    readings: int
    scores: int
    already: int
    adjudications: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reading:
    """The lines of one ROI, which is known here, with its outputs by segmenter's number."""

    roi_id: int
    place: int
    lines: Sequence[ScoreLine]
    outputs: Mapping[int, Row]


def import_scores(
    connection: Connection,
    study: Study,
    ask: ImportAsk,
    lines: Sequence[ScoreLine],
    *,
    dry_run: bool = False,
    actor: str,
) -> Imported:
    """Takes all lines or none; what was imported before is passed over. Audited.

    The panes are stored in the order of the segmenters, as the study's own application showed them.

    Raises:
        ScoresRefused: a line is of an ROI or a segmenter that the study has not, or the member has read the ROI
            otherwise; the lines are named.
        MemberNotFound, AssignmentRefused: nobody of that name scores in this study.
        StudyClosed: the study is not published.
    """
    study = lock_study(connection, study)
    if not study.takes_scores:
        raise StudyClosed(f"it is {study.state}, and only a published study takes scores")
    member = find_member(connection, study.id, ask.rater)
    if not member.role.may_score:
        raise AssignmentRefused(f"{ask.rater} is a {member.role} of this study, and scores nothing")
    matched = _match(connection, study, lines)
    # Of an ROI of which the file says nothing, there is no reading.
    told_of = [reading for reading in matched if any(map(_says_something, reading.lines))]
    new = list(_new_readings(connection, study, member, told_of))
    scored = [line for reading in new for line in reading.lines if _says_something(line)]
    told = Imported(rows=len(lines), readings=len(new), scores=len(scored), already=len(told_of) - len(new))
    if dry_run or not new:
        return told
    _keep_columns(connection, study, matched)
    _store(connection, study, member, ask, new, actor=actor)
    opened = open_adjudications(connection, study.id)
    details = {"rater": ask.rater, "purpose": ask.purpose, "readings": len(new), "scores": len(scored)}
    record_action(connection, actor=actor, action="import", subject=f"study {study.name}", details=details)
    return Imported(**{**{name: getattr(told, name) for name in Imported.__slots__}, "adjudications": opened})


def _match(connection: Connection, study: Study, lines: Sequence[ScoreLine]) -> list[_Reading]:
    """The lines by ROI, in the order of the file. Raises `ScoresRefused`."""
    known = _list_rois(connection, study)
    outputs = _list_outputs(connection, study)
    problems: list[str] = []
    found: dict[int, list[ScoreLine]] = {}
    for line in lines:
        roi_id = _find(known.get(line.name.key, []), line.columns.project)
        output = outputs.get(roi_id, {}).get(line.name.number) if roi_id is not None else None
        problem = _line_problem(line, roi_id, output)
        if problem:
            problems.append(f"{line.where}: {problem}")
        elif roi_id is not None:
            found.setdefault(roi_id, []).append(line)
    if problems:
        raise ScoresRefused.by_line(problems)
    return [
        _Reading(roi_id=roi_id, place=place, lines=own, outputs=outputs[roi_id])
        for place, (roi_id, own) in enumerate(found.items(), 1)
    ]


def _line_problem(line: ScoreLine, roi_id: int | None, output: Row | None) -> str | None:
    if roi_id is None:
        return f"{line.name.key.name()[:200]} is no ROI of the study"
    if output is None:
        return f"the study has no segmenter of the number {line.name.number}"
    if output["job_id"] is None and line.value is not None:
        return f"the study has no class map of {line.name.key.name()[:200]} by segmenter {line.name.number}"
    return None


def _find(candidates: Sequence[tuple[int, str]], project: str) -> int | None:
    """The ROI, of those of two cohorts that of the file's project."""
    if len(candidates) > 1:
        candidates = [each for each in candidates if each[1] == project]
    return candidates[0][0] if len(candidates) == 1 else None


def _list_rois(connection: Connection, study: Study) -> dict[RoiKey, list[tuple[int, str]]]:
    rows = connection.execute(
        """
        SELECT r.id, r.slide, r.tissue_type, r.roi_number, c.name AS cohort FROM study_rois sr
        JOIN rois r ON r.id = sr.roi_id JOIN cohorts c ON c.id = r.cohort_id WHERE sr.study_id = %s
        """,
        [study.id],
    )
    known: dict[RoiKey, list[tuple[int, str]]] = {}
    for row in rows:
        key = RoiKey(slide=row["slide"], tissue_type=TissueType(row["tissue_type"]), roi_number=row["roi_number"])
        known.setdefault(key, []).append((row["id"], row["cohort"]))
    return known


def _list_outputs(connection: Connection, study: Study) -> dict[int, dict[int, Row]]:
    rows = connection.execute("SELECT id, key, roi_id, number, job_id FROM outputs WHERE study_id = %s", [study.id])
    outputs: dict[int, dict[int, Row]] = {}
    for row in rows:
        outputs.setdefault(row["roi_id"], {})[row["number"]] = row
    return outputs


def _new_readings(
    connection: Connection, study: Study, member: Member, readings: Sequence[_Reading]
) -> Iterator[_Reading]:
    """The readings that the member has not, of ROIs that were not withdrawn.

    Raises:
        ScoresRefused: they have read an ROI otherwise.
    """
    held = _list_held(connection, study, member)
    withdrawn = _list_withdrawn(connection, study)
    problems = []
    for reading in readings:
        if reading.roi_id in withdrawn:
            continue
        scores = held.get(reading.roi_id)
        wanted = {
            reading.outputs[line.name.number]["id"]: (line.value, line.comment)
            for line in reading.lines
            if _says_something(line)
        }
        if scores is None:
            yield reading
        elif scores != wanted:
            where = reading.lines[0].where
            problems.append(f"{where}: {member.account} has this ROI already, with other scores or none yet")
    if problems:
        raise ScoresRefused.by_line(problems)


def _list_withdrawn(connection: Connection, study: Study) -> set[int]:
    rows = connection.execute(
        """
        SELECT r.id FROM study_rois sr JOIN rois r ON r.id = sr.roi_id
        WHERE sr.study_id = %s AND r.state = 'withdrawn'
        """,
        [study.id],
    )
    return {row["id"] for row in rows}


def _list_held(connection: Connection, study: Study, member: Member) -> dict[int, dict[int, tuple[int | None, str]]]:
    rows = connection.execute(
        """
        SELECT a.roi_id, s.output_id, s.value, s.comment
        FROM assignments a LEFT JOIN scores s ON s.assignment_id = a.id
        WHERE a.study_id = %s AND a.account_id = %s AND a.round = 1
        """,
        [study.id, member.account_id],
    )
    held: dict[int, dict[int, tuple[int | None, str]]] = {}
    for row in rows:
        own = held.setdefault(row["roi_id"], {})
        if row["output_id"] is not None:
            own[row["output_id"]] = (row["value"], row["comment"])
    return held


def _store(
    connection: Connection, study: Study, member: Member, ask: ImportAsk, new: Sequence[_Reading], *, actor: str
) -> None:
    start = connection.execute(
        """
        SELECT clock_timestamp() AS now, coalesce(max(position), 0) AS last FROM assignments
        WHERE study_id = %s AND account_id = %s
        """,
        [study.id, member.account_id],
    ).fetchone()
    assert start is not None  # noqa: S101 — counting gives a row
    panes = [each.number for each in list_segmenters(connection, study.id)]
    cases = _add_cases(connection, study, member, ask, new, panes=panes, last=start["last"], now=start["now"])
    histories = [
        (reading, cases[reading.roi_id], _events(reading, cases[reading.roi_id]["key"], actor=actor, at=start["now"]))
        for reading in new
    ]
    _add_events(connection, histories)
    _add_scores(connection, histories, list_questions(connection, study.id))
    connection.execute(
        """
        UPDATE assignments a SET events = added.events, last_hash = added.hash
        FROM unnest(%s::bigint[], %s::int[], %s::text[]) AS added (id, events, hash) WHERE a.id = added.id
        """,
        [
            [case["id"] for _, case, _ in histories],
            [len(events) for *_, events in histories],
            [events[-1].hash for *_, events in histories],
        ],
    )


def _keep_columns(connection: Connection, study: Study, readings: Sequence[_Reading]) -> None:
    connection.execute(
        """
        UPDATE study_rois sr SET file_columns = told.columns, file_place = told.place
        FROM unnest(%s::bigint[], %s::int[], %s::jsonb[]) AS told (roi_id, place, columns)
        WHERE sr.study_id = %s AND sr.roi_id = told.roi_id AND sr.file_columns IS NULL
        """,
        [
            [each.roi_id for each in readings],
            [each.place for each in readings],
            [Jsonb(each.lines[0].columns.document()) for each in readings],
            study.id,
        ],
    )


def _add_cases(
    connection: Connection,
    study: Study,
    member: Member,
    ask: ImportAsk,
    new: Sequence[_Reading],
    *,
    panes: Sequence[int],
    last: int,
    now: datetime,
) -> dict[int, Row]:
    columns = "study_id, account_id, roi_id, purpose, position, pane_order, state, opened_at, completed_at"
    with connection.cursor().copy(f"COPY assignments ({columns}) FROM STDIN") as copy:
        order = f"{{{','.join(map(str, panes))}}}"
        for position, each in enumerate(new, last + 1):
            copy.write_row((study.id, member.account_id, each.roi_id, ask.purpose, position, order, "done", now, now))
    rows = connection.execute(
        "SELECT id, key, roi_id FROM assignments WHERE study_id = %s AND account_id = %s AND position > %s",
        [study.id, member.account_id, last],
    )
    return {row["roi_id"]: row for row in rows}


def _events(reading: _Reading, assignment: UUID, *, actor: str, at: datetime) -> list[StoredEvent]:
    """The history of an imported reading: its scores, and that it is complete."""
    events: list[StoredEvent] = []
    begin = partial(ScoreEvent, assignment=assignment, actor=actor, at=at)
    for line in filter(_says_something, reading.lines):
        after = VersionedScore(score=Score(value=line.value, comment=line.comment), version=1)
        _append(
            events,
            partial(
                begin,
                action=Action.IMPORT,
                before=UNSCORED.document(),
                after=after.document(),
                output=reading.outputs[line.name.number]["key"],
                reason=line.where,
            ),
        )
    done = partial(begin, action=Action.COMPLETE, before={"status": "open"}, after={"status": "done"})
    _append(events, done)
    return events


def _append(events: list[StoredEvent], make: Callable[..., ScoreEvent]) -> None:
    event = make(number=len(events) + 1, key=uuid4(), previous_hash=events[-1].hash if events else "")
    events.append(StoredEvent(event=event, hash=event.hash()))


_Histories = Sequence[tuple[_Reading, Row, list[StoredEvent]]]


def _add_events(connection: Connection, histories: _Histories) -> None:
    columns = "assignment_id, number, key, output_id, action, actor, at, before, after, reason, previous_hash, hash"
    with connection.cursor().copy(f"COPY score_events ({columns}) FROM STDIN") as copy:
        for reading, case, events in histories:
            ids = {output["key"]: output["id"] for output in reading.outputs.values()}
            for stored in events:
                event = stored.event
                output_id = ids[event.output] if event.output else None
                copy.write_row(
                    (case["id"], event.number, event.key, output_id, event.action, event.actor, event.at,
                     Jsonb(event.before), Jsonb(event.after), event.reason, event.previous_hash, stored.hash)
                )  # fmt: skip


def _add_scores(connection: Connection, histories: _Histories, questions: Sequence[Question]) -> None:
    columns = "assignment_id, output_id, value, comment, is_complete, version, updated_at"
    with connection.cursor().copy(f"COPY scores ({columns}) FROM STDIN") as copy:
        for reading, case, events in histories:
            asked = [each for each in questions if each.is_asked_of(reading.lines[0].name.key.tissue_type)]
            for line in filter(_says_something, reading.lines):
                score = Score(value=line.value, comment=line.comment)
                output_id = reading.outputs[line.name.number]["id"]
                whole = is_complete(score, asked)
                copy.write_row((case["id"], output_id, score.value, score.comment, whole, 1, events[0].event.at))


def _says_something(line: ScoreLine) -> bool:
    return line.value is not None or bool(line.comment)

"""Assignments: who reads which ROI, why, where in their order and in which panes; stored once, never drawn again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pantile.catalog.audit import record_action
from pantile.catalog.database import Connection, Row
from pantile.catalog.studies import list_segmenters, lock_study
from pantile.catalog.study_members import Member, find_member
from pantile.domain.errors import AssignmentRefused, StudyClosed
from pantile.domain.readings import Purpose
from pantile.domain.rois import TissueType
from pantile.domain.studies import Study, StudyState
from pantile.domain.study_plans import (
    Amount,
    AssignmentPlan,
    Candidate,
    PlannedCase,
    RaterOrder,
    band_of,
    plan_assignment,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class AssignmentAsk:
    """What is to be assigned to a rater: of which ROIs, how many, drawn with which seed (None: the study's)."""

    rater: str
    purpose: Purpose = Purpose.PRIMARY
    cohorts: tuple[str, ...] = ()
    tissue_types: tuple[TissueType, ...] = ()
    amount: Amount = field(default_factory=Amount)
    seed: int | None = None
    round: int | None = None

    repeat_round: int = 2

    @property
    def in_round(self) -> int:
        """The round in which the cases are read, from 1."""
        return self.repeat_round if self.purpose is Purpose.REPEAT else 1


def assign(
    connection: Connection, study: Study, ask: AssignmentAsk, *, dry_run: bool = False, actor: str
) -> AssignmentPlan:
    """Assigns cases to a rater, or only tells which (`dry_run`); audited.

    Primary cases are all ROIs of the study; second ones those that another rater has as primary, drawn from strata of
    cohort, tissue type and that rater's score band; repeats the rater's own that are done; calibration the ROIs that
    the study names for it.

    Raises:
        MemberNotFound, AssignmentRefused: nobody of that name scores in this study; or nothing new is to be assigned.
        StudyClosed: the study is locked.
    """
    study = lock_study(connection, study)
    _refuse_closed(study)
    member = _find_rater(connection, study, ask.rater)
    plan = plan_assignment(
        _list_candidates(connection, study, member, ask),
        ask.amount,
        seed=study.seed if ask.seed is None else ask.seed,
        order=_order_of(connection, study, member),
        held=_held_rois(connection, study, member, ask.in_round),
        after=_last_position(connection, study, member),
    )
    if dry_run:
        return plan
    _store(connection, study, member, plan.cases, purpose=ask.purpose, in_round=ask.in_round)
    details = {"rater": ask.rater, "purpose": ask.purpose, "cases": len(plan.cases), "seed": ask.seed}
    record_action(connection, actor=actor, action="assign", subject=f"study {study.name}", details=details)
    return plan


def _refuse_closed(study: Study) -> None:
    if study.state not in {StudyState.DRAFT, StudyState.PUBLISHED}:
        raise StudyClosed(f"it is {study.state}, and its cases stay as they are")


def _find_rater(connection: Connection, study: Study, account: str) -> Member:
    member = find_member(connection, study.id, account)
    if not member.role.may_score:
        raise AssignmentRefused(f"{account} is a {member.role} of this study, and scores nothing")
    return member


def _order_of(connection: Connection, study: Study, member: Member) -> RaterOrder:
    segmenters = len(list_segmenters(connection, study.id))
    return RaterOrder(seed=study.seed, rater=member.account, segmenters=segmenters)


_OF_PURPOSE = {
    Purpose.PRIMARY: "NOT sr.is_calibration",
    Purpose.SECOND: """
        EXISTS (SELECT 1 FROM assignments a WHERE a.study_id = sr.study_id AND a.roi_id = sr.roi_id
                AND a.account_id <> %(account_id)s AND a.purpose = 'primary' AND a.state <> 'void')
    """,
    Purpose.REPEAT: """
        EXISTS (SELECT 1 FROM assignments a WHERE a.study_id = sr.study_id AND a.roi_id = sr.roi_id
                AND a.account_id = %(account_id)s AND a.round < %(round)s AND a.state = 'done'
                AND a.purpose <> 'calibration')
    """,
    Purpose.CALIBRATION: "sr.is_calibration",
}

# The band of an ROI follows from what was scored at first: by another rater, or for a repeat by the same one.
_CANDIDATES = """
    SELECT r.id, r.name, c.name AS cohort, r.tissue_type, first.mean
    FROM study_rois sr JOIN rois r ON r.id = sr.roi_id JOIN cohorts c ON c.id = r.cohort_id
    LEFT JOIN (
        SELECT a.roi_id, avg(s.value)::float AS mean FROM assignments a JOIN scores s ON s.assignment_id = a.id
        WHERE a.study_id = %(study_id)s AND a.state = 'done' AND a.purpose IN ('primary', 'second')
          AND (a.account_id = %(account_id)s) = %(is_own)s AND (%(is_own)s OR a.purpose = 'primary')
        GROUP BY a.roi_id
    ) first ON first.roi_id = sr.roi_id
    WHERE sr.study_id = %(study_id)s AND r.state <> 'withdrawn' AND {of_purpose}
      AND (%(cohorts)s::text[] = '{{}}' OR c.name = ANY(%(cohorts)s))
      AND (%(tissue_types)s::text[] = '{{}}' OR r.tissue_type = ANY(%(tissue_types)s))
      AND EXISTS (SELECT 1 FROM outputs o WHERE o.study_id = sr.study_id AND o.roi_id = sr.roi_id
                  AND o.job_id IS NOT NULL)
    ORDER BY r.id
"""

_BANDED = {Purpose.SECOND, Purpose.REPEAT}


def _list_candidates(connection: Connection, study: Study, member: Member, ask: AssignmentAsk) -> list[Candidate]:
    rows = connection.execute(
        _CANDIDATES.format(of_purpose=_OF_PURPOSE[ask.purpose]),
        {
            "study_id": study.id,
            "account_id": member.account_id,
            "is_own": ask.purpose is Purpose.REPEAT,
            "round": ask.in_round,
            "cohorts": list(ask.cohorts),
            "tissue_types": list(ask.tissue_types),
        },
    )
    return [
        Candidate(
            roi_id=row["id"],
            name=row["name"],
            cohort=row["cohort"],
            tissue_type=TissueType(row["tissue_type"]),
            band=band_of(row["mean"] if ask.purpose in _BANDED else None),
        )
        for row in rows
    ]


def _held_rois(connection: Connection, study: Study, member: Member, in_round: int) -> set[int]:
    rows = connection.execute(
        "SELECT roi_id FROM assignments WHERE study_id = %s AND account_id = %s AND round = %s",
        [study.id, member.account_id, in_round],
    )
    return {row["roi_id"] for row in rows}


def _last_position(connection: Connection, study: Study, member: Member) -> int:
    row = connection.execute(
        "SELECT coalesce(max(position), 0) AS last FROM assignments WHERE study_id = %s AND account_id = %s",
        [study.id, member.account_id],
    ).fetchone()
    return int(row["last"]) if row else 0


def _store(
    connection: Connection,
    study: Study,
    member: Member,
    cases: Sequence[PlannedCase],
    *,
    purpose: Purpose,
    in_round: int,
) -> None:
    columns = "study_id, account_id, roi_id, round, purpose, position, pane_order"
    with connection.cursor().copy(f"COPY assignments ({columns}) FROM STDIN") as copy:
        for case in cases:
            panes = f"{{{','.join(map(str, case.pane_order))}}}"
            copy.write_row((study.id, member.account_id, case.roi.roi_id, in_round, purpose, case.position, panes))


_NOT_BEGUN = """
    a.state = 'pending' AND a.opened_at IS NULL AND a.events = 0
    AND NOT EXISTS (SELECT 1 FROM viewings v WHERE v.assignment_id = a.id)
    AND NOT EXISTS (SELECT 1 FROM flags f WHERE f.assignment_id = a.id)
"""


def release(connection: Connection, study: Study, rater: str, *, actor: str) -> int:
    """Takes the cases from a rater that they have not begun, and gives how many; audited.

    Raises:
        MemberNotFound: nobody of that name is in this study.
        StudyClosed: the study is locked.
    """
    study = lock_study(connection, study)
    _refuse_closed(study)
    member = find_member(connection, study.id, rater)
    released = connection.execute(
        f"DELETE FROM assignments a WHERE a.study_id = %s AND a.account_id = %s AND {_NOT_BEGUN}",  # noqa: S608
        [study.id, member.account_id],
    ).rowcount
    details = {"rater": rater, "cases": released}
    record_action(connection, actor=actor, action="release", subject=f"study {study.name}", details=details)
    return released


@dataclass(frozen=True, slots=True, kw_only=True)
class Reassigned:
    """How many cases went from one rater to another, and how many stayed, as the other has their ROI already."""

    moved: int
    kept: int


def reassign(connection: Connection, study: Study, *, giver: str, taker: str, actor: str) -> Reassigned:
    """Gives the cases that a rater has not begun to another, in the other's own order; audited.

    Repeats stay: whether a rater agrees with themselves, nobody else can tell.

    Raises:
        MemberNotFound, AssignmentRefused: one of them is not in this study, or scores nothing.
        StudyClosed: the study is locked.
    """
    study = lock_study(connection, study)
    _refuse_closed(study)
    old, new = find_member(connection, study.id, giver), _find_rater(connection, study, taker)
    if old.account_id == new.account_id:
        raise AssignmentRefused("the cases are theirs already")
    rows = connection.execute(
        f"""
        SELECT a.id AS assignment_id, a.purpose, a.round, r.id, r.name, c.name AS cohort, r.tissue_type,
               EXISTS (SELECT 1 FROM assignments other WHERE other.study_id = a.study_id AND other.roi_id = a.roi_id
                       AND other.account_id = %(new)s) AS is_held
        FROM assignments a JOIN rois r ON r.id = a.roi_id JOIN cohorts c ON c.id = r.cohort_id
        WHERE a.study_id = %(study_id)s AND a.account_id = %(old)s AND a.purpose <> 'repeat' AND {_NOT_BEGUN}
        """,  # noqa: S608 — a constant of this module
        {"study_id": study.id, "old": old.account_id, "new": new.account_id},
    ).fetchall()
    moving = [row for row in rows if not row["is_held"]]
    connection.execute("DELETE FROM assignments WHERE id = ANY(%s)", [[row["assignment_id"] for row in moving]])
    _take_over(connection, study, new, moving)
    details = {"from": giver, "to": taker, "cases": len(moving)}
    record_action(connection, actor=actor, action="reassign", subject=f"study {study.name}", details=details)
    return Reassigned(moved=len(moving), kept=len(rows) - len(moving))


def _take_over(connection: Connection, study: Study, member: Member, rows: Sequence[Row]) -> None:
    order = _order_of(connection, study, member)
    for purpose in Purpose:
        candidates = [_candidate(row) for row in rows if row["purpose"] == purpose]
        cases = order.arrange(candidates, after=_last_position(connection, study, member))
        _store(connection, study, member, cases, purpose=purpose, in_round=1)


def _candidate(row: Mapping[str, Any]) -> Candidate:
    return Candidate(
        roi_id=row["id"], name=row["name"], cohort=row["cohort"], tissue_type=TissueType(row["tissue_type"])
    )

"""Assignments as a study's admin makes them: planned, assigned, handed on, given back."""

from fastapi import APIRouter

from pantile.catalog import assignments
from pantile.catalog.assignments import AssignmentAsk
from pantile.domain.study_plans import Amount, AssignmentPlan
from pantile.schemas.assignments import (
    AssignIn,
    AssignOut,
    PlannedCaseOut,
    ReassignIn,
    ReassignOut,
    ReleaseIn,
    ReleaseOut,
    StratumOut,
)
from pantile.web.errors import problems
from pantile.web.given import GivenActor, GivenDatabase
from pantile.web.study_access import GivenAdminVisit

router = APIRouter(prefix="/studies/{study}", tags=["studies"])

_CASES_SHOWN = 20


@router.post("/assign", summary="Assign cases", responses=problems(404, 409))
def assign_cases(wanted: AssignIn, visit: GivenAdminVisit, actor: GivenActor, database: GivenDatabase) -> AssignOut:
    """Assigns cases to a rater, in an order and in panes that are drawn by the study's seed and stored.

    Those of a second rater are drawn from strata of cohort, tissue type and score band. A dry run tells what the real
    one does; what a rater has already is not assigned again.
    """
    ask = AssignmentAsk(
        rater=wanted.rater,
        purpose=wanted.purpose,
        cohorts=tuple(wanted.cohorts),
        tissue_types=tuple(wanted.tissue_types),
        amount=Amount(in_all=wanted.n, per_stratum=wanted.n_per_stratum),
        seed=wanted.seed,
        repeat_round=wanted.round or 2,
    )
    with database.transaction() as connection:
        plan = assignments.assign(connection, visit.study, ask, dry_run=wanted.dry_run, actor=actor)
    return _plan_out(plan, dry_run=wanted.dry_run)


@router.post("/reassign", summary="Hand cases on", responses=problems(404, 409))
def reassign_cases(
    wanted: ReassignIn, visit: GivenAdminVisit, actor: GivenActor, database: GivenDatabase
) -> ReassignOut:
    """Gives the cases that a rater has not begun to another, in the other's own order."""
    with database.transaction() as connection:
        told = assignments.reassign(connection, visit.study, giver=wanted.giver, taker=wanted.taker, actor=actor)
    return ReassignOut(moved=told.moved, kept=told.kept)


@router.post("/release", summary="Take cases back", responses=problems(404, 409))
def release_cases(wanted: ReleaseIn, visit: GivenAdminVisit, actor: GivenActor, database: GivenDatabase) -> ReleaseOut:
    """Takes the cases from a rater that they have not begun."""
    with database.transaction() as connection:
        return ReleaseOut(released=assignments.release(connection, visit.study, wanted.rater, actor=actor))


def _plan_out(plan: AssignmentPlan, *, dry_run: bool) -> AssignOut:
    return AssignOut(
        assigned=len(plan.cases),
        already=plan.already,
        dry_run=dry_run,
        strata=[
            StratumOut(
                cohort=each.cohort,
                tissue_type=each.tissue_type,
                band=each.band,
                available=each.available,
                chosen=each.chosen,
            )
            for each in plan.strata
        ],
        cases=[
            PlannedCaseOut(
                position=each.position,
                roi=each.roi.name,
                cohort=each.roi.cohort,
                tissue_type=each.roi.tissue_type,
                panes=list(each.pane_order),
            )
            for each in plan.cases[:_CASES_SHOWN]
        ],
    )

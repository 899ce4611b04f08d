"""Withdrawals: cases, slides and ROIs that must not be kept any more."""

from fastapi import APIRouter

from pantile.coordinator.withdrawals import withdraw
from pantile.schemas.withdrawals import WithdrawalIn, WithdrawalOut
from pantile.web.errors import problems
from pantile.web.given import GivenActor, GivenDatabase, GivenObjects

router = APIRouter(tags=["slides"])


@router.post("/withdrawals", summary="Withdraw a case, slide or ROI", responses=problems(404))
def withdraw_subject(
    wanted: WithdrawalIn, actor: GivenActor, database: GivenDatabase, objects: GivenObjects
) -> WithdrawalOut:
    """Removes all that shows the tissue of what has this name, at once and for good; names and figures stay.

    Open jobs end. Readings of raters become `withdrawn`: their scores stay in the history and leave every table.
    Nothing of that name is taken in again. Objects that something else names as well stay.
    """
    done = withdraw(
        database,
        objects,
        wanted.name,
        cohort=wanted.cohort,
        reason=wanted.reason.strip(),
        dry_run=wanted.dry_run,
        actor=actor,
    )
    told = done.withdrawal
    return WithdrawalOut(
        name=wanted.name,
        cohorts=list(told.cohorts),
        cases=list(told.cases),
        slides=told.slides,
        rois=told.rois,
        jobs_ended=told.jobs_ended,
        readings=told.readings,
        objects=dict(told.objects),
        objects_spared=told.spared,
        objects_left=done.objects_left,
        dry_run=wanted.dry_run,
    )

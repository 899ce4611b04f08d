"""Queues: a rater's cases of a study, which one comes next, and the calibration images."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from pantile.catalog import queues
from pantile.catalog.cases import list_examples
from pantile.catalog.queues import QueueFilter
from pantile.domain.errors import NotAllowed
from pantile.domain.readings import FlagKind, Purpose, ReadingState
from pantile.domain.rois import TissueType
from pantile.schemas.readings import ExampleList, NextCase, QueuePage, QueueProgress
from pantile.web.case_answers import example_out, legend_out, queued_case
from pantile.web.errors import problems
from pantile.web.given import GivenDatabase
from pantile.web.study_access import GivenVisit, StudyVisit

router = APIRouter(prefix="/studies/{study}", tags=["readings"])

_MAX_POSITION = 2**31 - 1
_NO_NUL = r"^[^\x00]*$"

Words = Annotated[str, Query(max_length=200, pattern=_NO_NUL, description="A case's number, or words of its comments.")]
CohortName = Annotated[str, Query(max_length=100, pattern=_NO_NUL)]
Position = Annotated[int, Query(ge=0, le=_MAX_POSITION, description="The `next` of the page before.")]


def _account(visit: StudyVisit) -> int:
    if visit.visitor.account_id is None:
        raise NotAllowed("a token without an account has no cases")
    return visit.visitor.account_id


@router.get("/queue", summary="List one's cases", responses=problems(404))
def list_queue(
    visit: GivenVisit,
    database: GivenDatabase,
    *,
    status: Annotated[list[ReadingState], Query(max_length=10)] = [],  # noqa: B006 — FastAPI copies it
    cohort: Annotated[list[CohortName], Query(max_length=100)] = [],  # noqa: B006
    purpose: Annotated[list[Purpose], Query(max_length=10)] = [],  # noqa: B006
    tissue: TissueType | None = None,
    flag: FlagKind | None = None,
    flagged: bool | None = None,
    q: Words = "",
    after: Position = 0,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> QueuePage:
    """One's own cases in their order. Names of slides are searched, and told, only once the study is unblinded."""
    wanted = QueueFilter(
        states=status,
        cohorts=cohort,
        purposes=purpose,
        tissue_type=tissue,
        flag=flag,
        is_flagged=flagged,
        words=q.strip(),
    )
    account_id, names_rois = _account(visit), visit.study.names_segmenters
    with database.transaction() as connection:
        found = queues.list_cases(
            connection, visit.study.id, account_id, wanted, names_rois=names_rois, after=after, limit=limit + 1
        )
        counts = queues.count_cases(connection, visit.study.id, account_id)
    page = found[:limit]
    return QueuePage(
        cases=[queued_case(row) for row in page],
        total=sum(row["assigned"] for row in counts),
        progress=[QueueProgress(**row) for row in counts],
        next=page[-1]["position"] if len(found) > limit else None,
    )


@router.get("/next", summary="Find the case to go on with", responses=problems(404))
def find_next(
    visit: GivenVisit, database: GivenDatabase, after: UUID | None = None, *, unscored: bool = False
) -> NextCase:
    """The open case that was looked at last, or the first pending one; behind a case: the one that follows it.

    With `unscored` those that are done or skipped are passed over, and after the last comes the first.
    """
    account_id = _account(visit)
    with database.transaction() as connection:
        if after is None:
            return NextCase(key=queues.resume(connection, visit.study.id, account_id))
        key = queues.find_next(connection, visit.study.id, account_id, after=after, is_unscored=unscored)
    return NextCase(key=key)


@router.get("/calibration", summary="List a study's calibration images", responses=problems(404))
def list_calibration(visit: GivenVisit, database: GivenDatabase) -> ExampleList:
    """Images with the scores of experts, where these are known and the visitor has not yet to score the image."""
    with database.transaction() as connection:
        found = list_examples(connection, visit.study.id, account_id=visit.visitor.account_id)
    groups = found[0].case.row["groups"] if found else ()
    return ExampleList(examples=[example_out(each) for each in found], legend=legend_out(groups))

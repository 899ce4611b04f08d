"""A study's figures: progress, agreement, disagreements, answers, sample size, and whether its history holds."""

from collections import Counter
from typing import Annotated

import numpy as np
from fastapi import APIRouter, Query

from pantile.analysis.agreement import Agreement
from pantile.analysis.estimates import Estimate
from pantile.analysis.sample_size import plan_icc
from pantile.analysis.study_agreement import GroupAgreement, PairedScores, compare_readings
from pantile.catalog import agreement, answers, studies, study_progress
from pantile.catalog.agreement import Readers
from pantile.catalog.audit import record_action
from pantile.catalog.database import Row
from pantile.catalog.score_events import verify_study
from pantile.domain.errors import StudyRefused
from pantile.domain.rois import TissueType
from pantile.schemas.study_figures import (
    AgreementFigures,
    AgreementOut,
    AnswerCount,
    AnswerSummary,
    CohortAgreement,
    Coverage,
    Disagreement,
    DisagreementPage,
    DiscrepancyOut,
    EstimateOut,
    PairCount,
    ProgressOut,
    RaterDay,
    RaterProgress,
    SampleSize,
    SegmenterAgreement,
    SummaryQuestion,
    Unscored,
    VerificationOut,
)
from pantile.web.errors import problems
from pantile.web.given import GivenActor, GivenDatabase
from pantile.web.study_access import GivenAdminVisit, GivenReaderVisit

router = APIRouter(prefix="/studies/{study}", tags=["studies"])

_BY = r"^(segmenter|cohort)?(,(segmenter|cohort))*$"

Reader = Annotated[str | None, Query(max_length=100, pattern=r"^[^\x00]*$", description="A member's name.")]
Tissue = Annotated[TissueType | None, Query(description="Only ROIs of this tissue type.")]


@router.get("/progress", summary="Show how far a study is", responses=problems(404))
def show_progress(visit: GivenAdminVisit, database: GivenDatabase) -> ProgressOut:
    """Cases done by rater and by day, how long they take, and which outputs are scored, for admins."""
    with database.transaction() as connection:
        measured = study_progress.measure_progress(connection, visit.study.id)
    return ProgressOut(
        raters=[RaterProgress(**row) for row in measured.raters],
        days=[RaterDay(**row) for row in measured.days],
        coverage=[Coverage(**row) for row in measured.coverage],
        left=[Unscored(**row) for row in measured.left],
    )


@router.get("/agreement", summary="Show how far raters agree", responses=problems(404))
def show_agreement(
    visit: GivenReaderVisit,
    database: GivenDatabase,
    by: Annotated[str, Query(pattern=_BY, max_length=100)] = "segmenter,cohort",
    first: Reader = None,
    second: Reader = None,
    tissue_type: Tissue = None,
) -> AgreementOut:
    """ICC(C,1), ICC(A,1), Spearman's rho, bias and limits of agreement, each with its interval.

    Without names, what was assigned as primary is compared with what was assigned as second; with one name twice, a
    rater with their own repeats. For admins, and once the study is unblinded for all members.
    """
    with database.transaction() as connection:
        readers = Readers(first=first, second=second)
        rows = agreement.list_pairs(connection, visit.study, readers, tissue_type=tissue_type)
        titles = {each.number: each.title for each in studies.list_segmenters(connection, visit.study.id)}
    groups = by.split(",")
    found = compare_readings(paired_scores(rows), segmenters="segmenter" in groups, cohorts="cohort" in groups)
    return AgreementOut(
        first=first or "primary",
        second=second or "second",
        within=_estimate(found.overall.within),
        pooled=AgreementFigures(**_figures(found.overall.pooled)),
        by_segmenter=[
            SegmenterAgreement(number=number, segmenter=titles[number], **_figures(each))
            for number, each in found.by_segmenter.items()
        ],
        by_cohort=[_cohort_agreement(cohort, each) for cohort, each in found.by_cohort.items()],
        pairs=_count_pairs(rows),
    )


def paired_scores(rows: list[Row]) -> PairedScores:
    """Rows of the catalog as the analysis takes them."""
    ratings = np.array([[row["first"], row["second"]] for row in rows], dtype=np.float64).reshape(-1, 2)
    return PairedScores(
        ratings=ratings, segmenters=[row["number"] for row in rows], cohorts=[row["cohort"] for row in rows]
    )


def _cohort_agreement(cohort: str, found: GroupAgreement) -> CohortAgreement:
    return CohortAgreement(cohort=cohort, within=_estimate(found.within), **_figures(found.pooled))


def _figures(found: Agreement) -> dict[str, object]:
    estimates = {
        "icc_c1": found.icc_c1,
        "icc_a1": found.icc_a1,
        "spearman": found.spearman,
        "bias": found.bias,
        "limit_low": found.limits.low,
        "limit_high": found.limits.high,
        "within_one": found.within_one,
        "kappa": found.kappa,
        "alpha": found.alpha,
        "ac2": found.ac2,
    }
    told = {name: _estimate(each) for name, each in estimates.items()}
    return {"n": found.n, "dropped": found.dropped, **told}


def _estimate(found: Estimate) -> EstimateOut:
    return EstimateOut.of(found.value, found.low, found.high, n=found.n, dropped=found.dropped, reason=found.reason)


def _count_pairs(rows: list[Row]) -> list[PairCount]:
    counts = Counter((row["first"], row["second"]) for row in rows if None not in (row["first"], row["second"]))
    return [PairCount(first=pair[0], second=pair[1], outputs=counts[pair]) for pair in sorted(counts)]


@router.get("/disagreements", summary="List where raters differ", responses=problems(404))
def list_disagreements(
    visit: GivenReaderVisit,
    database: GivenDatabase,
    min_delta: Annotated[int, Query(ge=1, le=10)] = 3,
    first: Reader = None,
    second: Reader = None,
    after: Annotated[str | None, Query(pattern=r"^[0-9]{1,2}-[0-9]{1,18}$")] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> DisagreementPage:
    """Outputs whose two scores differ by `min_delta` or more, the largest difference first."""
    delta, _, output_id = (after or "").partition("-")
    with database.transaction() as connection:
        found = agreement.list_disagreements(
            connection,
            visit.study,
            Readers(first=first, second=second),
            min_delta=min_delta,
            after=(int(delta), int(output_id)) if after else None,
            limit=limit + 1,
        )
    page = found[:limit]
    return DisagreementPage(
        disagreements=[Disagreement(**row) for row in page],
        next=f"{page[-1]['delta']}-{page[-1]['id']}" if len(found) > limit else None,
    )


@router.get("/answers", summary="Summarise answers to questions with options", responses=problems(404))
def summarise_answers(visit: GivenReaderVisit, database: GivenDatabase, tissue_type: Tissue = None) -> AnswerSummary:
    """How often each option was chosen for each segmenter's outputs, with an example of each.

    Of benign regions it is the table of the structures that a segmenter marks.
    """
    with database.transaction() as connection:
        questions = [each for each in studies.list_questions(connection, visit.study.id) if each.kind.has_options]
        counted = answers.count_answers(connection, visit.study.id, tissue_type=tissue_type)
    return AnswerSummary(
        questions=[
            SummaryQuestion(number=each.number, prompt=each.prompt, options=list(each.options)) for each in questions
        ],
        answers=[AnswerCount(**row) for row in counted],
    )


@router.get("/plan", summary="Plan how many to score twice", responses=problems(404))
def plan_sample(
    visit: GivenAdminVisit,
    database: GivenDatabase,
    raters: Annotated[int, Query(ge=2, le=20)] = 2,
    expected_icc: Annotated[float, Query(ge=0, lt=1)] = 0.8,
    width: Annotated[float, Query(ge=0.001, lt=2, description="Of the 95 % interval of ICC(C,1).")] = 0.1,
) -> SampleSize:
    """How many outputs, and so ROIs, more than one rater has to score for an interval of that width."""
    try:
        plan = plan_icc(expected_icc=expected_icc, width=width, raters=raters)
    except ValueError as error:
        raise StudyRefused(str(error)) from error
    with database.transaction() as connection:
        segmenters = len(studies.list_segmenters(connection, visit.study.id))
    return SampleSize(
        raters=raters,
        expected_icc=expected_icc,
        width=width,
        outputs=plan.rated,
        rois=-(-plan.rated // segmenters),
        expected_width=plan.width,
        approximate_outputs=plan.approximate,
    )


@router.post("/verify", summary="Verify a study's history", responses=problems(404))
def verify_history(visit: GivenAdminVisit, actor: GivenActor, database: GivenDatabase) -> VerificationOut:
    """Follows the chain of every case's events, and compares the scores with those that follow from them."""
    with database.transaction() as connection:
        found = verify_study(connection, visit.study.id)
        details = {"events": found.events, "discrepancies": len(found.discrepancies)}
        record_action(connection, actor=actor, action="verify", subject=f"study {visit.study.name}", details=details)
    return VerificationOut(
        is_intact=not found.discrepancies,
        assignments=found.assignments,
        events=found.events,
        discrepancies=[
            DiscrepancyOut(assignment=each.assignment, problem=each.problem) for each in found.discrepancies
        ],
    )

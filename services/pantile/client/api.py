"""The API as typed calls: schemas in, schemas out, problems raised with the sentence that the web service gave."""

from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import Any, Protocol, Self, TypeVar
from urllib.parse import quote, urlsplit

import httpx
from pydantic import BaseModel, ValidationError

from pantile.client.connections import open_http, reason
from pantile.domain.access import TOKEN_PREFIX, is_token
from pantile.domain.dice import DiceProtocol
from pantile.domain.errors import ApiClosed, ApiDown, ApiRefused, ApiUnwell
from pantile.domain.jobs import JobState
from pantile.domain.quality import Flag
from pantile.domain.review import ReviewOrder
from pantile.domain.study_exports import ExportKind
from pantile.schemas.access import (
    AccountChange,
    AccountIn,
    AccountList,
    AccountOut,
    PasswordIn,
    TokenIn,
    TokenList,
    TokenMade,
    TokenOut,
)
from pantile.schemas.audit import ActionOut, AuditPage
from pantile.schemas.cohorts import Cancelled, CohortListed, CohortOut, CohortPage, PauseIn, Resumed
from pantile.schemas.evaluations import EvaluationPage
from pantile.schemas.ground_truths import (
    GroundTruthAdded,
    GroundTruthIn,
    GroundTruthOut,
    GroundTruthPage,
    GroundTruthRemoved,
    TruthFileIn,
    TruthFilesIn,
    TruthUpload,
    TruthUploads,
)
from pantile.schemas.jobs import JobListed, JobOut, JobPage, JobsChanged, JobsWanted
from pantile.schemas.recommendations import Recommendation
from pantile.schemas.results import OverlaysAsked, ResultOut, ResultPage
from pantile.schemas.reviews import ComparisonsAsked, ReviewPage
from pantile.schemas.rois import RoiOut, RoiPage, RoiState
from pantile.schemas.segmenters import (
    CheckpointIn,
    CheckpointUpload,
    SegmenterAdded,
    SegmenterIn,
    SegmenterList,
    SegmenterOut,
)
from pantile.schemas.shapes import Problem
from pantile.schemas.slides import PlacesAdded, PlacesIn, SlideOut, SlidePage, SlidesAdded, SlideShown, SlidesIn
from pantile.schemas.studies import StudyOut
from pantile.schemas.submissions import SubmissionIn, SubmissionOut
from pantile.schemas.trainings import TrainingAdded, TrainingIn, TrainingList, TrainingListed, TrainingOut
from pantile.schemas.uploads import UploadPage, UploadsDone, UploadsTaken
from pantile.schemas.withdrawals import WithdrawalIn, WithdrawalOut
from pantile.schemas.workers import WorkerList, WorkerOut

Shape = TypeVar("Shape", bound=BaseModel)
Cursor = int | str

_TIMEOUT_S = 300.0
"""Patience with an answer; a submission of 100,000 ROIs is one transaction."""


class Page(Protocol):
    """A part of a list; `next` continues it."""

    @property
    def next(self) -> Cursor | None:
        """What to ask for after this page, or None at the end."""


P = TypeVar("P", bound=Page)


def check_address(address: str) -> str:
    """The address of a web service, with http:// where it names no scheme; raises `ApiDown` for what cannot be one."""
    full = address if "://" in address else f"http://{address}"
    try:
        parts = urlsplit(full)
        is_address = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_address = False
    if not is_address:
        raise ApiDown(f"{address!r} is no http(s) address")
    return full.rstrip("/")


class ApiClient:
    """One Pantile, reached through its web service.

    Every method raises `ApiRefused` (the sentence says why; `ApiClosed` where it is for want of a valid token),
    `ApiDown` (nobody answers) and `ApiUnwell` (the web service, or a server behind it, cannot work).
    """

    def __init__(self, address: str, *, token: str = "") -> None:
        if token and not is_token(token):
            raise ApiClosed(
                f"What was given as API token is none: they begin with {TOKEN_PREFIX} and have 47 characters"
            )
        self.address = check_address(address)
        self._http = open_http(timeout_s=_TIMEOUT_S, base_url=self.address, token=token)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._http.close()

    def submit(self, submission: SubmissionIn) -> SubmissionOut:
        """Submits ROIs; the same submission again adds nothing."""
        return self._ask("POST", "/v1/cohorts", SubmissionOut, body=submission)

    def cohorts(self) -> Iterator[CohortListed]:
        """All cohorts by ascending id."""
        for page in _pages(lambda after: self._ask("GET", "/v1/cohorts", CohortPage, query={"after": after})):
            yield from page.cohorts

    def cohort(self, cohort: str) -> CohortOut:
        """Where the cohort of that name or id stands."""
        return self._ask("GET", _cohort(cohort), CohortOut)

    def cancel(self, cohort: str) -> Cancelled:
        """Cancels a cohort's open jobs."""
        return self._ask("POST", f"{_cohort(cohort)}/cancel", Cancelled)

    def pause(self, cohort: str, *, reason: str) -> CohortOut:
        """Begins no more of an open cohort's jobs; gives where it stands."""
        return self._ask("POST", f"{_cohort(cohort)}/pause", CohortOut, body=PauseIn(reason=reason))

    def resume(self, cohort: str) -> Resumed:
        """Lets a paused cohort go on."""
        return self._ask("POST", f"{_cohort(cohort)}/resume", Resumed)

    def uploads(self, cohort: str, *, limit: int) -> Iterator[UploadPage]:
        """The uploads that a cohort awaits, page by page, each asked for when the one before is used up."""
        path = f"{_cohort(cohort)}/uploads"
        return _pages(lambda after: self._ask("GET", path, UploadPage, query={"after": after, "limit": limit}))

    def take_uploads(self, cohort: str, roi_ids: Sequence[int]) -> UploadsTaken:
        """Says that these ROIs' uploads have arrived."""
        return self._ask("POST", f"{_cohort(cohort)}/uploads", UploadsTaken, body=UploadsDone(roi_ids=list(roi_ids)))

    def results(self, cohort: str) -> Iterator[list[ResultOut]]:
        """A cohort's class maps by ROI and segmenter, page by page; a page's addresses are valid for an hour."""
        path = f"{_cohort(cohort)}/results"
        for page in _pages(lambda after: self._ask("GET", path, ResultPage, query={"after": after})):
            yield page.results

    def rois(
        self, cohort: str, *, state: RoiState | None = None, flag: Flag | None = None, flagged: bool = False
    ) -> Iterator[RoiOut]:
        """A cohort's ROIs by ascending id, those that fit every filter given."""
        path, wanted = f"{_cohort(cohort)}/rois", {"state": state, "flag": flag, "flagged": flagged or None}
        for page in _pages(lambda after: self._ask("GET", path, RoiPage, query={**wanted, "after": after})):
            yield from page.rois

    def add_slides(self, cohort: str, wanted: SlidesIn) -> SlidesAdded:
        """Adds slides to a cohort."""
        return self._ask("POST", f"{_cohort(cohort)}/slides", SlidesAdded, body=wanted)

    def slides(self, cohort: str) -> Iterator[SlideOut]:
        """A cohort's slides by ascending id."""
        path = f"{_cohort(cohort)}/slides"
        for page in _pages(lambda after: self._ask("GET", path, SlidePage, query={"after": after})):
            yield from page.slides

    def slide(self, slide_id: int) -> SlideShown:
        """One slide with its ROIs."""
        return self._ask("GET", f"/v1/slides/{slide_id}", SlideShown)

    def withdraw(self, wanted: WithdrawalIn) -> WithdrawalOut:
        """Withdraws a case, slide or ROI, or tells what would go."""
        return self._ask("POST", "/v1/withdrawals", WithdrawalOut, body=wanted)

    def place_rois(self, slide_id: int, wanted: PlacesIn) -> PlacesAdded:
        """Has ROIs cut out of a slide."""
        return self._ask("POST", f"/v1/slides/{slide_id}/rois", PlacesAdded, body=wanted)

    def place_whole(self, slide_id: int) -> PlacesAdded:
        """Has a whole slide segmented."""
        return self._ask("POST", f"/v1/slides/{slide_id}/whole", PlacesAdded)

    def result(self, cohort: str, roi_id: int, job_id: int) -> ResultOut:
        """One class map of a cohort, with the ROI's image."""
        query: dict[str, Cursor | None] = {"after": f"{roi_id}-{job_id - 1}", "limit": 1}
        return self._ask("GET", f"{_cohort(cohort)}/results", ResultPage, query=query).results[0]

    def ask_overlays(self, cohort: str) -> OverlaysAsked:
        """Asks for an overlay of each class map that has none."""
        return self._ask("POST", f"{_cohort(cohort)}/overlays", OverlaysAsked)

    def review(self, cohort: str, order: ReviewOrder, *, limit: int) -> ReviewPage:
        """The first `limit` (up to 1000) of a cohort's ROIs in the order of the review."""
        return self._ask("GET", f"{_cohort(cohort)}/review", ReviewPage, query={"order": order, "limit": limit})

    def review_csv(self, cohort: str, order: ReviewOrder) -> str:
        """All of a cohort's ROIs in the order of the review, as CSV."""
        return self._send("GET", f"{_cohort(cohort)}/review.csv", params={"order": order}).text

    def ask_comparisons(self, cohort: str) -> ComparisonsAsked:
        """Asks for the segmenters to be compared on each ROI on which they were not."""
        return self._ask("POST", f"{_cohort(cohort)}/comparisons", ComparisonsAsked)

    def announce_ground_truth(self, cohort: str, files: Sequence[TruthFileIn]) -> list[TruthUpload]:
        """Where to PUT files of ground truth that are not kept already."""
        path, body = f"{_cohort(cohort)}/ground-truth-uploads", TruthFilesIn(files=list(files))
        return self._ask("POST", path, TruthUploads, body=body).uploads

    def add_ground_truth(self, cohort: str, given: GroundTruthIn) -> GroundTruthAdded:
        """Adds uploaded ground truth to the ROIs that it is named after."""
        return self._ask("POST", f"{_cohort(cohort)}/ground-truth", GroundTruthAdded, body=given)

    def ground_truths(self, cohort: str) -> Iterator[GroundTruthOut]:
        """A cohort's ground truth by ascending ROI id."""
        path = f"{_cohort(cohort)}/ground-truth"
        for page in _pages(lambda after: self._ask("GET", path, GroundTruthPage, query={"after": after})):
            yield from page.ground_truth

    def remove_ground_truth(self, cohort: str, roi: str) -> GroundTruthRemoved:
        """Removes the ground truth of an ROI."""
        return self._ask("DELETE", f"{_cohort(cohort)}/ground-truth/{quote(roi, safe='')}", GroundTruthRemoved)

    def evaluations(self, cohort: str) -> EvaluationPage:
        """How a cohort's evaluation stands, with its means; of the evaluations themselves the first one."""
        return self._ask("GET", f"{_cohort(cohort)}/evaluations", EvaluationPage, query={"limit": 1})

    def evaluations_csv(self, cohort: str, form: str, protocol: DiceProtocol, segmenter: str | None) -> str:
        """All of a cohort's evaluations, as CSV."""
        query = {"form": form, "protocol": protocol} | ({"segmenter": segmenter} if segmenter else {})
        return self._send("GET", f"{_cohort(cohort)}/evaluations.csv", params=query).text

    def scored_csv(self, study: str) -> str:
        """A study's outputs with their scores and segmenters, as CSV."""
        return self._send("GET", f"/v1/studies/{quote(study, safe='')}/scored.csv").text

    def dice_csv(self, study: str, protocol: DiceProtocol) -> str:
        """The Dice of a study's outputs beside their scores, as CSV."""
        return self._send("GET", f"/v1/studies/{quote(study, safe='')}/dice.csv", params={"protocol": protocol}).text

    def recommendation(self, cohort: str, *, by: str, protocol: DiceProtocol, draws: int, seed: int) -> Recommendation:
        """Which segmenter for a cohort; `by` is empty for whatever there is."""
        query: dict[str, Cursor | None] = {"by": by or None, "protocol": protocol, "draws": draws, "seed": seed}
        return self._ask("GET", f"{_cohort(cohort)}/recommendation", Recommendation, query=query)

    def jobs(
        self,
        *,
        cohort: str | None = None,
        state: JobState | None = None,
        segmenter: str | None = None,
        roi: str | None = None,
        cause: str | None = None,
        limit: int = 100,
    ) -> Iterator[JobListed]:
        """Jobs by ascending id, those that fit every filter given, asked for `limit` (up to 1000) at a time."""
        wanted: dict[str, Cursor | None] = {
            "cohort": cohort,
            "state": state,
            "segmenter": segmenter,
            "roi": roi,
            "cause": cause,
            "limit": limit,
        }
        for page in _pages(lambda after: self._ask("GET", "/v1/jobs", JobPage, query={**wanted, "after": after})):
            yield from page.jobs

    def job(self, job_id: int) -> JobOut:
        """One job with its attempts and what came of it."""
        return self._ask("GET", f"/v1/jobs/{job_id}", JobOut)

    def retry_job(self, job_id: int) -> JobOut:
        """Lets a failed or cancelled job wait again."""
        return self._ask("POST", f"/v1/jobs/{job_id}/retry", JobOut)

    def retry_jobs(self, wanted: JobsWanted) -> int:
        """Lets all failed jobs that fit wait again; gives how many."""
        return self._ask("POST", "/v1/jobs/retry", JobsChanged, body=wanted).jobs

    def cancel_job(self, job_id: int) -> JobOut:
        """Ends a waiting or running job."""
        return self._ask("POST", f"/v1/jobs/{job_id}/cancel", JobOut)

    def cancel_jobs(self, wanted: JobsWanted) -> int:
        """Ends all waiting and running jobs that fit; gives how many."""
        return self._ask("POST", "/v1/jobs/cancel", JobsChanged, body=wanted).jobs

    def workers(self) -> list[WorkerOut]:
        """All workers, by kind and host."""
        return self._ask("GET", "/v1/workers", WorkerList).workers

    def worker(self, name: str) -> WorkerOut:
        """One worker."""
        return self._ask("GET", _worker(name), WorkerOut)

    def drain_worker(self, name: str) -> WorkerOut:
        """Lets a worker take no new work."""
        return self._ask("POST", f"{_worker(name)}/drain", WorkerOut)

    def undrain_worker(self, name: str) -> WorkerOut:
        """Lets a worker take work again."""
        return self._ask("POST", f"{_worker(name)}/undrain", WorkerOut)

    def segmenters(self) -> list[SegmenterOut]:
        """The registered segmenters, then those known by their shipped card only."""
        return self._ask("GET", "/v1/segmenters", SegmenterList).segmenters

    def segmenter(self, name: str) -> SegmenterOut:
        """The newest segmenter of that name, or the one named by `name@version`."""
        return self._ask("GET", f"/v1/segmenters/{quote(name, safe='')}", SegmenterOut)

    def announce_checkpoint(self, checkpoint: CheckpointIn) -> CheckpointUpload:
        """Where to PUT a checkpoint, if it is not there already."""
        return self._ask("POST", "/v1/checkpoints", CheckpointUpload, body=checkpoint)

    def add_segmenter(self, segmenter: SegmenterIn) -> SegmenterAdded:
        """Registers a card whose checkpoint was uploaded."""
        return self._ask("POST", "/v1/segmenters", SegmenterAdded, body=segmenter)

    def trainings(self) -> list[TrainingListed]:
        """All trainings, newest first."""
        return self._ask("GET", "/v1/trainings", TrainingList).trainings

    def training(self, training_id: int) -> TrainingOut:
        """One training with its epochs."""
        return self._ask("GET", f"/v1/trainings/{training_id}", TrainingOut)

    def add_training(self, training: TrainingIn) -> TrainingAdded:
        """Asks for a training; the same again adds nothing."""
        return self._ask("POST", "/v1/trainings", TrainingAdded, body=training)

    def cancel_training(self, training_id: int) -> TrainingOut:
        """Ends a training that is not done."""
        return self._ask("POST", f"/v1/trainings/{training_id}/cancel", TrainingOut)

    def tokens(self) -> list[TokenOut]:
        """All API tokens, without their secrets."""
        return self._ask("GET", "/v1/tokens", TokenList).tokens

    def create_token(self, token: TokenIn) -> TokenMade:
        """Makes an API token."""
        return self._ask("POST", "/v1/tokens", TokenMade, body=token)

    def revoke_token(self, token_id: int) -> TokenOut:
        """Ends an API token."""
        return self._ask("DELETE", f"/v1/tokens/{token_id}", TokenOut)

    def accounts(self) -> list[AccountOut]:
        """All accounts by name."""
        return self._ask("GET", "/v1/accounts", AccountList).accounts

    def create_account(self, account: AccountIn) -> AccountOut:
        """Makes an account."""
        return self._ask("POST", "/v1/accounts", AccountOut, body=account)

    def change_account(self, name: str, change: AccountChange) -> AccountOut:
        """Gives an account another role, disables or enables it."""
        return self._ask("PATCH", f"/v1/accounts/{quote(name, safe='')}", AccountOut, body=change)

    def set_password(self, name: str, password: PasswordIn) -> AccountOut:
        """Gives an account another password."""
        return self._ask("PUT", f"/v1/accounts/{quote(name, safe='')}/password", AccountOut, body=password)

    def actions(self, *, actor: str | None = None) -> Iterator[ActionOut]:
        """The audit log, newest first."""
        for page in _pages(
            lambda after: self._ask("GET", "/v1/audit", AuditPage, query={"actor": actor, "after": after})
        ):
            yield from page.actions

    def study(self, name: str) -> StudyOut:
        """A scoring study."""
        return self._ask("GET", f"/v1/studies/{quote(name, safe='')}", StudyOut)

    def export_study(self, name: str, kind: ExportKind) -> bytes:
        """One of a study's tables, as CSV."""
        return self._send("GET", f"/v1/studies/{quote(name, safe='')}/export", params={"kind": kind}).content

    def _ask(
        self,
        method: str,
        path: str,
        shape: type[Shape],
        *,
        query: dict[str, Cursor | None] | None = None,
        body: BaseModel | None = None,
    ) -> Shape:
        request: dict[str, Any] = {
            "params": {name: value for name, value in (query or {}).items() if value is not None}
        }
        if body is not None:
            request |= {"content": body.model_dump_json(), "headers": {"Content-Type": "application/json"}}
        response = self._send(method, path, **request)
        try:
            return shape.model_validate_json(response.content)
        except ValidationError as error:
            raise self._stranger(response) from error

    def _send(self, method: str, path: str, **request: Any) -> httpx.Response:
        try:
            response = self._http.request(method, path, **request)
        except httpx.HTTPError as error:
            raise ApiDown(f"{self.address}, {reason(error)}; `pantile up` starts one on this machine") from error
        if not response.is_success:
            raise self._problem(response)
        return response

    def _problem(self, response: httpx.Response) -> ApiRefused | ApiUnwell:
        try:
            problem = Problem.model_validate_json(response.content)
        except ValidationError:
            return self._stranger(response)
        if response.status_code == httpx.codes.UNAUTHORIZED:
            return ApiClosed(problem.detail)
        return ApiUnwell(problem.detail.rstrip(".")) if response.is_server_error else ApiRefused(problem.detail)

    def _stranger(self, response: httpx.Response) -> ApiUnwell:
        return ApiUnwell(
            f"what {self.address} answers ({response.status_code}) is of another Pantile version, or no Pantile"
        )


def _worker(name: str) -> str:
    return f"/v1/workers/{quote(name, safe='')}"


def _cohort(cohort: str) -> str:
    return f"/v1/cohorts/{quote(cohort, safe='')}"


def _pages(ask: Callable[[Cursor | None], P]) -> Iterator[P]:
    after: Cursor | None = None
    while True:
        page = ask(after)
        yield page
        after = page.next
        if after is None:
            return

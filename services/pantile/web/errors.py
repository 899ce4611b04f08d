"""Errors as answers: one table from error class to HTTP status; problem+json (RFC 9457), or a page for a browser."""

import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from inspect import cleandoc
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.responses import Response

from pantile.domain.errors import (
    AccountExists,
    AccountNotFound,
    AdjudicationClosed,
    AdjudicationNotFound,
    AssignmentRefused,
    CaseWithdrawn,
    CohortNotFound,
    CohortNotOpen,
    CohortNotPaused,
    GroundTruthNotFound,
    InputRefused,
    JobNotCancellable,
    JobNotFound,
    JobNotRetryable,
    MemberNotFound,
    NotAllowed,
    NothingLeft,
    NotSignedIn,
    OutputMissing,
    OutputNotFound,
    PantileError,
    PlacingConflict,
    PlacingEmpty,
    ReadingClosed,
    ReadingIncomplete,
    ReadingNotFound,
    ReportNotFound,
    RoiConflict,
    ScoreConflict,
    ServiceDown,
    SessionNotFound,
    SignInRefused,
    SlideNotFound,
    SlideNotReady,
    StudyClosed,
    StudyExists,
    StudyNotFound,
    SubjectNotFound,
    TileNotFound,
    TilesAwaited,
    TokenNotFound,
    TooManyAttempts,
    TrainingNotFound,
    UploadMissing,
    ViewerNotBuilt,
    WorkerNotFound,
)
from pantile.logs import log
from pantile.schemas.shapes import Problem
from pantile.web.pages import refusal_page, to_sign_in, wants_page

PROBLEM_MEDIA_TYPE = "application/problem+json"

HTTP_STATUS: dict[type[PantileError], int] = {
    NotSignedIn: 401,
    NotAllowed: 403,
    SignInRefused: 403,
    AccountNotFound: 404,
    SessionNotFound: 404,
    TokenNotFound: 404,
    TileNotFound: 404,
    TilesAwaited: 503,
    TrainingNotFound: 404,
    ReportNotFound: 404,
    StudyNotFound: 404,
    MemberNotFound: 404,
    AdjudicationNotFound: 404,
    AdjudicationClosed: 409,
    ReadingNotFound: 404,
    OutputNotFound: 404,
    NothingLeft: 404,
    ReadingClosed: 409,
    ReadingIncomplete: 409,
    OutputMissing: 409,
    ScoreConflict: 412,
    AccountExists: 409,
    StudyExists: 409,
    StudyClosed: 409,
    AssignmentRefused: 409,
    TooManyAttempts: 429,
    CohortNotFound: 404,
    CohortNotOpen: 409,
    CohortNotPaused: 409,
    GroundTruthNotFound: 404,
    JobNotFound: 404,
    SlideNotFound: 404,
    SlideNotReady: 409,
    WorkerNotFound: 404,
    PlacingConflict: 412,
    PlacingEmpty: 409,
    JobNotRetryable: 409,
    JobNotCancellable: 409,
    RoiConflict: 409,
    CaseWithdrawn: 409,
    SubjectNotFound: 404,
    UploadMissing: 409,
    InputRefused: 422,
    ServiceDown: 503,
    ViewerNotBuilt: 503,
    PantileError: 500,
}
"""The status of each error; a class that is not named has its nearest parent's."""

_RETRY_AFTER_S = "5"

_NO_MEMBERS: Mapping[str, object] = {}

_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="pantile"'}

_DESCRIPTIONS = {
    400: "The body cannot be read at all.",
    401: "No token came along, or one that is not valid.",
    403: "Who asks may not do this.",
    404: "There is no such thing.",
    409: "It cannot be done as things stand.",
    412: "The version that `If-Match` names is not the current one.",
    413: "The request is too large.",
    415: "The body is of a type that is not taken here.",
    422: "The request cannot be taken; `detail` names the field or the line.",
    429: "There were too many failed attempts; wait a quarter of an hour.",
    500: "An error of ours; it is in the log.",
    503: "A server that Pantile needs does not answer; try again.",
}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The error responses of these statuses, for a route's description."""
    return {status: {"model": Problem, "description": _DESCRIPTIONS[status]} for status in statuses}


def answer_problems(app: FastAPI) -> None:
    """Makes the application answer every error as problem+json."""
    app.add_exception_handler(PantileError, _answer_own)
    app.add_exception_handler(RequestValidationError, _answer_invalid)
    app.add_exception_handler(HTTPException, _answer_http)
    app.add_exception_handler(Exception, _answer_unforeseen)


def status_of(error: PantileError) -> int:
    """The HTTP status of an error, by `HTTP_STATUS`."""
    return next(HTTP_STATUS[kind] for kind in type(error).__mro__ if kind in HTTP_STATUS)


async def answer_refusal(request: Request, error: Exception) -> Response:
    """The answer to what the gate refuses; a browser that asked for a page is sent to sign in."""
    if isinstance(error, HTTPException):
        return await _answer_http(request, error)
    if isinstance(error, NotSignedIn) and wants_page(request):
        return to_sign_in(request)
    return await _answer_own(request, error)


async def _answer_own(request: Request, error: Exception) -> Response:
    assert isinstance(error, PantileError)  # noqa: S101 — as registered
    status = status_of(error)
    sentence = cleandoc(type(error).__doc__ or "")
    kind = re.sub(r"(?<!^)(?=[A-Z])", "-", type(error).__name__).lower()
    headers = _CHALLENGE if status == HTTPStatus.UNAUTHORIZED else {}
    detail = str(error)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        # What a server said may name hosts and users: for the log, not for whoever asks.
        if not isinstance(error, TilesAwaited):
            log.error("request failed", method=request.method, path=request.url.path, error=str(error))
        headers = {"Retry-After": _RETRY_AFTER_S} if status == HTTPStatus.SERVICE_UNAVAILABLE else {}
        detail = sentence
    title = sentence.removesuffix(".")
    return _answer(
        request, status, detail, title=title, kind=f"urn:pantile:{kind}", headers=headers, members=error.members
    )


async def _answer_invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 — as registered
    return _answer(request, 422, describe_invalid(error.errors()))


async def _answer_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 — as registered
    detail = str(error.detail)
    if detail == HTTPStatus(error.status_code).phrase:
        detail = _sentence(error.status_code, request)
    return _answer(request, error.status_code, detail, headers=dict(error.headers or {}))


async def _answer_unforeseen(request: Request, error: Exception) -> Response:
    # The server in front (uvicorn) logs the traceback, as the error is raised on after this answer.
    log.error("request failed", method=request.method, path=request.url.path, error=type(error).__name__)
    return _answer(request, 500, "Something went wrong on our side; it is in the log.")


def describe_invalid(errors: Sequence[Any]) -> str:
    """One sentence for pydantic's errors: the first field and what is wrong with it, and how many more there are."""
    first = errors[0]
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    if first["type"] == "json_invalid":
        return f"The body is not valid JSON: {first.get('ctx', {}).get('error', first['msg'])}."
    message = str(first["msg"]).removeprefix("Value error, ")
    return f"{_field(first['loc'])}: {message[:1].lower()}{message[1:]}{more}."


def _field(location: Sequence[int | str]) -> str:
    parts = [part for part in location if part not in {"body", "query", "path", "header"}]
    name = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts)
    return name.removeprefix(".") or "the body"


def _sentence(status: int, request: Request) -> str:
    sentences = {
        404: f"There is nothing at {request.url.path}.",
        405: f"{request.method} is not possible at {request.url.path}.",
    }
    return sentences.get(status, f"{HTTPStatus(status).phrase}.")


def _answer(
    request: Request,
    status: int,
    detail: str,
    *,
    title: str = "",
    kind: str = "about:blank",
    headers: dict[str, str] | None = None,
    members: Mapping[str, object] = _NO_MEMBERS,
) -> Response:
    title = title or HTTPStatus(status).phrase
    if wants_page(request):
        return refusal_page(request, title, detail, status=status)
    problem = Problem(type=kind, title=title, status=status, detail=detail)
    return JSONResponse({**members, **problem.model_dump()}, status, headers=headers, media_type=PROBLEM_MEDIA_TYPE)

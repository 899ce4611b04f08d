"""The pages by which people sign in and out, and see their sessions."""

import secrets
from collections.abc import Callable
from functools import partial
from typing import Annotated, TypeVar

import anyio.to_thread
from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import RedirectResponse, Response

from pantile.catalog import sessions
from pantile.catalog.database import Database
from pantile.domain.access import MAX_PASSWORD, SECRET_BYTES, make_key
from pantile.domain.errors import NotAllowed, NotSignedIn, SignInRefused, TooManyAttempts
from pantile.settings import Settings
from pantile.web import oidc
from pantile.web.cookies import (
    clear_session,
    clear_sign_in,
    csrf_of,
    set_session,
    set_sign_in,
    sign_in_secret,
)
from pantile.web.forms import GivenForm, check_form, own_form
from pantile.web.gate import identify
from pantile.web.given import GivenDatabase, GivenSettings, GivenVisitor, SessionPath
from pantile.web.pages import SIGN_IN_PAGE, refusal_page, render, render_for, to_page
from pantile.web.sign_in import Client, sign_in_by_identity, sign_in_by_password

router = APIRouter(include_in_schema=False)

_NOTICES = {
    "ended": "Your session has ended. Sign in again to go on where you were.",
    "out": "You are signed out.",
}

T = TypeVar("T")

Text = Annotated[str, Query(max_length=4000)]


@router.get("/account")
def show_account(request: Request, visitor: GivenVisitor, database: GivenDatabase, settings: GivenSettings) -> Response:
    """Who one is, and one's sessions."""
    with database.transaction() as connection:
        own = sessions.list_sessions(connection, account_id=visitor.account_id or 0, idle_s=settings.session_idle_s)
    return render_for(request, "account.html", sessions=own, flower_url=settings.flower_url)


@router.get("/auth/login")
async def show_sign_in(request: Request, settings: GivenSettings, then: Text = "", because: Text = "") -> Response:
    """The page to sign in; whoever has a session already goes on."""
    try:
        await identify(request)
    except NotSignedIn:
        return _sign_in_page(request, settings, then=then, notice=_NOTICES.get(because, ""))
    return to_page(then)


def _sign_in_page(
    request: Request,
    settings: Settings,
    *,
    then: str = "",
    name: str = "",
    notice: str = "",
    problem: str = "",
    status: int = 200,
) -> Response:
    secret = sign_in_secret(request) or make_key(secrets.token_bytes(SECRET_BYTES))
    page = render(
        "sign_in.html",
        status=status,
        csrf_token=csrf_of(secret),
        then=then,
        name=name,
        notice=notice,
        problem=problem,
        provider=settings.oidc_title if settings.oidc_issuer else "",
    )
    set_sign_in(page, settings, secret)
    return page


@router.post("/auth/login")
async def sign_in(request: Request, form: GivenForm, database: GivenDatabase, settings: GivenSettings) -> Response:
    """Signs in with a password, and goes on to the page that was wanted."""
    name, password, then = form.get("name"), form.raw("password"), form.get("then")
    name = "".join(filter(str.isprintable, name)).strip().lower()[:100]
    page = partial(_sign_in_page, request, settings, then=then, name=name)
    try:
        check_form(form, sign_in_secret(request))
    except NotAllowed:
        return page(problem="The page was open for too long. Please sign in again.", status=403)
    check = partial(
        sign_in_by_password, database, settings, _client(request), name=name, password=password[:MAX_PASSWORD]
    )
    try:
        secret = await _in_turn(request, check)
    except (SignInRefused, TooManyAttempts) as error:
        return page(problem=str(error), status=429 if isinstance(error, TooManyAttempts) else 403)
    return _welcome(settings, secret, then)


@router.get("/auth/oidc")
async def go_to_provider(request: Request, settings: GivenSettings, then: Text = "") -> Response:
    """Sends the browser to the provider, marked so that the answer is known for its own."""
    if not settings.oidc_issuer:
        return refusal_page(request, "Not here", "This Pantile has no single sign-on.", status=404)
    secret = sign_in_secret(request) or make_key(secrets.token_bytes(SECRET_BYTES))
    provider = await _in_turn(request, partial(oidc.find_provider, settings))
    address = oidc.authorization_address(provider, settings, secret=secret, then=then)
    response = RedirectResponse(address, 303, headers={"Cache-Control": "no-store"})
    set_sign_in(response, settings, secret)
    return response


@router.get("/auth/callback")
async def take_answer(
    request: Request,
    database: GivenDatabase,
    settings: GivenSettings,
    code: Text = "",
    state: Text = "",
    iss: Text = "",
    error: Text = "",
) -> Response:
    """Takes the provider's answer: the person's session begins, or the page says why not."""
    secret = sign_in_secret(request)
    try:
        then = oidc.page_in_state(secret, state)
        _check_answer(settings, error=error, issuer=iss)
        redeem = partial(_redeem, database, settings, _client(request), secret=secret, code=code)
        response = _welcome(settings, await _in_turn(request, redeem), then)
    except SignInRefused as refusal:
        response = refusal_page(request, "You are not signed in", str(refusal), status=403)
    clear_sign_in(response, settings)
    return response


def _redeem(database: Database, settings: Settings, client: Client, *, secret: str, code: str) -> str:
    identity = oidc.redeem(oidc.find_provider(settings), settings, secret=secret, code=code)
    return sign_in_by_identity(database, settings, client, identity)


async def _in_turn(request: Request, work: Callable[[], T]) -> T:
    """Does what a sign-in takes, a few at a time, on threads that no other request waits for."""
    done: T = await anyio.to_thread.run_sync(work, limiter=request.app.state.sign_ins)
    return done


def _check_answer(settings: Settings, *, error: str, issuer: str) -> None:
    if error:
        raise SignInRefused(f"the provider says {error}")
    # An answer of another provider is not taken to this one (RFC 9207).
    if issuer not in ("", settings.oidc_issuer):
        raise SignInRefused(f"the answer is from {issuer}")


@router.post("/auth/logout", dependencies=[Depends(own_form)])
def sign_out(visitor: GivenVisitor, database: GivenDatabase, settings: GivenSettings) -> Response:
    """Ends the session."""
    if visitor.session_id is not None:
        with database.transaction() as connection:
            sessions.end_session(connection, visitor.session_id, account_id=visitor.account_id, actor=visitor.actor)
    response = to_page(f"{SIGN_IN_PAGE}?because=out")
    clear_session(response, settings)
    return response


@router.post("/auth/sessions/{session_id}/end", dependencies=[Depends(own_form)])
def end_own_session(session_id: SessionPath, visitor: GivenVisitor, database: GivenDatabase) -> Response:
    """Ends another of one's own sessions."""
    with database.transaction() as connection:
        sessions.end_session(connection, session_id, account_id=visitor.account_id or 0, actor=visitor.actor)
    return to_page("/account", done="ended")


def _welcome(settings: Settings, secret: str, then: str) -> Response:
    response = to_page(then)
    set_session(response, settings, secret)
    clear_sign_in(response, settings)
    return response


def _client(request: Request) -> Client:
    address = request.client.host if request.client else ""
    return Client(address=address, browser=request.headers.get("user-agent", ""))

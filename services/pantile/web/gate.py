"""The gate: every request is admitted, or answered here, before anything of its body is read."""

from collections.abc import Awaitable, Callable
from functools import partial

import anyio.to_thread
from fastapi import HTTPException, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from pantile.catalog.database import Database
from pantile.catalog.sessions import admit_session
from pantile.catalog.tokens import admit_token
from pantile.domain import access
from pantile.domain.access import Visitor
from pantile.domain.errors import NotAllowed, NotSignedIn, PantileError, ServiceDown
from pantile.settings import Settings
from pantile.web.access import Door, FormOf, Permission, allowed_methods, find_permission
from pantile.web.cookies import CSRF_HEADER, is_csrf_token, session_secret

VISITOR = "pantile.visitor"
"""Where the gate leaves the visitor in a request's scope."""

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})

Answer = Callable[[Request, Exception], Awaitable[Response]]


class Gate:
    """ASGI middleware that lets a request pass by the table of permissions; `refuse` makes the answer to the others."""

    def __init__(self, app: ASGIApp, *, refuse: Answer) -> None:
        self._app = app
        self._refuse = refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on with its visitor, or answers it."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return
        request = Request(scope)
        try:
            await _admit(request)
        except (PantileError, HTTPException) as refusal:
            answer = await self._refuse(request, refusal)
            await answer(scope, receive, send)
            return
        await self._app(scope, receive, send)


def visitor_of(request: Request) -> Visitor | None:
    """Who asks; None at an open door, where nobody was asked."""
    visitor: Visitor | None = request.scope.get(VISITOR)
    return visitor


async def identify(request: Request) -> Visitor:
    """Who asks, by the token or the session's cookie that came along; raises `NotSignedIn`, `DatabaseDown`."""
    return await anyio.to_thread.run_sync(_identification(request))


async def is_admitted(request: Request) -> bool:
    """Whether a request that was let in still would be; a catalog that does not answer turns nobody out."""
    try:
        await _admit(request)
    except (NotSignedIn, NotAllowed):
        return False
    except ServiceDown:
        return True
    return True


def _identification(request: Request) -> Callable[[], Visitor]:
    database: Database = request.app.state.database
    settings: Settings = request.app.state.settings
    if "authorization" in request.headers:
        return partial(_identify_token, database, _bearer(request))
    secret = session_secret(request)
    if not secret:
        raise NotSignedIn
    return partial(_identify_session, database, secret, settings.session_idle_s)


async def _admit(request: Request) -> None:
    permission = _permission(request)
    if permission is Door.OPEN:
        return
    visitor = request.scope[VISITOR] = await identify(request)
    is_form = permission is Door.FORM or isinstance(permission, FormOf)
    if not is_form:
        _check_csrf(request, visitor)
    scope = permission.scope if isinstance(permission, FormOf) else permission
    if isinstance(scope, access.Scope) and scope not in visitor.scopes:
        raise NotAllowed(f"it takes the scope {scope}, and {_holder(visitor)} {_held(visitor)}")


def _permission(request: Request) -> Permission:
    path = request.scope["path"]
    permission = find_permission(request.method, path)
    if permission is not None:
        return permission
    if methods := allowed_methods(path):
        raise HTTPException(405, headers={"Allow": ", ".join(methods)})
    raise HTTPException(404)


def _bearer(request: Request) -> str:
    kind, _, token = request.headers["authorization"].partition(" ")
    if kind.lower() != "bearer" or not access.is_token(token.strip()):
        raise NotSignedIn(f"Authorization has to be: Bearer {access.TOKEN_PREFIX}…")
    return token.strip()


def _identify_token(database: Database, token: str) -> Visitor:
    with database.transaction() as connection:
        return admit_token(connection, token)


def _identify_session(database: Database, secret: str, idle_s: int) -> Visitor:
    with database.transaction() as connection:
        return admit_session(connection, secret, idle_s=idle_s)


def _check_csrf(request: Request, visitor: Visitor) -> None:
    """What a cookie came with has to prove that a page of ours sent it; a token is sent by nobody unknowingly."""
    if visitor.session_id is None or request.method in _SAFE:
        return
    if not is_csrf_token(request.headers.get(CSRF_HEADER, ""), session_secret(request)):
        raise NotAllowed(f"with a session, changes need the header {CSRF_HEADER} as GET /v1/me gives it")


def _holder(visitor: Visitor) -> str:
    return "the token" if visitor.token_id is not None else f"the role {visitor.role or 'none yet'}"


def _held(visitor: Visitor) -> str:
    return f"has {', '.join(sorted(visitor.scopes))}" if visitor.scopes else "has none"

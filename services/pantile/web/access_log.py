"""The access log: one event for each answer, but for the health checks; and the same, counted and timed."""

import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pantile.domain.access import Visitor
from pantile.logs import log
from pantile.metrics import ANSWER_SECONDS, REQUESTS, REQUESTS_OPEN
from pantile.web.access import find_route
from pantile.web.gate import VISITOR

_QUIET = frozenset({"/healthz", "/readyz"})
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class AccessLog:
    """ASGI middleware that logs method, path, status, time and actor; plain, so that streams pass through untouched."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on, and logs its answer."""
        if scope["type"] != "http" or scope["path"] in _QUIET:
            await self._app(scope, receive, send)
            return
        started_at = time.monotonic()
        route = find_route(scope["path"])
        status = 0

        async def note_status(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                ANSWER_SECONDS.labels(route).observe(time.monotonic() - started_at)
            await send(message)

        try:
            with REQUESTS_OPEN.track_inprogress():
                await self._app(scope, receive, note_status)
        finally:
            # A client may make methods up.
            method = scope["method"] if scope["method"] in _METHODS else "other"
            REQUESTS.labels(method, route, status).inc()
            seconds = round(time.monotonic() - started_at, 4)
            visitor: Visitor | None = scope.get(VISITOR)
            who = {"actor": visitor.actor} if visitor else {}
            log.info(
                "request answered", method=scope["method"], path=scope["path"], status=status, seconds=seconds, **who
            )

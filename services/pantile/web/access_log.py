"""The access log: one event for each answer, but for the health checks."""

import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pantile.domain.access import Visitor
from pantile.logs import log
from pantile.web.gate import VISITOR

_QUIET = frozenset({"/healthz", "/readyz"})


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
        status = 0

        async def note_status(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, note_status)
        finally:
            seconds = round(time.monotonic() - started_at, 4)
            visitor: Visitor | None = scope.get(VISITOR)
            who = {"actor": visitor.actor} if visitor else {}
            log.info(
                "request answered", method=scope["method"], path=scope["path"], status=status, seconds=seconds, **who
            )

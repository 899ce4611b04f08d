"""The body limit: a request that is too large is refused before all of it is held in memory."""

from fastapi import HTTPException
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_BODY_BYTES = 64 << 20
"""The largest request taken: a manifest of the 100,000 ROIs that one submission may have fits."""


class BodyLimit:
    """ASGI middleware by which reading a body beyond `MAX_BODY_BYTES` raises a 413 inside the handler that reads."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on with its body counted."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        announced = Headers(scope=scope).get("content-length", "0")
        size = int(announced) if announced.isdigit() else 0
        received = 0

        async def receive_counted() -> Message:
            nonlocal received
            if size > MAX_BODY_BYTES:
                raise _too_large()
            message = await receive()
            received += len(message.get("body", b""))
            if received > MAX_BODY_BYTES:
                raise _too_large()
            return message

        await self._app(scope, receive_counted, send)


def _too_large() -> HTTPException:
    return HTTPException(413, f"The request is larger than {MAX_BODY_BYTES >> 20} MiB.")

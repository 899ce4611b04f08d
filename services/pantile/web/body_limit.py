"""The body limit: a request that is too large is refused before all of it is held in memory."""

import re

from fastapi import HTTPException
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_BODY_BYTES = 2 << 20
"""The largest request taken but for manifests: a card of 200,000 characters fits, however they are written."""

MAX_MANIFEST_BYTES = 64 << 20
"""The largest table taken: 100,000 ROIs with 600 bytes each fit."""

MAX_IMAGE_BYTES = 4 << 30
"""The largest image taken through a page; it goes to disk as it comes, and then to the bucket."""

# Manifests, and tables of a study's scores, which are about as long.
_TABLES = re.compile(r"POST (/v1/cohorts|(/v1)?/studies/[^/]+/import|/submit)")
_IMAGES = re.compile(r"PUT /submit/files")


class BodyLimit:
    """ASGI middleware by which reading a body beyond its limit raises a 413 inside the handler that reads."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on with its body counted; one whose client has gone before it was all here just ends."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        limit = _limit(f"{scope['method']} {scope['path']}")
        announced = Headers(scope=scope).get("content-length", "0")
        size = int(announced) if announced.isdecimal() else 0
        received = 0

        async def receive_counted() -> Message:
            nonlocal received
            if size > limit:
                raise _too_large(limit)
            message = await receive()
            received += len(message.get("body", b""))
            if received > limit:
                raise _too_large(limit)
            return message

        try:
            await self._app(scope, receive_counted, send)
        except ClientDisconnect:
            return


def _limit(route: str) -> int:
    if _IMAGES.fullmatch(route):
        return MAX_IMAGE_BYTES
    return MAX_MANIFEST_BYTES if _TABLES.fullmatch(route) else MAX_BODY_BYTES


def _too_large(limit: int) -> HTTPException:
    return HTTPException(413, f"The request is larger than {limit >> 20} MiB.")

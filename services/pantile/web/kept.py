"""Answers that browsers keep: pictures with a tag, given again only to those who do not have them."""

import hashlib
from collections.abc import Callable
from typing import Annotated, Any

from fastapi import Depends, Header, Path, Request, Response

from pantile.web.errors import problems
from pantile.web.tiles import Tiles

FOR_GOOD = "private, max-age=31536000, immutable"
"""Of addresses whose content never changes."""

ASKED_AGAIN = "private, no-cache"
"""Of addresses whose content may change: the browser asks each time whether it has."""

LevelPath = Annotated[int, Path(ge=0, le=99, description="0 is one pixel.")]
PlacePath = Annotated[int, Path(ge=0, le=999_999)]
KnownTag = Annotated[str, Header(alias="If-None-Match", max_length=1000)]


async def _tiles(request: Request) -> Tiles:
    tiles: Tiles = request.app.state.tiles
    return tiles


GivenTiles = Annotated[Tiles, Depends(_tiles)]


def picture_answers(media_type: str, *statuses: int) -> dict[int | str, dict[str, Any]]:
    """What a route of pictures answers, for its description; besides, problems of these statuses."""
    content = {media_type: {"schema": {"type": "string", "format": "binary"}}}
    kept = {"description": "It is the one that you have."}
    return {200: {"content": content}, 304: kept, **problems(401, 403, 404, 422, 500, 503, *statuses)}


def answer_picture(
    make: Callable[[], bytes], *, tag: str, known: str, media_type: str, keep: str = FOR_GOOD
) -> Response:
    """A picture, made unless the browser has the one with this tag."""
    headers = {"ETag": tag, "Cache-Control": keep, "X-Content-Type-Options": "nosniff"}
    if tag in known:
        return Response(status_code=304, headers=headers)
    return Response(make(), media_type=media_type, headers=headers)


def tag_of(content: str) -> str:
    """A tag that tells nothing of the object behind it, whose digest could be looked up."""
    return f'"{hashlib.sha256(content.encode()).hexdigest()[:24]}"'

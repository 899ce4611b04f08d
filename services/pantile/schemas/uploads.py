"""Uploading the images that a submission named."""

from typing import Annotated

from pydantic import Field, StrictInt

from pantile.schemas.shapes import MAX_BIGINT, Ask, Sha256, Shape


class Upload(Shape):
    """An image that is awaited, and where to PUT it. `url` is None when its bytes have arrived already."""

    roi_id: int
    roi: str
    source: str
    sha256: str
    bytes: int | None
    url: str | None
    error: str | None = Field(None, description="Why an earlier upload was not taken.")


class UploadPage(Shape):
    """Awaited uploads; `next` continues the list."""

    uploads: list[Upload]
    next: int | None = None


class UploadsDone(Ask):
    """The ROIs whose uploads have arrived."""

    roi_ids: list[Annotated[StrictInt, Field(ge=1, le=MAX_BIGINT)]] = Field(min_length=1, max_length=10_000)


class UploadsTaken(Shape):
    """How many of the named uploads were awaited."""

    taken: int


class UploadedFile(Ask):
    """A file that a page has uploaded."""

    sha256: Sha256
    bytes: Annotated[StrictInt, Field(ge=0, le=MAX_BIGINT)]

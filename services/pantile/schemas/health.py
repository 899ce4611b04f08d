"""Whether the web service can do its work."""

from typing import Literal

from pantile.schemas.shapes import Shape


class Health(Shape):
    """Whether the web service and what it needs answer."""

    status: Literal["ok", "down"]
    version: str
    database: bool
    broker: bool
    objects: bool

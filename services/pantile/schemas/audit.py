"""The audit log."""

from datetime import datetime

from pantile.schemas.shapes import Shape


class ActionOut(Shape):
    """A line of the audit log."""

    id: int
    at: datetime
    actor: str
    action: str
    subject: str
    details: dict[str, object]


class AuditPage(Shape):
    """The audit log, newest first; `next` continues it."""

    actions: list[ActionOut]
    next: int | None = None

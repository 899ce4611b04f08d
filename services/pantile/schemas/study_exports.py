"""The shapes of exports and imports of a study."""

from datetime import datetime

from pydantic import Field

from pantile.domain.study_exports import ExportKind
from pantile.schemas.shapes import Shape


class ExportOut(Shape):
    """An export that was made."""

    kind: ExportKind
    filters: dict[str, object]
    actor: str
    at: datetime
    rows: int
    sha256: str
    last_event_id: int | None = Field(description="The last event that it can have.")


class ExportList(Shape):
    """Exports, newest first."""

    exports: list[ExportOut]


class ImportOut(Shape):
    """What was imported, or would be."""

    dry_run: bool
    rows: int
    readings: int = Field(description="Cases that are new.")
    scores: int
    already: int = Field(description="Cases that were there with the same scores.")
    adjudications: int = Field(description="Adjudications that are due since.")

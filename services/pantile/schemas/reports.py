"""The shape of a study's report: how it stands, and where it is."""

from datetime import datetime

from pydantic import Field

from pantile.domain.jobs import JobState
from pantile.schemas.shapes import Shape


class ReportMade(Shape):
    """The newest report that was made."""

    made_at: datetime
    scores: int = Field(description="Of how many scores it is, of whichever tissue.")
    page_bytes: int
    archive_bytes: int


class ReportOut(Shape):
    """How the report that was asked for last stands, and the newest that was made."""

    state: JobState | None = Field(description="Null: none was asked for.")
    asked_at: datetime | None
    error: str | None = Field(description="Why it failed, or why it is tried again.")
    made: ReportMade | None

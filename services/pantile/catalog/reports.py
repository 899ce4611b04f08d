"""Reports of studies: asked for, made by a chore of an evaluate worker, and the newest of each study kept."""

from dataclasses import dataclass
from datetime import datetime

from pantile.catalog.audit import record_action
from pantile.catalog.database import Connection, announce_work
from pantile.catalog.studies import STUDY_COLUMNS, study_from
from pantile.domain.jobs import JobState
from pantile.domain.studies import Study


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A report that was made: its page, the archive with its tables and figures, and of how many scores it is."""

    page_key: str
    page_sha256: str
    page_bytes: int
    archive_key: str
    archive_sha256: str
    archive_bytes: int
    scores: int
    made_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportStanding:
    """How the report stands that was asked for last (state None where none was), and the newest that was made."""

    state: JobState | None = None
    asked_at: datetime | None = None
    error: str | None = None
    made: Report | None = None

    @property
    def is_awaited(self) -> bool:
        """Whether one is on its way."""
        return self.state in {JobState.WAITING, JobState.RUNNING}


def ask_report(connection: Connection, study: Study, *, actor: str) -> None:
    """Asks for a study's report, one that failed once more; one that is on its way is not asked for again. Audited."""
    connection.execute(
        """
        INSERT INTO chores (kind, study_id) VALUES ('report', %s)
        ON CONFLICT (kind, study_id) DO UPDATE SET state = 'waiting', charged_attempts = 0, suspect = false,
            not_before = now(), published_at = NULL, created_at = now(), started_at = NULL, finished_at = NULL,
            error_kind = NULL, error = NULL
            WHERE chores.state IN ('succeeded', 'failed', 'cancelled')
        """,
        [study.id],
    )
    record_action(connection, actor=actor, action="ask report", subject=f"study {study.name}")
    announce_work(connection)


def find_report(connection: Connection, study_id: int) -> ReportStanding:
    """How a study's report stands."""
    asked = connection.execute(
        "SELECT state, created_at, error FROM chores WHERE kind = 'report' AND study_id = %s", [study_id]
    ).fetchone()
    made = connection.execute(
        """
        SELECT page_key, page_sha256, page_bytes, archive_key, archive_sha256, archive_bytes, scores, made_at
        FROM reports WHERE study_id = %s
        """,
        [study_id],
    ).fetchone()
    report = Report(**made) if made else None
    if asked is None:
        return ReportStanding(made=report)
    return ReportStanding(
        state=JobState(asked["state"]), asked_at=asked["created_at"], error=asked["error"], made=report
    )


def read_subject(connection: Connection, chore_id: int) -> Study:
    """The study that a report chore is about."""
    row = connection.execute(
        f"SELECT {STUDY_COLUMNS} FROM chores c JOIN studies s ON s.id = c.study_id WHERE c.id = %s",  # noqa: S608 — a constant
        [chore_id],
    ).fetchone()
    assert row is not None  # noqa: S101 — a report chore has its study, by its foreign key
    return study_from(row)


def keep_report(connection: Connection, study_id: int, report: Report) -> None:
    """Stores where a study's report is; the sweeper removes the one that it takes the place of."""
    connection.execute(
        """
        INSERT INTO reports (study_id, page_key, page_sha256, page_bytes, archive_key, archive_sha256, archive_bytes,
                             scores, made_at)
        VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)
        ON CONFLICT (study_id) DO UPDATE SET page_key = excluded.page_key, page_sha256 = excluded.page_sha256,
            page_bytes = excluded.page_bytes, archive_key = excluded.archive_key,
            archive_sha256 = excluded.archive_sha256, archive_bytes = excluded.archive_bytes,
            scores = excluded.scores, made_at = excluded.made_at
        """,
        [
            study_id,
            report.page_key,
            report.page_sha256,
            report.page_bytes,
            report.archive_key,
            report.archive_sha256,
            report.archive_bytes,
            report.scores,
            report.made_at,
        ],
    )

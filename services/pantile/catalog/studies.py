"""Studies as they are: found, listed, locked for a change, and what they are made of."""

from dataclasses import dataclass

from pantile.catalog.database import Connection, Row
from pantile.domain.errors import StudyNotFound
from pantile.domain.questions import Question, QuestionKind
from pantile.domain.rois import TissueType
from pantile.domain.studies import Presentation, Study, StudyRole, StudyState

STUDY_COLUMNS = """
    s.id, s.name, s.title, s.description, s.state, s.presentation, s.is_blinded, s.seed, s.anchors, s.tissue_types,
    s.adjudication_delta, s.created_at, s.created_by, s.frozen_at
"""
"""What `study_from` reads, of studies that a statement calls s."""


def study_from(row: Row) -> Study:
    """The study of a row with `STUDY_COLUMNS`."""
    return Study(
        id=row["id"],
        name=row["name"],
        title=row["title"],
        description=row["description"],
        state=StudyState(row["state"]),
        presentation=Presentation(row["presentation"]),
        is_blinded=row["is_blinded"],
        seed=row["seed"],
        anchors=row["anchors"],
        tissue_types=tuple(TissueType(each) for each in row["tissue_types"]),
        adjudication_delta=row["adjudication_delta"],
        created_at=row["created_at"],
        created_by=row["created_by"],
        frozen_at=row["frozen_at"],
    )


def find_study(connection: Connection, name: str) -> Study:
    """The study of that name; raises `StudyNotFound`."""
    return find_visit(connection, name, account_id=None)[0]


def find_visit(connection: Connection, name: str, *, account_id: int | None) -> tuple[Study, StudyRole | None]:
    """The study of that name, and what an account is in it, if anything; raises `StudyNotFound`."""
    row = connection.execute(
        f"""
        SELECT {STUDY_COLUMNS}, m.role FROM studies s
        LEFT JOIN study_members m ON m.study_id = s.id AND m.account_id = %s WHERE s.name = %s
        """,  # noqa: S608 — a constant of this module
        [account_id, name],
    ).fetchone()
    if row is None:
        raise StudyNotFound(name)
    return study_from(row), StudyRole(row["role"]) if row["role"] else None


def lock_study(connection: Connection, study: Study) -> Study:
    """The study as it is now, unchanged by others until this transaction ends."""
    row = connection.execute(
        f"SELECT {STUDY_COLUMNS} FROM studies s WHERE s.id = %s FOR UPDATE",  # noqa: S608 — a constant
        [study.id],
    ).fetchone()
    if row is None:
        raise StudyNotFound(study.name)
    return study_from(row)


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyListed:
    """A study as one account sees it: what they are in it, the cases assigned to them, done and skipped."""

    study: Study
    role: StudyRole | None
    assigned: int
    done: int
    skipped: int


def list_studies(connection: Connection, *, account_id: int | None, all_of_them: bool) -> list[StudyListed]:
    """The studies in which an account is a member, or all of them, newest first, with the account's own cases."""
    rows = connection.execute(
        f"""
        SELECT {STUDY_COLUMNS}, m.role, coalesce(own.assigned, 0) AS assigned, coalesce(own.done, 0) AS done,
               coalesce(own.skipped, 0) AS skipped
        FROM studies s
        LEFT JOIN study_members m ON m.study_id = s.id AND m.account_id = %(account_id)s
        LEFT JOIN (
            SELECT study_id, count(*) FILTER (WHERE state NOT IN ('void', 'withdrawn')) AS assigned,
                   count(*) FILTER (WHERE state = 'done') AS done,
                   count(*) FILTER (WHERE state = 'skipped') AS skipped
            FROM assignments WHERE account_id = %(account_id)s GROUP BY study_id
        ) own ON own.study_id = s.id
        WHERE %(all)s OR m.role IS NOT NULL ORDER BY s.id DESC
        """,  # noqa: S608 — a constant of this module
        {"account_id": account_id, "all": all_of_them},
    )
    return [
        StudyListed(
            study=study_from(row),
            role=StudyRole(row["role"]) if row["role"] else None,
            assigned=row["assigned"],
            done=row["done"],
            skipped=row["skipped"],
        )
        for row in rows
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class StudySegmenter:
    """A segmenter of a study, by its number there."""

    number: int
    segmenter_id: int
    name: str
    version: str
    title: str
    training_cohorts: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyContent:
    """What a study is made of."""

    cohorts: tuple[str, ...]
    segmenters: tuple[StudySegmenter, ...]
    questions: tuple[Question, ...]
    rois: int
    outputs: int
    missing: int


def describe_study(connection: Connection, study: Study) -> StudyContent:
    """What a study is made of, and how many outputs it has and lacks."""
    counts = connection.execute(
        """
        SELECT (SELECT count(*) FROM study_rois WHERE study_id = %(id)s) AS rois, count(job_id) AS outputs,
               count(*) - count(job_id) AS missing
        FROM outputs WHERE study_id = %(id)s
        """,
        {"id": study.id},
    ).fetchone()
    assert counts is not None  # noqa: S101 — counting gives a row
    return StudyContent(
        cohorts=_list_cohorts(connection, study.id),
        segmenters=list_segmenters(connection, study.id),
        questions=list_questions(connection, study.id),
        **counts,
    )


def _list_cohorts(connection: Connection, study_id: int) -> tuple[str, ...]:
    rows = connection.execute(
        """
        SELECT c.name FROM study_cohorts sc JOIN cohorts c ON c.id = sc.cohort_id
        WHERE sc.study_id = %s ORDER BY c.name
        """,
        [study_id],
    )
    return tuple(row["name"] for row in rows)


def list_segmenters(connection: Connection, study_id: int) -> tuple[StudySegmenter, ...]:
    """A study's segmenters by number."""
    rows = connection.execute(
        """
        SELECT ss.number, ss.segmenter_id, s.name, s.version, s.card->>'title' AS title,
               coalesce(s.card->'training_cohorts', '[]') AS training_cohorts
        FROM study_segmenters ss JOIN segmenters s ON s.id = ss.segmenter_id WHERE ss.study_id = %s ORDER BY ss.number
        """,
        [study_id],
    )
    return tuple(StudySegmenter(**{**row, "training_cohorts": tuple(row["training_cohorts"])}) for row in rows)


def list_questions(connection: Connection, study_id: int) -> tuple[Question, ...]:
    """A study's questions by number."""
    rows = connection.execute(
        """
        SELECT number, kind, prompt, options, is_required, tissue_type FROM study_questions
        WHERE study_id = %s ORDER BY number
        """,
        [study_id],
    )
    return tuple(
        Question(
            number=row["number"],
            kind=QuestionKind(row["kind"]),
            prompt=row["prompt"],
            options=tuple(row["options"]),
            is_required=row["is_required"],
            tissue_type=TissueType(row["tissue_type"]) if row["tissue_type"] else None,
        )
        for row in rows
    )

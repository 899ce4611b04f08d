"""Queues: a rater's own cases of a study in their stored order, filtered, and which one comes next."""

from dataclasses import asdict, dataclass, field
from uuid import UUID

from pantile.catalog.database import Connection, Row
from pantile.catalog.readings import Reading
from pantile.domain.errors import NothingLeft, ReadingNotFound
from pantile.domain.readings import FlagKind, Purpose, ReadingState, position_in
from pantile.domain.rois import TissueType


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueFilter:
    """Which cases to list; what is empty or None does not matter. `flag` is one kind, or with `is_flagged` any."""

    states: list[ReadingState] = field(default_factory=list)
    cohorts: list[str] = field(default_factory=list)
    purposes: list[Purpose] = field(default_factory=list)
    tissue_type: TissueType | None = None
    flag: FlagKind | None = None
    is_flagged: bool | None = None
    words: str = ""


_FLAGS = "SELECT 1 FROM flags f WHERE f.assignment_id = a.id"

_FILTERS = {
    "states": "a.state = ANY(%(states)s)",
    "cohorts": "c.name = ANY(%(cohorts)s)",
    "purposes": "a.purpose = ANY(%(purposes)s)",
    "tissue_type": "r.tissue_type = %(tissue_type)s",
    "flag": f"EXISTS ({_FLAGS} AND f.kind = %(flag)s)",
    "is_flagged": f"EXISTS ({_FLAGS}) = %(is_flagged)s",
}  # fmt: skip

# What a rater wrote themselves can be searched; names of slides and files only once they are shown.
_WORDS = """(
    a.position = %(position)s OR a.comment ILIKE %(pattern)s
    OR EXISTS (SELECT 1 FROM scores v WHERE v.assignment_id = a.id AND v.comment ILIKE %(pattern)s)
    OR (%(names_rois)s AND (r.name ILIKE %(pattern)s OR r.case_id ILIKE %(pattern)s))
)"""

_OWN = "a.study_id = %(study_id)s AND a.account_id = %(account_id)s AND a.state <> 'void'"


def list_cases(
    connection: Connection,
    study_id: int,
    account_id: int,
    wanted: QueueFilter,
    *,
    names_rois: bool,
    after: int = 0,
    limit: int = 100,
) -> list[Row]:
    """An account's cases by position, from the one after the position `after`."""
    values = asdict(wanted)
    given = [condition for name, condition in _FILTERS.items() if values[name] not in (None, [])]
    given += [_WORDS] if wanted.words else []
    return connection.execute(
        f"""
        SELECT a.key, a.position, a.state, a.purpose, a.round, c.name AS cohort, r.tissue_type,
               CASE WHEN %(names_rois)s THEN r.name END AS roi,
               (SELECT count(*) FROM scores v WHERE v.assignment_id = a.id AND v.is_complete) AS scored,
               (SELECT count(*) FROM outputs o WHERE o.study_id = a.study_id AND o.roi_id = a.roi_id
                AND o.job_id IS NOT NULL AND o.number = ANY(a.pane_order) AND a.state <> 'withdrawn') AS panes,
               (SELECT coalesce(array_agg(DISTINCT f.kind), '{{}}') FROM flags f WHERE f.assignment_id = a.id) AS flags
        FROM assignments a JOIN rois r ON r.id = a.roi_id JOIN cohorts c ON c.id = r.cohort_id
        WHERE {" AND ".join([_OWN, "a.position > %(after)s", *given])}
        ORDER BY a.position LIMIT %(limit)s
        """,  # noqa: S608 — joined from constants of this module
        {
            **values,
            "study_id": study_id,
            "account_id": account_id,
            "names_rois": names_rois,
            "position": position_in(wanted.words),
            "pattern": _pattern(wanted.words),
            "after": after,
            "limit": limit,
        },
    ).fetchall()


def _pattern(words: str) -> str:
    literal = words.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")
    return f"%{literal}%"


def count_cases(connection: Connection, study_id: int, account_id: int) -> list[Row]:
    """How many cases an account has of each cohort and purpose, done and skipped ones, and those withdrawn besides."""
    return connection.execute(
        f"""
        SELECT c.name AS cohort, a.purpose, count(*) FILTER (WHERE a.state <> 'withdrawn') AS assigned,
               count(*) FILTER (WHERE a.state = 'done') AS done, count(*) FILTER (WHERE a.state = 'skipped') AS skipped,
               count(*) FILTER (WHERE a.state = 'withdrawn') AS withdrawn
        FROM assignments a JOIN rois r ON r.id = a.roi_id JOIN cohorts c ON c.id = r.cohort_id
        WHERE {_OWN} GROUP BY c.name, a.purpose ORDER BY c.name, a.purpose
        """,  # noqa: S608 — a constant of this module
        {"study_id": study_id, "account_id": account_id},
    ).fetchall()


def resume(connection: Connection, study_id: int, account_id: int) -> UUID:
    """The case at which an account goes on: the open one it looked at last, or the first pending one.

    Raises:
        NothingLeft: all are done or skipped.
    """
    return _first(
        connection,
        f"""
        SELECT a.key FROM assignments a WHERE {_OWN} AND a.state IN ('open', 'pending')
        ORDER BY a.state <> 'open', CASE WHEN a.state = 'open' THEN a.visited_at END DESC NULLS LAST, a.position LIMIT 1
        """,  # noqa: S608 — a constant of this module
        {"study_id": study_id, "account_id": account_id},
    )


def find_neighbour(connection: Connection, reading: Reading) -> UUID | None:
    """The case that follows a reading in its rater's order, None for the last one."""
    row = connection.execute(
        f"""
        SELECT a.key FROM assignments a WHERE {_OWN} AND a.position > %(at)s ORDER BY a.position LIMIT 1
        """,  # noqa: S608 — a constant of this module
        {"study_id": reading.study_id, "account_id": reading.account_id, "at": reading.position},
    ).fetchone()
    return row["key"] if row else None


def find_next(connection: Connection, study_id: int, account_id: int, *, after: UUID, is_unscored: bool) -> UUID:
    """The case behind another one; with `is_unscored` the next that is not ended, from the start again after the last.

    Raises:
        ReadingNotFound: the account has no such case in the study.
        NothingLeft: there is none.
    """
    values = {"study_id": study_id, "account_id": account_id, "after": after}
    row = connection.execute(
        f"SELECT a.position FROM assignments a WHERE a.key = %(after)s AND {_OWN}",  # noqa: S608 — a constant
        values,
    ).fetchone()
    if row is None:
        raise ReadingNotFound(str(after))
    which = "a.state IN ('open', 'pending') AND a.position <> %(at)s" if is_unscored else "a.position > %(at)s"
    return _first(
        connection,
        f"""
        SELECT a.key FROM assignments a WHERE {_OWN} AND {which} ORDER BY a.position < %(at)s, a.position LIMIT 1
        """,  # noqa: S608 — joined from constants
        {**values, "at": row["position"]},
    )


def _first(connection: Connection, statement: str, values: Row) -> UUID:
    row = connection.execute(statement, values).fetchone()
    if row is None:
        raise NothingLeft
    key: UUID = row["key"]
    return key

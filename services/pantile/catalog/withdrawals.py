"""Withdrawals: cases, slides and ROIs that keep their rows and lose their objects, and take nothing in any more.

What shows the tissue goes: images, class maps, confidence maps, overlays, pyramids, ground truth, overviews, uploads.
What stays are names, states, the figures of class maps, scores and their history. An object that something else names
as well stays too.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import LiteralString
from uuid import uuid4

from pantile.catalog import holdings, leases
from pantile.catalog.audit import record_action
from pantile.catalog.database import Connection, Row
from pantile.catalog.holdings import incoming_key
from pantile.catalog.rois import unlink_jobs
from pantile.catalog.score_events import append_event
from pantile.domain.errors import CaseWithdrawn, SubjectNotFound
from pantile.domain.readings import ReadingState
from pantile.domain.score_events import Action, ScoreEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What is to be withdrawn: all that has a name as case, slide or ROI, in one cohort or (None) in all."""

    name: str
    cohort_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawal:
    """What a withdrawal takes along; `objects` by folder of the bucket, `spared` are those that others name as well.

    What was withdrawn before is not counted again.
    """

    cohorts: tuple[str, ...]
    cases: tuple[str, ...]
    slides: int
    rois: int
    jobs_ended: int
    readings: int
    objects: Mapping[str, int]
    spared: int


def withdraw(connection: Connection, subject: Subject, *, reason: str, actor: str) -> Withdrawal:
    """Withdraws a case, slide or ROI for good; its objects are to be removed by `remove_withdrawn`. Audited.

    Raises:
        SubjectNotFound: nothing has that name.
    """
    rois, slides = _find(connection, subject)
    if not rois and not slides:
        raise SubjectNotFound(subject.name)
    told = [*rois, *slides]
    new_rois, new_slides = ([row for row in rows if row["state"] != "withdrawn"] for rows in (rois, slides))
    # Chores first: whoever ends one holds its row when it comes to the ROI's.
    _end_chores(connection, "roi_id", _ids(new_rois))
    _end_chores(connection, "slide_id", _ids(new_slides))
    _begin_reports_again(connection, _ids(new_rois))
    jobs, ended = _end_jobs(connection, _ids(new_rois))
    _mark(connection, "rois", _ids(new_rois))
    _mark(connection, "slides", _ids(new_slides))
    keys = [*_drop_objects(connection, _ids(new_rois), jobs), *_drop_pictures(connection, new_slides)]
    keys += [incoming_key(row["expected_sha256"]) for row in new_rois if row["state"] in {"awaiting", "arriving"}]
    going = _note_removals(connection, keys)
    withdrawal = Withdrawal(
        cohorts=tuple(sorted({row["cohort"] for row in told})),
        cases=tuple(sorted({row["case_id"] for row in told})),
        slides=len(new_slides),
        rois=len(new_rois),
        jobs_ended=ended,
        readings=_withdraw_readings(connection, _ids(new_rois), actor=actor),
        objects=dict(Counter(key.split("/")[0] for key in going)),
        spared=len(set(keys)) - len(going),
    )
    connection.execute(
        "INSERT INTO withdrawals (name, cohort_id) VALUES (%s, %s) ON CONFLICT DO NOTHING",
        [subject.name, subject.cohort_id],
    )
    details = {"reason": reason, "cohorts": withdrawal.cohorts, "slides": withdrawal.slides, "rois": withdrawal.rois}
    details |= {"jobs_ended": ended, "readings": withdrawal.readings, "objects": withdrawal.objects}
    record_action(connection, actor=actor, action="withdraw", subject=subject.name, details=details)
    return withdrawal


def _ids(rows: Iterable[Row]) -> list[int]:
    return [row["id"] for row in rows]


def _find(connection: Connection, subject: Subject) -> tuple[list[Row], list[Row]]:
    """The ROIs and slides that are meant, withdrawn ones included."""
    values = {"name": subject.name, "cohort_id": subject.cohort_id}
    rois = connection.execute(
        """
        SELECT r.id, r.state, r.case_id, r.expected_sha256, c.name AS cohort
        FROM rois r JOIN cohorts c ON c.id = r.cohort_id
        WHERE %(name)s IN (r.case_id, r.slide, r.name)
          AND (%(cohort_id)s::bigint IS NULL OR r.cohort_id = %(cohort_id)s)
        ORDER BY r.id
        """,
        values,
    ).fetchall()
    slides = connection.execute(
        """
        SELECT s.id, s.state, s.case_id, s.overview_key, s.tissue_key, c.name AS cohort
        FROM slides s JOIN cohorts c ON c.id = s.cohort_id
        WHERE %(name)s IN (s.case_id, s.name) AND (%(cohort_id)s::bigint IS NULL OR s.cohort_id = %(cohort_id)s)
        ORDER BY s.id
        """,
        values,
    ).fetchall()
    return rois, slides


def _end_chores(connection: Connection, column: LiteralString, ids: Sequence[int]) -> None:
    rows = connection.execute(f"SELECT id FROM chores WHERE {column} = ANY(%s) ORDER BY id", [list(ids)])  # noqa: S608
    leases.cancel(connection, "chores", _ids(rows))


def _begin_reports_again(connection: Connection, roi_ids: Sequence[int]) -> None:
    """Takes reports that are being made from their workers, which may have read what is withdrawn now."""
    rows = connection.execute(
        """
        SELECT lease_token FROM chores WHERE kind = 'report' AND state = 'running'
            AND study_id IN (SELECT study_id FROM study_rois WHERE roi_id = ANY(%s))
        """,
        [list(roi_ids)],
    )
    leases.release(connection, "chores", [row["lease_token"] for row in rows], why="a case was withdrawn")


def _end_jobs(connection: Connection, roi_ids: Sequence[int]) -> tuple[list[int], int]:
    """Takes the ROIs' jobs from them; gives those that no other ROI has, and how many of them were open."""
    locked = connection.execute(
        """
        SELECT id FROM jobs WHERE id IN (SELECT job_id FROM cohort_jobs WHERE roi_id = ANY(%s)) ORDER BY id FOR UPDATE
        """,
        [list(roi_ids)],
    ).fetchall()
    unlink_jobs(connection, roi_ids)
    rows = connection.execute(
        """
        SELECT id FROM jobs WHERE id = ANY(%s) AND NOT EXISTS (SELECT 1 FROM cohort_jobs cj WHERE cj.job_id = jobs.id)
        """,
        [_ids(locked)],
    )
    own = _ids(rows)
    ended = leases.cancel(connection, "jobs", own)
    _end_chores(connection, "job_id", own)
    return own, ended


def _mark(connection: Connection, table: LiteralString, ids: Sequence[int]) -> None:
    connection.execute(
        f"UPDATE {table} SET state = 'withdrawn', error_kind = %s, error = %s WHERE id = ANY(%s)",  # noqa: S608
        [CaseWithdrawn.__name__, str(CaseWithdrawn()), list(ids)],
    )


# Each statement forgets objects and gives their keys. The images are those that no other ROI has.
_DROPS: tuple[LiteralString, ...] = (
    """
    WITH own AS (SELECT job_id, object_key, confidence_key FROM class_maps WHERE job_id = ANY(%(jobs)s)),
         dropped AS (
            UPDATE class_maps SET object_key = NULL, confidence_key = NULL, confidence_sha256 = NULL,
                confidence_bytes = NULL, mean_confidence = NULL
            WHERE job_id = ANY(%(jobs)s))
    SELECT unnest(ARRAY[object_key, confidence_key]) AS key FROM own
    """,
    "DELETE FROM overlays WHERE job_id = ANY(%(jobs)s) RETURNING object_key AS key",
    "DELETE FROM ground_truths WHERE roi_id = ANY(%(rois)s) RETURNING object_key AS key",
    """
    WITH gone AS (
        DELETE FROM reports WHERE study_id IN (SELECT study_id FROM study_rois WHERE roi_id = ANY(%(rois)s))
        RETURNING page_key, archive_key)
    SELECT unnest(ARRAY[page_key, archive_key]) AS key FROM gone
    """,
    "DELETE FROM disagreements WHERE roi_id = ANY(%(rois)s) RETURNING NULL AS key",
    "DELETE FROM pyramids WHERE image_sha256 = ANY(%(images)s) RETURNING object_key AS key",
    """
    WITH own AS (SELECT object_key FROM images WHERE sha256 = ANY(%(images)s) AND refusal IS NULL),
         dropped AS (
            UPDATE images SET object_key = NULL, quality = NULL, refusal_kind = %(kind)s, refusal = %(sentence)s
            WHERE sha256 = ANY(%(images)s) AND refusal IS NULL)
    SELECT object_key AS key FROM own
    """,
)


def _drop_objects(connection: Connection, roi_ids: Sequence[int], job_ids: Sequence[int]) -> list[str]:
    images = connection.execute(
        """
        SELECT DISTINCT image_sha256 AS id FROM rois r WHERE id = ANY(%s) AND image_sha256 IS NOT NULL AND NOT EXISTS (
            SELECT 1 FROM rois o WHERE o.image_sha256 = r.image_sha256 AND o.state <> 'withdrawn')
        """,
        [list(roi_ids)],
    )
    values = {
        "rois": list(roi_ids),
        "jobs": list(job_ids),
        "images": [row["id"] for row in images],
        "kind": CaseWithdrawn.__name__,
        "sentence": str(CaseWithdrawn()),
    }
    return [row["key"] for drop in _DROPS for row in connection.execute(drop, values).fetchall() if row["key"]]


def _drop_pictures(connection: Connection, slides: Sequence[Row]) -> list[str]:
    connection.execute(
        """
        UPDATE slides SET overview_key = NULL, overview_sha256 = NULL, tissue_key = NULL, tissue_sha256 = NULL,
            guesses = '[]' WHERE id = ANY(%s)
        """,
        [_ids(slides)],
    )
    pyramids = connection.execute(
        "DELETE FROM slide_pyramids WHERE slide_id = ANY(%s) RETURNING object_key", [_ids(slides)]
    )
    keys = [row[column] for row in slides for column in ("overview_key", "tissue_key")]
    return [*(row["object_key"] for row in pyramids), *filter(None, keys)]


def _note_removals(connection: Connection, keys: Sequence[str]) -> list[str]:
    """Notes those of the objects that nothing else names, and gives them."""
    stored = [key for key in keys if not key.startswith(incoming_key(""))]
    digests = [key.removeprefix(incoming_key("")) for key in keys if key.startswith(incoming_key(""))]
    unawaited = [incoming_key(digest) for digest in holdings.find_unawaited(connection, digests)]
    going = [*holdings.find_unknown(connection, stored), *unawaited]
    connection.execute("INSERT INTO removals (object) SELECT unnest(%s::text[]) ON CONFLICT DO NOTHING", [going])
    return going


def _withdraw_readings(connection: Connection, roi_ids: Sequence[int], *, actor: str) -> int:
    """Ends the readings of these ROIs, whatever their study's state, each with an event of its history."""
    rows = connection.execute(
        """
        SELECT id, key, state, events, last_hash, clock_timestamp() AS now FROM assignments
        WHERE roi_id = ANY(%s) AND state NOT IN ('void', 'withdrawn') ORDER BY id FOR UPDATE
        """,
        [list(roi_ids)],
    ).fetchall()
    for row in rows:
        event = ScoreEvent(
            assignment=row["key"],
            number=row["events"] + 1,
            key=uuid4(),
            action=Action.WITHDRAW,
            actor=actor,
            at=row["now"],
            before={"status": row["state"]},
            after={"status": ReadingState.WITHDRAWN.value},
            previous_hash=row["last_hash"],
        )
        append_event(connection, event, assignment_id=row["id"])
    connection.execute("UPDATE assignments SET state = 'withdrawn' WHERE id = ANY(%s)", [_ids(rows)])
    return len(rows)


def list_removals(connection: Connection, *, limit: int = 1000) -> tuple[list[str], list[str]]:
    """Objects that are to be removed at once, and those of which that is not so any more: they came to be named."""
    rows = connection.execute("SELECT object FROM removals ORDER BY object LIMIT %s", [limit])
    noted = [row["object"] for row in rows]
    unknown = set(holdings.find_unknown(connection, noted))
    return [key for key in noted if key in unknown], [key for key in noted if key not in unknown]


def forget_removals(connection: Connection, keys: Sequence[str]) -> None:
    """Notes that these objects are gone, or stay."""
    connection.execute("DELETE FROM removals WHERE object = ANY(%s)", [list(keys)])


def count_removals(connection: Connection) -> int:
    """How many objects are yet to be removed."""
    row = connection.execute("SELECT count(*) AS objects FROM removals").fetchone()
    return int(row["objects"]) if row else 0

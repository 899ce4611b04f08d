"""What a rater adds to a case besides scores: flags, a comment on the whole, and how long they looked at it."""

from dataclasses import asdict, dataclass
from uuid import UUID

from pantile.catalog.adjudications import open_adjudications
from pantile.catalog.database import Connection, Row
from pantile.catalog.readings import Reading, append_note, check_open, find_output, lock_reading
from pantile.domain.access import Visitor
from pantile.domain.readings import MAX_DELTA_MS, FlagKind
from pantile.domain.score_events import Action


def set_flag(
    connection: Connection, key: UUID, visitor: Visitor, *, kind: FlagKind, output: UUID | None, note: str, is_set: bool
) -> None:
    """Flags a case or one of its outputs, or takes the flag back; what is so already makes no event.

    Raises:
        ReadingNotFound, NotAllowed, StudyClosed, ReadingClosed: as a score is refused.
        OutputNotFound: the case has no such output. One that is missing can be flagged.
    """
    reading = lock_reading(connection, key, visitor)
    check_open(reading)
    row = find_output(connection, reading, output, may_be_missing=True) if output is not None else None
    before = _find_flag(connection, reading, row, kind)
    after = {"flag": kind.value, "note": note} if is_set else None
    if before == after:
        return
    action = Action.FLAG if is_set else Action.UNFLAG
    append_note(connection, reading, action, visitor, before=before or {}, after=after or {}, output=row)
    _keep_flag(connection, reading, row, kind, note=note if is_set else None)
    if is_set:
        open_adjudications(connection, reading.study_id, roi_id=reading.roi_id)


def _find_flag(connection: Connection, reading: Reading, output: Row | None, kind: FlagKind) -> dict[str, str] | None:
    row = connection.execute(
        """
        SELECT note FROM flags WHERE assignment_id = %s AND output_id IS NOT DISTINCT FROM %s AND kind = %s
        """,
        [reading.id, output and output["id"], kind.value],
    ).fetchone()
    return {"flag": kind.value, "note": row["note"]} if row else None


def _keep_flag(
    connection: Connection, reading: Reading, output: Row | None, kind: FlagKind, *, note: str | None
) -> None:
    values = {"id": reading.id, "output_id": output and output["id"], "kind": kind.value, "note": note}
    if note is None:
        connection.execute(
            """
            DELETE FROM flags WHERE assignment_id = %(id)s AND kind = %(kind)s
                AND output_id IS NOT DISTINCT FROM %(output_id)s
            """,
            values,
        )
        return
    connection.execute(
        """
        INSERT INTO flags (assignment_id, output_id, kind, note) VALUES (%(id)s, %(output_id)s, %(kind)s, %(note)s)
        ON CONFLICT (assignment_id, output_id, kind) DO UPDATE SET note = excluded.note, at = now(),
            resolved_at = NULL, resolved_by = NULL
        """,
        values,
    )


def list_flags(connection: Connection, key: UUID) -> list[Row]:
    """The flags of an assignment, first to last."""
    return connection.execute(
        """
        SELECT o.key AS output, f.kind, f.note FROM flags f JOIN assignments a ON a.id = f.assignment_id
        LEFT JOIN outputs o ON o.id = f.output_id WHERE a.key = %s ORDER BY f.id
        """,
        [key],
    ).fetchall()


def set_comment(connection: Connection, key: UUID, visitor: Visitor, comment: str) -> None:
    """Comments on the case as a whole; the same comment again makes no event. Raises as a score is refused."""
    reading = lock_reading(connection, key, visitor)
    if reading.comment == comment:
        return
    check_open(reading)
    append_note(
        connection,
        reading,
        Action.COMMENT,
        visitor,
        before={"comment": reading.comment},
        after={"comment": comment},
    )
    connection.execute("UPDATE assignments SET comment = %s WHERE id = %s", [comment, reading.id])


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """How long a case was looked at since the last report, and how its images came."""

    active_ms: int
    idle_ms: int
    first_tile_ms: int | None = None
    loaded_ms: int | None = None
    tile_errors: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class TotalTime:
    """How long a case was looked at in all."""

    active_ms: int
    idle_ms: int


def add_timing(connection: Connection, key: UUID, visitor: Visitor, timing: Timing) -> TotalTime:
    """Adds to the time of a reading, of which it gives the sum.

    No report counts for more than `MAX_DELTA_MS`, and all together for no more than the time since the case was first
    opened, until it was done: what a viewer with a wrong clock or a script reports beyond that is kept in `viewings`
    and not counted. Raises `ReadingNotFound`, `NotAllowed`.
    """
    reading = lock_reading(connection, key, visitor)
    connection.execute(
        """
        INSERT INTO viewings (assignment_id, active_ms, idle_ms, first_tile_ms, loaded_ms, tile_errors)
        VALUES (%(id)s, %(active_ms)s, %(idle_ms)s, %(first_tile_ms)s, %(loaded_ms)s, %(tile_errors)s)
        """,
        {**asdict(timing), "id": reading.id},
    )
    row = connection.execute(
        """
        WITH open_for AS (
            SELECT coalesce(ceil(extract(epoch FROM coalesce(completed_at, %(now)s) - opened_at) * 1000), 0)::bigint
                - active_ms - idle_ms AS left_ms
            FROM assignments WHERE id = %(id)s
        ), counted AS (
            SELECT greatest(0, least(%(active_ms)s, left_ms)) AS active_ms,
                   greatest(0, least(%(idle_ms)s, left_ms - least(%(active_ms)s, left_ms))) AS idle_ms FROM open_for
        )
        UPDATE assignments a SET active_ms = a.active_ms + c.active_ms, idle_ms = a.idle_ms + c.idle_ms
        FROM counted c WHERE a.id = %(id)s RETURNING a.active_ms, a.idle_ms
        """,
        {
            "id": reading.id,
            "now": reading.now,
            "active_ms": min(timing.active_ms, MAX_DELTA_MS),
            "idle_ms": min(timing.idle_ms, MAX_DELTA_MS),
        },
    ).fetchone()
    assert row is not None  # noqa: S101 — the row is locked
    return TotalTime(active_ms=row["active_ms"], idle_ms=row["idle_ms"])

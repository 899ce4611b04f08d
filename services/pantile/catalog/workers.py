"""Workers: what each tells of itself every few seconds, what it holds, and whether it is to take no new work.

A row says nothing about leases, and no lease depends on it: a worker whose row is lost goes on working.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from pantile.catalog.audit import record_action
from pantile.catalog.database import Connection, Row
from pantile.domain.errors import WorkerNotFound
from pantile.domain.workers import FORGOTTEN_AFTER_S, WorkerKind


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerFacts:
    """What a worker is from its start to its end."""

    name: str
    kind: WorkerKind
    host: str
    pid: int
    queues: Sequence[str]
    threads: int
    version: str


def tell_worker(
    connection: Connection, worker: WorkerFacts, *, device: str | None, tasks: int, is_consuming: bool
) -> bool:
    """Notes that a worker is alive, its device as far as it knows it, and its tasks in hand; True if it is to drain."""
    # What is lost in a crash of the server is told again in a few seconds.
    connection.execute("SET LOCAL synchronous_commit = off")
    row = connection.execute(
        """
        INSERT INTO workers (name, kind, host, pid, queues, threads, version, device, tasks, is_consuming)
        VALUES (%(name)s, %(kind)s, %(host)s, %(pid)s, %(queues)s, %(threads)s, %(version)s, %(device)s, %(tasks)s,
                %(is_consuming)s)
        ON CONFLICT (name) DO UPDATE SET device = excluded.device, tasks = excluded.tasks,
            is_consuming = excluded.is_consuming, seen_at = clock_timestamp()
        RETURNING drain_asked_at IS NOT NULL AS is_drain_asked
        """,
        {
            **asdict(worker),
            "queues": list(worker.queues),
            "device": device,
            "tasks": tasks,
            "is_consuming": is_consuming,
        },
    ).fetchone()
    assert row is not None  # noqa: S101 — an upsert gives its row
    return bool(row["is_drain_asked"])


def remove_worker(connection: Connection, name: str) -> None:
    """Forgets a worker that ends as it should."""
    connection.execute("DELETE FROM workers WHERE name = %s", [name])


def forget_silent(connection: Connection, *, after_s: float = FORGOTTEN_AFTER_S) -> int:
    """Forgets workers that have told nothing for so long; gives how many."""
    return connection.execute(
        "DELETE FROM workers WHERE seen_at < clock_timestamp() - make_interval(secs => %s)", [after_s]
    ).rowcount


def list_workers(connection: Connection) -> list[Row]:
    """All workers by kind, host and name, each with the leased rows that it holds (`holds`), the oldest first."""
    return _find(connection, "true", {})


def get_worker(connection: Connection, name: str) -> Row:
    """One worker as `list_workers` gives it; raises `WorkerNotFound`."""
    found = _find(connection, "w.name = %(name)s", {"name": name})
    if not found:
        raise WorkerNotFound(name)
    return found[0]


def drain_worker(connection: Connection, name: str, *, drain: bool, actor: str) -> Row:
    """Lets a worker take no new work, or with `drain` false take work again; it hears of it within `BEAT_S`.

    Raises:
        WorkerNotFound: no such worker, or it has ended.
    """
    row = connection.execute(
        """
        UPDATE workers SET drain_asked_at = CASE WHEN %(drain)s THEN coalesce(drain_asked_at, clock_timestamp()) END
        WHERE name = %(name)s RETURNING name
        """,
        {"name": name, "drain": drain},
    ).fetchone()
    if row is None:
        raise WorkerNotFound(name)
    record_action(connection, actor=actor, action="drain" if drain else "undrain", subject=f"worker {name}")
    return get_worker(connection, name)


# What is leased now: few rows, found by the index of running ones.
_HELD = """
    SELECT lease_owner, started_at, 'job ' || j.id AS what, s.name AS segmenter,
           (SELECT r.name FROM cohort_jobs cj JOIN rois r ON r.id = cj.roi_id
            WHERE cj.job_id = j.id ORDER BY cj.roi_id LIMIT 1) AS roi
    FROM jobs j JOIN segmenters s ON s.id = j.segmenter_id WHERE j.state = 'running'
    UNION ALL
    SELECT c.lease_owner, c.started_at, c.kind, s.name, r.name
    FROM chores c LEFT JOIN rois r ON r.id = c.roi_id LEFT JOIN jobs j ON j.id = c.job_id
    LEFT JOIN segmenters s ON s.id = j.segmenter_id WHERE c.state = 'running'
    UNION ALL
    SELECT lease_owner, started_at, 'training ' || id, segmenter, NULL FROM trainings WHERE state = 'running'
"""


def _find(connection: Connection, which: str, values: Row) -> list[Row]:
    return connection.execute(
        f"""
        WITH held AS MATERIALIZED ({_HELD})
        SELECT w.*, extract(epoch FROM clock_timestamp() - w.seen_at)::double precision AS silent_s,
               coalesce(h.holds, '[]') AS holds
        FROM workers w
        LEFT JOIN (
            SELECT lease_owner, jsonb_agg(jsonb_build_object(
                'what', what, 'roi', roi, 'segmenter', segmenter, 'since', started_at
            ) ORDER BY started_at, what) AS holds
            FROM held GROUP BY lease_owner
        ) h ON h.lease_owner = w.name
        WHERE {which} ORDER BY w.kind, w.host, w.name
        """,  # noqa: S608 — joined from constants of this module
        values,
    ).fetchall()
